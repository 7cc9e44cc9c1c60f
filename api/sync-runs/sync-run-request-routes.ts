/**
 * Requests for sync runs: by a user or a program, or because a user signed in to the host product (rules.md
 * 16, 28, 30).
 */
import { z } from 'zod';
import type { TenantWork } from '../../db/database';
import { toTypeId } from '../../db/sql/ids';
import { type Integration, lockIntegration } from '../../db/integrations/integrations';
import { pulledRecordTypes } from '../../domain/records/mapping-directions';
import { requestSignInRuns } from '../../db/sync-runs/sign-in-runs';
import { requestSyncRun } from '../../db/sync-runs/sync-run-requests';
import { showSyncRuns } from '../../db/sync-runs/sync-runs';
import { HttpError } from '../http/http-error';
import { pointerTo } from '../http/json-guard';
import { defineRoute, type Route } from '../routing/define-route';
import { lineOfText, recordTypeName, typeId } from '../routing/common-schemas';
import { syncRun, toWireRun } from './sync-run-schema';
import { integrationParams } from '../integrations/integration-schema';

const requested = syncRun
  .extend({
    coalesced: z.boolean().meta({ description: 'True if an existing run already covers the request.' }),
  })
  .meta({ id: 'RequestedSyncRun' });
const LOCATION = { Location: 'The URL of the run.' };

const wanted = z.strictObject({
  kind: z.enum(['full', 'incremental', 'last_day']).meta({
    description: [
      '- `full`: all records; only a full sync finds deletions.',
      '- `incremental`: records modified since the last successful run.',
      '- `last_day`: records modified in the last 24 hours; does not move the watermark of incremental runs.',
    ].join('\n'),
  }),
  record_types: z
    .array(recordTypeName)
    .min(1)
    .max(100)
    .optional()
    .meta({
      description: 'Read only these record types; by default all that the integration pulls.',
      example: ['employees'],
    }),
});

const leftOut = z
  .object({
    integration_id: typeId('int'),
    reason: z.enum(['recent', 'paused', 'needs_reauthorization', 'onboarding', 'busy']).meta({
      description:
        '`recent`: a sign-in started a run less than 10 minutes ago. `busy`: the integration is ' +
        'being changed at the moment.',
    }),
  })
  .meta({ id: 'LeftOutIntegration' });
const signInAnswer = z
  .object({ sync_runs: z.array(requested), left_out: z.array(leftOut) })
  .meta({ id: 'SignInAnswer' });

export const syncRunRequestRoutes: readonly Route[] = [
  defineRoute({
    scope: 'tenant',
    method: 'post',
    path: '/v1/integrations/{integration_id}/sync-runs',
    operationId: 'startSyncRun',
    tag: 'Sync runs',
    summary: 'Start a sync run',
    description:
      'At most one run of an integration is active and one is queued. If one of them covers ' +
      'the request, the response is that run (200, `coalesced: true`). If the active run reads ' +
      'less than requested, one follow-up run is queued for all such requests.',
    params: integrationParams,
    body: wanted,
    responses: {
      202: {
        description: 'A new run. It starts at once, or after the active run.',
        schema: requested,
        headers: LOCATION,
      },
      200: {
        description: 'An existing run that covers the request.',
        schema: requested,
        headers: LOCATION,
      },
    },
    problems: [
      'integration_not_found',
      'integration_paused',
      'needs_reauthorization',
      'nothing_to_pull',
      'unknown_record_type',
    ],
    action: 'sync_run.requested',
    async run(work, { params, body }, { caller }) {
      const integration = await lockReadableIntegration(work, params.integration_id);
      checkRecordTypes(integration, body.record_types);
      const recordTypes = body.record_types === undefined ? null : [...new Set(body.record_types)];
      const request = await requestSyncRun(work, {
        integrationId: integration.integrationId,
        kind: body.kind,
        recordTypes,
        startedBy: caller.actor,
        isAwaited: true,
      });
      if (request === undefined) throw new HttpError('nothing_to_pull');
      const [run] = await showSyncRuns(work, { syncRunIds: [request.syncRunId] });
      if (run === undefined) throw new Error(`No sync run ${request.syncRunId}.`);
      const answer = { ...toWireRun(run), coalesced: request.isCoalesced };
      const detail = {
        integration_id: answer.integration_id,
        kind: body.kind,
        record_types: recordTypes,
        coalesced: request.isCoalesced,
      };
      return {
        status: request.isCoalesced ? (200 as const) : (202 as const),
        body: answer,
        headers: { Location: `/v1/sync-runs/${answer.id}` },
        audit: { target: answer.id, detail },
      };
    },
  }),

  defineRoute({
    scope: 'tenant',
    method: 'post',
    path: '/v1/sign-ins',
    operationId: 'reportSignIn',
    tag: 'Sync runs',
    summary: 'Report that a user signed in',
    description:
      'Called by the host product. Starts an incremental sync run for each integration that ' +
      'pulls, at most once per 10 minutes. The response does not wait for the runs.',
    body: z.strictObject({
      user: lineOfText(200).meta({
        description: 'The user who signed in, as shown in the Sync Log.',
        example: 'ana@example.org',
      }),
    }),
    responses: {
      202: {
        description: 'The sync runs, and the integrations that were left out.',
        schema: signInAnswer,
      },
    },
    action: 'sign_in.reported',
    async run(work, { body }) {
      const runs = await requestSignInRuns(work, { user: body.user });
      const shown = await showSyncRuns(work, {
        syncRunIds: runs.requested.map(({ syncRunId }) => syncRunId),
      });
      const coalesced = new Set(
        runs.requested.flatMap(({ syncRunId, isCoalesced }) => (isCoalesced ? [syncRunId] : [])),
      );
      const answer = {
        sync_runs: shown.map((run) => ({ ...toWireRun(run), coalesced: coalesced.has(run.syncRunId) })),
        left_out: runs.leftOut.map(({ integrationId, reason }) => ({
          integration_id: toTypeId('int', integrationId),
          reason,
        })),
      };
      const detail = {
        user: body.user,
        sync_runs: answer.sync_runs.map(({ id }) => id),
        left_out: answer.left_out.length,
      };
      return { status: 202, body: answer, audit: { target: null, detail } };
    },
  }),
];

/** Locks the integration, so its state cannot change before the run is requested. */
async function lockReadableIntegration(work: TenantWork, integrationId: string): Promise<Integration> {
  const integration = await lockIntegration(work, { integrationId });
  if (integration === undefined) throw new HttpError('integration_not_found');
  if (pulledRecordTypes(integration).length === 0) throw new HttpError('nothing_to_pull');
  if (integration.pausedAt !== null) throw new HttpError('integration_paused');
  if (integration.needsReauthorizationAt !== null) throw new HttpError('needs_reauthorization');
  return integration;
}

function checkRecordTypes(integration: Integration, names: readonly string[] | undefined): void {
  const pulled = pulledRecordTypes(integration);
  const errors = (names ?? []).flatMap((type, index) =>
    pulled.includes(type)
      ? []
      : [
          {
            pointer: pointerTo(['record_types', index]),
            code: 'not_pulled',
            message: `The integration does not pull ${type}. It pulls: ${pulled.join(', ')}.`,
          },
        ],
  );
  if (errors.length > 0) throw new HttpError('unknown_record_type', { errors });
}
