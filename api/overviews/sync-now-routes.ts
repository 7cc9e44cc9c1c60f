/** Sync Now (rules.md 18, 21, 22): syncs at once, or applies exactly what a Sync Overview shows. */
import { z } from 'zod';
import type { TenantWork } from '../../db/database';
import { addOperation, type Operation } from '../../db/notifications/operations';
import { toTypeId } from '../../db/sql/ids';
import { requestSyncNow } from '../../db/sync-runs/sync-now';
import { showSyncRun } from '../../db/sync-runs/sync-runs';
import { HttpError } from '../http/http-error';
import { integrationParams } from '../integrations/integration-schema';
import { idParam } from '../routing/common-schemas';
import type { TenantContext } from '../routing/context';
import { defineRoute, type Route } from '../routing/define-route';
import { syncRun, toWireRun } from '../sync-runs/sync-run-schema';
import {
  lockSyncableIntegration,
  overviewTag as tag,
  requesterOf,
  WAIT_DESCRIPTION,
} from './overview-request';
import { operation, toWireOperation } from './overview-schema';
import { overviewNotApplicable } from './overview-validity';

const syncNowOutcome = z.object({ operation, sync_run: syncRun }).meta({ id: 'SyncNowOutcome' });
const syncNowBody = z.strictObject({
  overview_id: idParam('ovw', 'overview_not_found')
    .optional()
    .meta({ description: 'Apply exactly what this Sync Overview shows.' }),
});

export const syncNowRoutes: readonly Route[] = [
  defineRoute({
    scope: 'operation',
    method: 'post',
    path: '/v1/integrations/{integration_id}/sync-now',
    operationId: 'syncNow',
    tag,
    summary: 'Sync now',
    description: [
      'Pulls, then pushes. With an overview, exactly its items are applied, and each record ' +
        'only if it has not changed since; records that have changed are skipped and listed in ' +
        'the Sync Log.',
      'A request for a sync that is already running shares that run.',
      WAIT_DESCRIPTION,
    ].join(' '),
    params: integrationParams,
    body: syncNowBody,
    responses: {
      200: { description: 'The sync has ended; see the state of the run.', schema: syncNowOutcome },
      202: { description: 'The sync is still running.', schema: syncNowOutcome },
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
    start: startSyncNow,
    readOutcome,
  }),
];

async function startSyncNow(
  work: TenantWork,
  input: { params: z.output<typeof integrationParams>; body: z.output<typeof syncNowBody> },
  context: TenantContext,
) {
  const { integrationId } = await lockSyncableIntegration(work, input.params.integration_id);
  const requester = requesterOf(context);
  const overviewId = input.body.overview_id ?? null;
  const requested = await requestSyncNow(work, { integrationId, overviewId, ...requester });
  if (requested.kind === 'integration_gone') throw new HttpError('integration_not_found');
  if (requested.kind === 'nothing_to_sync') throw new HttpError('nothing_to_sync');
  if (requested.kind === 'overview_unusable')
    throw await overviewNotApplicable(work, { overviewId, integrationId });
  const { syncRunId, isShared } = requested;
  const operationId = await addOperation(work, { kind: 'sync_now', integrationId, syncRunId, ...requester });
  const detail = {
    integration_id: toTypeId('int', integrationId),
    overview_id: overviewId === null ? null : toTypeId('ovw', overviewId),
    shared: isShared,
  };
  return { operationId, audit: { target: toTypeId('run', syncRunId), detail } };
}

async function readOutcome(work: TenantWork, started: Operation): Promise<z.output<typeof syncNowOutcome>> {
  const { syncRunId } = started;
  const found = syncRunId === null ? undefined : await showSyncRun(work, { syncRunId });
  if (found === undefined) throw new HttpError('sync_run_not_found');
  return { operation: toWireOperation(started), sync_run: toWireRun(found) };
}
