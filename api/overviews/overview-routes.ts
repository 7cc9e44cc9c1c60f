/** Sync Overviews (rules.md 18 to 20): request one, list them, show one with its items. */
import { z } from 'zod';
import type { TenantWork } from '../../db/database';
import { markTargetViewed } from '../../db/notifications/inbox';
import { addOperation, type Operation } from '../../db/notifications/operations';
import { listOverviewItems } from '../../db/overviews/overview-items';
import { listOverviewJobs } from '../../db/overviews/overview-jobs';
import { requestOverview } from '../../db/overviews/overview-lifecycle';
import { findOverview, listOverviews } from '../../db/overviews/overviews';
import { toTypeId } from '../../db/sql/ids';
import { datasetsOf } from '../../domain/records/mapping-directions';
import { HttpError } from '../http/http-error';
import { integrationParams } from '../integrations/integration-schema';
import { requireIntegration } from '../integrations/integration-views';
import { idParam, lineOfText, recordTypeName } from '../routing/common-schemas';
import { ownPersonIdOf } from '../routing/caller';
import type { TenantContext } from '../routing/context';
import { defineRoute, type Route } from '../routing/define-route';
import { listOf, listParams, readPage, toPage, uuidPosition } from '../routing/pagination';
import {
  lockSyncableIntegration,
  overviewTag as tag,
  requesterOf,
  WAIT_DESCRIPTION,
} from './overview-request';
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
import { requireValidOverview } from './overview-validity';

const params = z.strictObject({ overview_id: idParam('ovw', 'overview_not_found') });
const overviewOutcome = z.object({ operation, overview }).meta({ id: 'OverviewOutcome' });
const overviewBody = z.strictObject({
  directions: z
    .array(direction)
    .min(1)
    .max(2)
    .optional()
    .meta({ description: 'The directions to include; both by default.' }),
});
const listQuery = z.strictObject({
  ...listParams,
  integration_id: idParam('int', 'integration_not_found').optional(),
});
const itemQuery = z.strictObject({
  ...listParams,
  direction: direction.optional(),
  record_type: recordTypeName.optional(),
  action: overviewAction.optional(),
  q: lineOfText(200).optional().meta({
    description: 'Text to find in the ids and in the values that would change.',
    example: 'lovelace',
  }),
});

export const overviewRoutes: readonly Route[] = [
  defineRoute({
    scope: 'operation',
    method: 'post',
    path: '/v1/integrations/{integration_id}/overviews',
    operationId: 'startOverview',
    tag,
    summary: 'Request a Sync Overview',
    description:
      'A dry run: shows what a Sync Now would do, in both directions, without doing it. ' +
      `Earlier overviews of the integration become invalid at once. ${WAIT_DESCRIPTION}`,
    params: integrationParams,
    body: overviewBody,
    responses: {
      200: { description: 'The overview is ready or has failed; see its state.', schema: overviewOutcome },
      202: { description: 'The overview is still being generated.', schema: overviewOutcome },
    },
    problems: [
      'integration_not_found',
      'integration_paused',
      'needs_reauthorization',
      'onboarding_in_progress',
      'nothing_to_sync',
    ],
    action: 'overview.requested',
    start: startOverview,
    readOutcome,
  }),

  defineRoute({
    scope: 'tenant',
    method: 'get',
    path: '/v1/overviews',
    operationId: 'listOverviews',
    tag,
    summary: 'List Sync Overviews, newest first',
    query: listQuery,
    responses: {
      200: { description: 'Overviews, including invalid ones with the reason.', schema: listOf(overview) },
    },
    problems: ['invalid_cursor', 'integration_not_found'],
    run: list,
  }),

  defineRoute({
    scope: 'tenant',
    method: 'get',
    path: '/v1/overviews/{overview_id}',
    operationId: 'showOverview',
    tag,
    summary: 'Show a Sync Overview',
    description:
      'Shows the progress while the overview is being generated, and its counts when it is ' +
      'ready. An invalid overview returns 410 with the reason and a link to its replacement.',
    params,
    responses: { 200: { description: 'The overview.', schema: overview } },
    problems: ['overview_not_found', 'overview_no_longer_valid'],
    run: show,
  }),

  defineRoute({
    scope: 'tenant',
    method: 'get',
    path: '/v1/overviews/{overview_id}/items',
    operationId: 'listOverviewItems',
    tag,
    summary: 'List the items of a Sync Overview',
    params,
    query: itemQuery,
    responses: {
      200: {
        description: 'One item per record, with the fields that would change, before and after.',
        schema: listOf(overviewItem),
      },
    },
    problems: ['overview_not_found', 'overview_not_ready', 'overview_no_longer_valid', 'invalid_cursor'],
    run: listItems,
  }),
];

