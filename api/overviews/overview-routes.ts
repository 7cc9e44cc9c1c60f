/** Sync Overview and Sync Now (rules.md 18 to 23): look first, or sync at once; wait up to a minute, or follow the operation. */
import { z } from 'zod';
import type { TenantWork } from '../../db/database';
import { toTypeId } from '../../db/sql/ids';
import { type Integration, lockIntegration } from '../../db/integrations/integrations';
import { markTargetViewed } from '../../db/notifications/inbox';
import { addOperation, findOperation, type Operation } from '../../db/notifications/operations';
import { listOverviewItems } from '../../db/overviews/overview-items';
import { findOverview, listOverviews, type Overview } from '../../db/overviews/overviews';
import { listOverviewJobs } from '../../db/overviews/overview-jobs';
import { requestOverview } from '../../db/overviews/overview-lifecycle';
import { datasetsOf } from '../../domain/records/mapping-directions';
import { requestSyncNow } from '../../db/sync-runs/sync-now';
import { showSyncRun } from '../../db/sync-runs/sync-runs';
import { INVALIDITY_TEXTS } from '../../domain/overviews/overview';
import { HttpError } from '../http/http-error';
import { operationRoute, type Route, type TenantContext, tenantRoute } from '../routing/define-route';
import { idParam, lineOfText, recordTypeName } from '../routing/common-schemas';
import { listOf, listParams, readPage, toPage, uuidPosition } from '../routing/pagination';
import {
  direction,
  operation,
  overview,
  overviewAction,
  overviewItem,
  toWireItem,
  toWireOperation,
  toWireOverview,
} from './overview-schema';
import { syncRun, toWireRun } from '../sync-runs/sync-run-schema';
import { integrationParams, requireIntegration } from '../integrations/integration-routes';

const overviewParams = z.strictObject({ overview_id: idParam('ovw', 'overview_not_found') });
const PATIENCE = [
  'Waits up to 60 seconds for the end (`Prefer: wait=N` for less, `Prefer: respond-async` not at all).',
  'Done by then: 200 with the result. Otherwise 202 with an operation to follow, and the person who asked is notified once it has ended.',
].join(' ');

const overviewOutcome = z.object({ operation, overview }).meta({ id: 'OverviewOutcome' });
const syncNowOutcome = z.object({ operation, sync_run: syncRun }).meta({ id: 'SyncNowOutcome' });

