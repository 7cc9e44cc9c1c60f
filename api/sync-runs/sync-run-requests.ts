/** Asking for sync runs: by hand, and because somebody signed in to the host product (rules.md 16, 28, 30). */
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
import { type Route, tenantRoute } from '../routing/define-route';
import { lineOfText, recordTypeName, typeId } from '../routing/common-schemas';
import { syncRun, toWireRun } from './sync-run-schema';
import { integrationParams } from '../integrations/integration-routes';

const requested = syncRun
  .extend({
    coalesced: z
      .boolean()
      .meta({ description: 'It is a run that was there already and reads what was asked for.' }),
  })
  .meta({ id: 'RequestedSyncRun' });
const LOCATION = { Location: 'Where the run is found.' };

const wanted = z.strictObject({
  kind: z.enum(['full', 'incremental', 'last_day']).meta({
    description: [
      '- `full`: everything; the only one that finds deletions.',
      '- `incremental`: what was modified since the last successful run.',
      '- `last_day`: what was modified in the last 24 hours; leaves the mark of the incremental runs where it is.',
    ].join('\n'),
  }),
  record_types: z
    .array(recordTypeName)
    .min(1)
    .max(100)
    .optional()
    .meta({
      description: 'Only these; all that the integration pulls unless given.',
      example: ['employees'],
    }),
});

const leftOut = z
  .object({
    integration_id: typeId('int'),
    reason: z.enum(['recent', 'paused', 'needs_reauthorization', 'onboarding', 'busy']).meta({
      description:
        '`recent`: a sign-in started a run less than 10 minutes ago. `busy`: the integration is being changed at this moment.',
    }),
  })
  .meta({ id: 'LeftOutIntegration' });
const signInAnswer = z
  .object({ sync_runs: z.array(requested), left_out: z.array(leftOut) })
  .meta({ id: 'SignInAnswer' });

export const syncRunRequestRoutes: readonly Route[] = [
  tenantRoute({
    method: 'post',
    path: '/v1/integrations/{integration_id}/sync-runs',
    operationId: 'startSyncRun',
    tag: 'Sync runs',
    summary: 'Start a sync run',
    description:
      'At most one run of an integration is at work and one waits behind it. Where one reads what is asked for, that run is the answer (200, `coalesced`); where more is asked for than the one at work reads, one follow-up is queued, however many ask.',
    params: integrationParams,
    body: wanted,
    answers: {
      202: {
        description: 'A new run; it begins at once, or behind the one at work.',
        schema: requested,
        headers: LOCATION,
      },
      200: {
        description: 'A run that was there already and reads what is asked for.',
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
      const integration = await requireReadable(work, params.integration_id);
      checkRecordTypes(integration, body.record_types);
      const recordTypes = body.record_types === undefined ? null : [...new Set(body.record_types)];
      const asked = await requestSyncRun(work, {
        integrationId: integration.integrationId,
        kind: body.kind,
        recordTypes,
        startedBy: caller.actor,
      });
      if (asked === undefined) throw new HttpError('nothing_to_pull');
      const [run] = await showSyncRuns(work, { syncRunIds: [asked.syncRunId] });
      if (run === undefined) throw new Error(`No sync run ${asked.syncRunId}.`);
      const answer = { ...toWireRun(run), coalesced: asked.isCoalesced };
      const detail = {
        integration_id: answer.integration_id,
        kind: body.kind,
        record_types: recordTypes,
        coalesced: asked.isCoalesced,
      };
      return {
        status: asked.isCoalesced ? (200 as const) : (202 as const),
        body: answer,
        headers: { Location: `/v1/sync-runs/${answer.id}` },
        audit: { target: answer.id, detail },
      };
    },
  }),

  tenantRoute({
    method: 'post',
    path: '/v1/sign-ins',
    operationId: 'noteSignIn',
    tag: 'Sync runs',
    summary: 'Say that somebody signed in',
    description:
      'Called by the host product. Each integration that pulls is read for what was modified, at most once per 10 minutes. Answers at once, whatever state the third parties are in: nobody has to wait for it.',
    body: z.strictObject({
      user: lineOfText(200).meta({
        description: 'Who signed in, as the Sync Log shall name them.',
        example: 'ana@example.org',
      }),
    }),
    answers: {
      202: {
        description: 'The runs that follow from it, and the integrations that were left out.',
        schema: signInAnswer,
      },
    },
    action: 'sign_in.noted',
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

/** Locked, so that it is still so when the run is asked for. */
async function requireReadable(work: TenantWork, integrationId: string): Promise<Integration> {
  const integration = await lockIntegration(work, { integrationId });
  if (integration === undefined) throw new HttpError('integration_not_found');
  if (pulledRecordTypes(integration).length === 0) throw new HttpError('nothing_to_pull');
  if (integration.pausedAt !== null) throw new HttpError('integration_paused');
  if (integration.needsReauthorizationAt !== null) throw new HttpError('needs_reauthorization');
  return integration;
}

function checkRecordTypes(integration: Integration, asked: readonly string[] | undefined): void {
  const pulled = pulledRecordTypes(integration);
  const errors = (asked ?? []).flatMap((type, index) =>
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