async function startOverview(
  work: TenantWork,
  input: { params: z.output<typeof integrationParams>; body: z.output<typeof overviewBody> },
  context: TenantContext,
) {
  const integration = await lockSyncableIntegration(work, input.params.integration_id);
  const datasets = datasetsOf(integration.recordTypes, input.body.directions ?? ['pull', 'push']);
  if (datasets.length === 0) throw new HttpError('nothing_to_sync');
  const requester = requesterOf(context);
  const { integrationId } = integration;
  const overviewId = await requestOverview(work, { integrationId, datasets, ...requester });
  if (overviewId === undefined) throw new HttpError('integration_not_found');
  const operationId = await addOperation(work, {
    kind: 'overview',
    integrationId,
    overviewId,
    ...requester,
  });
  const detail = { integration_id: toTypeId('int', integrationId) };
  return { operationId, audit: { target: toTypeId('ovw', overviewId), detail } };
}

async function readOutcome(work: TenantWork, started: Operation): Promise<z.output<typeof overviewOutcome>> {
  const { overviewId } = started;
  const found = overviewId === null ? undefined : await findOverview(work, { overviewId });
  if (found === undefined) throw new HttpError('overview_not_found');
  const jobs = await listOverviewJobs(work, [found.overviewId]);
  return { operation: toWireOperation(started), overview: toWireOverview(found, jobs) };
}

async function list(work: TenantWork, { query }: { query: z.output<typeof listQuery> }) {
  const integrationId = query.integration_id;
  if (integrationId !== undefined) await requireIntegration(work, integrationId);
  const scope = ['overviews', work.tenantId, integrationId];
  const { limit, after } = readPage(query, scope, uuidPosition);
  const rows = await listOverviews(work, { integrationId, limit: limit + 1, before: after });
  const ids = rows.map(({ overviewId }) => overviewId);
  const jobs = await listOverviewJobs(work, ids);
  const toItem = (row: (typeof rows)[number]) => toWireOverview(row, jobs);
  return { status: 200 as const, body: toPage(rows, limit, scope, ({ overviewId }) => overviewId, toItem) };
}

async function show(work: TenantWork, input: { params: z.output<typeof params> }, { caller }: TenantContext) {
  const found = await requireValidOverview(work, input.params.overview_id);
  const personId = ownPersonIdOf(caller);
  if (personId !== null && found.state === 'ready')
    await markTargetViewed(work, { personId, overviewId: found.overviewId });
  const jobs = await listOverviewJobs(work, [found.overviewId]);
  return { status: 200 as const, body: toWireOverview(found, jobs) };
}

async function listItems(
  work: TenantWork,
  input: { params: z.output<typeof params>; query: z.output<typeof itemQuery> },
) {
  const { query } = input;
  const { overviewId, state } = await requireValidOverview(work, input.params.overview_id);
  if (state !== 'ready') throw new HttpError('overview_not_ready');
  const filter = {
    direction: query.direction,
    recordType: query.record_type,
    action: query.action,
    search: query.q,
  };
  const scope = ['overview-items', work.tenantId, overviewId, ...Object.values(filter)];
  const { limit, after } = readPage(query, scope, uuidPosition);
  const rows = await listOverviewItems(work, { ...filter, overviewId, limit: limit + 1, after });
  const body = toPage(rows, limit, scope, ({ overviewItemId }) => overviewItemId, toWireItem);
  return { status: 200 as const, body };
}