export const overviewRoutes: readonly Route[] = [
  operationRoute({
    method: 'post',
    path: '/v1/integrations/{integration_id}/overviews',
    operationId: 'startOverview',
    tag: 'Sync Overview',
    summary: 'Ask for a Sync Overview',
    description: `What a Sync Now would do, in either direction, without doing it. From this moment on every earlier one of the integration is no longer valid. ${PATIENCE}`,
    params: integrationParams,
    body: z.strictObject({
      directions: z.array(direction).min(1).max(2).optional().meta({ description: 'Both unless given.' }),
    }),
    answers: {
      200: { description: 'It is ready, or could not be made: see its state.', schema: overviewOutcome },
      202: { description: 'It goes on.', schema: overviewOutcome },
    },
    problems: [
      'integration_not_found',
      'integration_paused',
      'needs_reauthorization',
      'onboarding_in_progress',
      'nothing_to_sync',
    ],
    action: 'overview.requested',
    async begin(work, { params, body }, context) {
      const integration = await requireSyncable(work, params.integration_id);
      const datasets = datasetsOf(integration.recordTypes, body.directions ?? ['pull', 'push']);
      if (datasets.length === 0) throw new HttpError('nothing_to_sync');
      const by = requesterOf(context);
      const { integrationId } = integration;
      const overviewId = await requestOverview(work, { integrationId, datasets, ...by });
      if (overviewId === undefined) throw new HttpError('integration_not_found');
      const operationId = await addOperation(work, { kind: 'overview', integrationId, overviewId, ...by });
      return {
        operationId,
        audit: {
          target: toTypeId('ovw', overviewId),
          detail: { integration_id: toTypeId('int', integrationId) },
        },
      };
    },
    show: showOverviewOutcome,
  }),

  operationRoute({
    method: 'post',
    path: '/v1/integrations/{integration_id}/sync-now',
    operationId: 'syncNow',
    tag: 'Sync Overview',
    summary: 'Sync now',
    description: `Pulls, then pushes. From an overview: exactly what it showed, each record only if it is still as it was; what has drifted is skipped and listed in the Sync Log. Who asks for what is on its way already shares that run. ${PATIENCE}`,
    params: integrationParams,
    body: z.strictObject({
      overview_id: idParam('ovw', 'overview_not_found')
        .optional()
        .meta({ description: 'Apply what it showed and nothing else.' }),
    }),
    answers: {
      200: { description: 'It has ended: see the state of the run.', schema: syncNowOutcome },
      202: { description: 'It goes on.', schema: syncNowOutcome },
    },
    problems: [
      'integration_not_found',
      'integration_paused',
      'needs_reauthorization',
      'onboarding_in_progress',
      'nothing_to_sync',
      'overview_not_found',
      'overview_not_ready',
      'overview_no_longer_valid',
    ],
    action: 'sync_now.requested',
    async begin(work, { params, body }, context) {
      const integration = await requireSyncable(work, params.integration_id);
      const { integrationId } = integration;
      const by = requesterOf(context);
      const overviewId = body.overview_id ?? null;
      const answer = await requestSyncNow(work, { integrationId, overviewId, ...by });
      if (answer.kind === 'integration_gone') throw new HttpError('integration_not_found');
      if (answer.kind === 'nothing_to_sync') throw new HttpError('nothing_to_sync');
      if (answer.kind === 'overview_unusable') throw await whyUnusable(work, { overviewId, integrationId });
      const operationId = await addOperation(work, {
        kind: 'sync_now',
        integrationId,
        syncRunId: answer.syncRunId,
        ...by,
      });
      const detail = {
        integration_id: toTypeId('int', integrationId),
        overview_id: overviewId === null ? null : toTypeId('ovw', overviewId),
        shared: answer.isShared,
      };
      return { operationId, audit: { target: toTypeId('run', answer.syncRunId), detail } };
    },
    show: showSyncNowOutcome,
  }),

  tenantRoute({
    method: 'get',
    path: '/v1/operations/{operation_id}',
    operationId: 'showOperation',
    tag: 'Sync Overview',
    summary: 'Follow an operation',
    params: z.strictObject({ operation_id: idParam('opr', 'operation_not_found') }),
    answers: { 200: { description: 'How it stands.', schema: operation } },
    problems: ['operation_not_found'],
    async run(work, { params }) {
      const found = await findOperation(work, { operationId: params.operation_id });
      if (found === undefined) throw new HttpError('operation_not_found');
      return { status: 200, body: toWireOperation(found) };
    },
  }),

  tenantRoute({
    method: 'get',
    path: '/v1/overviews',
    operationId: 'listOverviews',
    tag: 'Sync Overview',
    summary: 'List Sync Overviews, newest first',
    query: z.strictObject({
      ...listParams,
      integration_id: idParam('int', 'integration_not_found').optional(),
    }),
    answers: {
      200: { description: 'Those that are no longer valid too, with the reason.', schema: listOf(overview) },
    },
    problems: ['invalid_cursor', 'integration_not_found'],
    async run(work, { query }) {
      if (query.integration_id !== undefined) await requireIntegration(work, query.integration_id);
      const scope = ['overviews', work.tenantId, query.integration_id];
      const { limit, after } = readPage(query, scope, uuidPosition);
      const rows = await listOverviews(work, {
        integrationId: query.integration_id,
        limit: limit + 1,
        before: after,
      });
      const jobs = await listOverviewJobs(
        work,
        rows.map(({ overviewId }) => overviewId),
      );
      return {
        status: 200,
        body: toPage(
          rows,
          limit,
          scope,
          ({ overviewId }) => overviewId,
          (row) => toWireOverview(row, jobs),
        ),
      };
    },
  }),

  tenantRoute({
    method: 'get',
    path: '/v1/overviews/{overview_id}',
    operationId: 'showOverview',
    tag: 'Sync Overview',
    summary: 'Show a Sync Overview',
    description:
      'Its progress while it is made, its counts when it is ready. One that is no longer valid is answered 410 with the reason and where to go instead.',
    params: overviewParams,
    answers: { 200: { description: 'The overview.', schema: overview } },
    problems: ['overview_not_found', 'overview_no_longer_valid'],
    async run(work, { params }, { caller }) {
      const found = await requireValid(work, params.overview_id);
      if (caller.kind === 'tenant' && caller.personId !== null && found.state === 'ready')
        await markTargetViewed(work, { personId: caller.personId, overviewId: found.overviewId });
      return { status: 200, body: toWireOverview(found, await listOverviewJobs(work, [found.overviewId])) };
    },
  }),

  tenantRoute({
    method: 'get',
    path: '/v1/overviews/{overview_id}/items',
    operationId: 'listOverviewItems',
    tag: 'Sync Overview',
    summary: 'List what a Sync Overview shows',
    params: overviewParams,
    query: z.strictObject({
      ...listParams,
      direction: direction.optional(),
      record_type: recordTypeName.optional(),
      action: overviewAction.optional(),
      q: lineOfText(200)
        .optional()
        .meta({ description: 'In either id or in a value that would change.', example: 'lovelace' }),
    }),
    answers: {
      200: {
        description: 'One item per record, with the fields that would change, before and after.',
        schema: listOf(overviewItem),
      },
    },
    problems: ['overview_not_found', 'overview_not_ready', 'overview_no_longer_valid', 'invalid_cursor'],
    async run(work, { params, query }) {
      const found = await requireValid(work, params.overview_id);
      if (found.state !== 'ready') throw new HttpError('overview_not_ready');
      const filter = {
        direction: query.direction,
        recordType: query.record_type,
        action: query.action,
        search: query.q,
      };
      const scope = ['overview-items', work.tenantId, found.overviewId, ...Object.values(filter)];
      const { limit, after } = readPage(query, scope, uuidPosition);
      const rows = await listOverviewItems(work, {
        ...filter,
        overviewId: found.overviewId,
        limit: limit + 1,
        after,
      });
      return {
        status: 200,
        body: toPage(rows, limit, scope, ({ overviewItemId }) => overviewItemId, toWireItem),
      };
    },
  }),
];

