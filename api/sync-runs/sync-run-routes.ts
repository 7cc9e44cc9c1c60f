/** The Sync Log: sync runs and their jobs, and canceling a run. `sync-run-request-routes.ts` starts runs. */
import { z } from 'zod';
import type { TenantWork } from '../../db/database';
import { toTypeId } from '../../db/sql/ids';
import { markTargetViewed } from '../../db/notifications/inbox';
import { listSyncJobs, lockSyncRun } from '../../db/pull/job-rows';
import { cancelSyncRun } from '../../db/sync-runs/sync-jobs';
import { enqueueSyncRuns } from '../../db/sync-runs/sync-run-requests';
import { listSyncRuns, showSyncRun, type ListedSyncRun } from '../../db/sync-runs/sync-runs';
import { RUN_KINDS, RUN_STATES } from '../../domain/sync-runs/sync-run';
import { HttpError } from '../http/http-error';
import { ownPersonIdOf } from '../routing/caller';
import { defineRoute, type Route } from '../routing/define-route';
import { idParam, instantParam, namesParam } from '../routing/common-schemas';
import { listOf, listParams, readPage, toPage, uuidPosition } from '../routing/pagination';
import { syncJob, syncRun, toWireJob, toWireRun } from './sync-run-schema';
import { requireIntegration } from '../integrations/integration-views';

export const syncRunParams = z.strictObject({ sync_run_id: idParam('run', 'sync_run_not_found') });
const base = '/v1/sync-runs';

export const syncRunRoutes: readonly Route[] = [
  defineRoute({
    scope: 'tenant',
    method: 'get',
    path: base,
    operationId: 'listSyncRuns',
    tag: 'Sync runs',
    summary: 'List sync runs, newest first',
    query: z.strictObject({
      ...listParams,
      integration_id: idParam('int', 'integration_not_found').optional(),
      kind: namesParam(RUN_KINDS, 'nightly').optional(),
      state: namesParam(RUN_STATES, 'failed').optional(),
      created_after: instantParam
        .optional()
        .meta({ description: 'Requested at this time or later.', example: '2026-11-21T00:00:00Z' }),
      created_before: instantParam
        .optional()
        .meta({ description: 'Requested before this time.', example: '2026-11-22T00:00:00Z' }),
    }),
    responses: { 200: { description: 'Runs of all kinds, with their progress.', schema: listOf(syncRun) } },
    problems: ['invalid_cursor', 'integration_not_found'],
    async run(work, { query }) {
      const {
        integration_id: integrationId,
        kind: kinds,
        state: states,
        created_after: createdAfter,
        created_before: createdBefore,
      } = query;
      if (integrationId !== undefined) await requireIntegration(work, integrationId);
      const filter = [
        integrationId,
        kinds?.join(),
        states?.join(),
        createdAfter?.toISOString(),
        createdBefore?.toISOString(),
      ];
      const scope = ['sync-runs', work.tenantId, ...filter];
      const { limit, after } = readPage(query, scope, uuidPosition);
      const rows = await listSyncRuns(work, {
        integrationId,
        kinds,
        states,
        createdAfter,
        createdBefore,
        limit: limit + 1,
        before: after,
      });
      return { status: 200, body: toPage(rows, limit, scope, ({ syncRunId }) => syncRunId, toWireRun) };
    },
  }),

  defineRoute({
    scope: 'tenant',
    method: 'get',
    path: `${base}/{sync_run_id}`,
    operationId: 'showSyncRun',
    tag: 'Sync runs',
    summary: 'Show a sync run',
    description: 'Sync Logs are kept forever. `GET /v1/stream?topics=sync_runs` reports changes.',
    params: syncRunParams,
    responses: { 200: { description: 'The run and its progress.', schema: syncRun } },
    problems: ['sync_run_not_found'],
    async run(work, { params }, { caller }) {
      const found = await requireRun(work, params.sync_run_id);
      // A person who has seen the result needs no e-mail about it (rules.md 25).
      const personId = ownPersonIdOf(caller);
      if (personId !== null && found.finishedAt !== null)
        await markTargetViewed(work, { personId, syncRunId: found.syncRunId });
      return { status: 200, body: toWireRun(found) };
    },
  }),

  defineRoute({
    scope: 'tenant',
    method: 'get',
    path: `${base}/{sync_run_id}/jobs`,
    operationId: 'listSyncRunJobs',
    tag: 'Sync runs',
    summary: 'List the jobs of a sync run',
    description: 'One job per dataset and one for metadata. A run that has not started has no jobs yet.',
    params: syncRunParams,
    responses: {
      200: {
        description: 'All jobs: metadata first, then by record type.',
        schema: z.object({ data: z.array(syncJob), next_cursor: z.null() }),
      },
    },
    problems: ['sync_run_not_found'],
    async run(work, { params }) {
      const { syncRunId } = await requireRun(work, params.sync_run_id);
      const jobs = await listSyncJobs(work, { syncRunId });
      return { status: 200, body: { data: jobs.map(toWireJob), next_cursor: null } };
    },
  }),

  defineRoute({
    scope: 'tenant',
    method: 'post',
    path: `${base}/{sync_run_id}/cancel`,
    operationId: 'cancelSyncRun',
    tag: 'Sync runs',
    summary: 'Cancel a sync run',
    description:
      'Jobs that wait or have not started end at once; active jobs end at their next page. ' +
      'Records imported so far are kept, and no missing records are deleted. Canceling a ' +
      'canceled run changes nothing.',
    params: syncRunParams,
    responses: {
      200: { description: 'The run: canceled, or about to be.', schema: syncRun },
    },
    problems: ['sync_run_not_found', 'sync_run_finished'],
    action: 'sync_run.canceled',
    async run(work, { params }, { caller }) {
      const before = await lockSyncRun(work, { syncRunId: params.sync_run_id });
      if (before === undefined) throw new HttpError('sync_run_not_found');
      if (before.finishedAt !== null) throw new HttpError('sync_run_finished');
      await cancelSyncRun(work, { syncRunId: before.syncRunId, by: caller.actor });
      await enqueueSyncRuns(work, before);
      const after = await requireRun(work, before.syncRunId);
      const detail = {
        integration_id: toTypeId('int', before.integrationId),
        kind: before.kind,
        from: before.state,
        to: after.state,
      };
      return {
        status: 200,
        body: toWireRun(after),
        audit: { target: toTypeId('run', before.syncRunId), detail },
      };
    },
  }),
];

/** Returns the caller's sync run. A run of another tenant is not found either. */
export async function requireRun(work: TenantWork, syncRunId: string): Promise<ListedSyncRun> {
  const found = await showSyncRun(work, { syncRunId });
  if (found === undefined) throw new HttpError('sync_run_not_found');
  return found;
}