function requesterOf({ caller }: TenantContext): { requestedBy: string; personId: string | null } {
  return { requestedBy: caller.actor, personId: caller.kind === 'tenant' ? caller.personId : null };
}

/** Locked, so that it is still so when the work is accepted. */
async function requireSyncable(work: TenantWork, integrationId: string): Promise<Integration> {
  const integration = await lockIntegration(work, { integrationId });
  if (integration === undefined) throw new HttpError('integration_not_found');
  if (integration.pausedAt !== null) throw new HttpError('integration_paused');
  if (integration.needsReauthorizationAt !== null) throw new HttpError('needs_reauthorization');
  if (integration.onboardingStartedAt !== null && integration.onboardedAt === null)
    throw new HttpError('onboarding_in_progress');
  return integration;
}

async function requireValid(work: TenantWork, overviewId: string): Promise<Overview> {
  const found = await findOverview(work, { overviewId });
  if (found === undefined) throw new HttpError('overview_not_found');
  if (found.invalidAt !== null) throw noLongerValid(found);
  return found;
}

async function whyUnusable(
  work: TenantWork,
  { overviewId, integrationId }: { overviewId: string | null; integrationId: string },
): Promise<HttpError> {
  const found = overviewId === null ? undefined : await findOverview(work, { overviewId });
  if (found === undefined || found.integrationId !== integrationId)
    return new HttpError('overview_not_found');
  return found.invalidAt === null ? new HttpError('overview_not_ready') : noLongerValid(found);
}

function noLongerValid(found: Overview): HttpError {
  const reason = found.invalidReason ?? 'expired';
  return new HttpError('overview_no_longer_valid', {
    detail: INVALIDITY_TEXTS[reason],
    context: {
      reason,
      invalid_at: found.invalidAt?.toISOString() ?? null,
      invalid_by: found.invalidBy,
      integration_id: toTypeId('int', found.integrationId),
      overview_id: found.replacedByOverviewId === null ? null : toTypeId('ovw', found.replacedByOverviewId),
      sync_run_id: found.replacedBySyncRunId === null ? null : toTypeId('run', found.replacedBySyncRunId),
    },
  });
}

async function showOverviewOutcome(
  work: TenantWork,
  one: Operation,
): Promise<z.output<typeof overviewOutcome>> {
  const found =
    one.overviewId === null ? undefined : await findOverview(work, { overviewId: one.overviewId });
  if (found === undefined) throw new HttpError('overview_not_found');
  return {
    operation: toWireOperation(one),
    overview: toWireOverview(found, await listOverviewJobs(work, [found.overviewId])),
  };
}

async function showSyncNowOutcome(
  work: TenantWork,
  one: Operation,
): Promise<z.output<typeof syncNowOutcome>> {
  const found = one.syncRunId === null ? undefined : await showSyncRun(work, { syncRunId: one.syncRunId });
  if (found === undefined) throw new HttpError('sync_run_not_found');
  return { operation: toWireOperation(one), sync_run: toWireRun(found) };
}
