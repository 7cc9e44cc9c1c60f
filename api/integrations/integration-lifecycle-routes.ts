/** The lifecycle of an integration: pause, resume, new credentials, and a check of the connection. */
import { z } from 'zod';
import type { TenantWork } from '../../db/database';
import { saveCheck } from '../../db/sync-runs/checks/save-check';
import { type Integration, lockIntegration } from '../../db/integrations/integrations';
import { toTypeId } from '../../db/sql/ids';
import {
  pauseIntegration,
  replaceCredentials,
  resumeIntegration,
} from '../../db/sync-runs/integration-lifecycle';
import type { JsonObject } from '../../domain/json';
import { HttpError } from '../http/http-error';
import { instant, jsonObject } from '../routing/common-schemas';
import type { TenantContext } from '../routing/context';
import { defineRoute, type Route } from '../routing/define-route';
import { DEPRECATION_HEADERS } from '../routing/deprecation';
import { ETAG, requireVersion } from '../routing/etag';
import { readCredentials } from './connector-catalogue';
import { encryptCredentials } from './integration-credentials';
import { checkCredentials } from './integration-checks';
import { requireConnector } from './integration-input';
import { checkProblems } from './check-problems';
import { integrationParams, integrationView } from './integration-schema';
import { startTrial } from './integration-trials';
import { requireIntegration, respondWithIntegration } from './integration-views';

const tag = 'Integrations';
const base = '/v1/integrations/{integration_id}';
const responses = {
  200: {
    description: 'The changed integration.',
    schema: integrationView,
    headers: ETAG,
    optionalHeaders: DEPRECATION_HEADERS,
  },
};

const newCredentials = z.strictObject({ credentials: jsonObject.meta({ writeOnly: true }) });
const checkResult = z
  .object({
    ok: z.boolean(),
    kind: z
      .enum(['unavailable', 'rate_limited', 'unauthorized', 'record_rejected', 'internal'])
      .nullable()
      .meta({ description: 'The kind of problem; null if there is none.' }),
    message: z.string().meta({ description: "The app's own message, if it sent one." }),
    at: instant,
    problems: checkProblems,
  })
  .meta({ id: 'CheckResult' });

export const integrationLifecycleRoutes: readonly Route[] = [
  defineRoute({
    scope: 'tenant',
    method: 'post',
    path: `${base}/pause`,
    operationId: 'pauseIntegration',
    tag,
    summary: 'Pause an integration',
    description: [
      'Changes are still collected, but nothing is pushed until the integration is resumed. A ' +
        'push in progress is finished, and the retry timers stop.',
      'A running sync stops at its next page and waits; no sync is started. Records locked by ' +
        'the onboarding can be changed.',
      'Pausing a paused integration changes nothing.',
    ].join(' '),
    params: integrationParams,
    responses,
    problems: ['integration_not_found'],
    action: 'integration.paused',
    async run(work, { params, ifMatch }, context) {
      const before = await lock(work, params.integration_id, ifMatch);
      const after = await pauseIntegration(work, { integrationId: params.integration_id });
      return respond(work, after, { was_paused: before.pausedAt !== null }, context);
    },
  }),

  defineRoute({
    scope: 'tenant',
    method: 'post',
    path: `${base}/resume`,
    operationId: 'resumeIntegration',
    tag,
    summary: 'Resume a paused integration',
    description: [
      'Changes that became due during the pause are pushed at once, the earliest first. ' +
        'Debounce windows that are still open keep their deadline. What waits for a retry, an outage or a ' +
        'rate limit is tried at once.',
      'A stopped sync continues where it stopped.',
      'Resuming an integration that is not paused changes nothing.',
    ].join(' '),
    params: integrationParams,
    responses,
    problems: ['integration_not_found'],
    action: 'integration.resumed',
    async run(work, { params, ifMatch }, context) {
      const before = await lock(work, params.integration_id, ifMatch);
      const after = await resumeIntegration(work, { integrationId: params.integration_id });
      return respond(work, after, { was_paused: before.pausedAt !== null }, context);
    },
  }),

  defineRoute({
    scope: 'tenant_after_trial',
    method: 'put',
    path: `${base}/credentials`,
    operationId: 'replaceCredentials',
    tag,
    summary: 'Replace the credentials of an integration',
    description:
      'Credentials are encrypted and never shown again. Pushes and syncs that waited, for new ' +
      'credentials or the end of an outage or a rate limit, are tried at once. The connection is ' +
      'checked with the new credentials for up to 20 seconds; `last_check` shows the result.',
    params: integrationParams,
    body: newCredentials,
    responses,
    problems: ['integration_not_found', 'unknown_connector', 'invalid_credentials_shape'],
    action: 'integration.credentials_replaced',
    prepare: replace,
  }),

  defineRoute({
    scope: 'tenant_after_commit',
    method: 'post',
    path: `${base}/check`,
    operationId: 'checkIntegration',
    tag,
    summary: 'Check that the app responds and accepts the credentials',
    description: [
      'Changes nothing in the app, so an Idempotency-Key is not needed and has no effect.',
      'A successful check ends an outage, a rate limit or the wait for new credentials at once. ' +
        'The response takes at most 25 seconds.',
    ].join(' '),
    params: integrationParams,
    responses: { 200: { description: 'The result of the check.', schema: checkResult } },
    problems: ['integration_not_found', 'temporal_unavailable', 'check_unanswered'],
    action: 'integration.checked',
    run: check,
  }),
];

async function lock(
  work: TenantWork,
  integrationId: string,
  ifMatch: number | undefined,
): Promise<Integration> {
  return requireVersion(await lockIntegration(work, { integrationId }), ifMatch, 'integration_not_found');
}

async function respond(
  work: TenantWork,
  integration: Integration,
  detail: JsonObject,
  { services }: TenantContext,
) {
  return {
    status: 200 as const,
    ...(await respondWithIntegration(work, integration, services)),
    audit: { target: toTypeId('int', integration.integrationId), detail },
  };
}

async function replace(
  work: TenantWork,
  input: {
    params: z.output<typeof integrationParams>;
    body: z.output<typeof newCredentials>;
    ifMatch: number | undefined;
  },
  context: TenantContext,
) {
  const { services } = context;
  const integrationId = input.params.integration_id;
  const found = await lock(work, integrationId, input.ifMatch);
  const connector = requireConnector(services.connectors, found.connector);
  const credentials = readCredentials(connector, input.body.credentials);
  checkCredentials(connector, found, credentials);
  const given = { integrationId, connector, config: found.config, credentials };
  const encryptedCredentials = await encryptCredentials(work, services, given);
  const wait = await startTrial(work, { ...found, credentials: encryptedCredentials }, services);
  return async () => {
    const result = await wait();
    return async (later: TenantWork) => {
      const before = await lock(later, integrationId, input.ifMatch);
      await saveCheck(later, { integrationId, check: result });
      const after = await replaceCredentials(later, { integrationId, encryptedCredentials });
      return respond(
        later,
        after,
        { needed_reauthorization: before.needsReauthorizationAt !== null },
        context,
      );
    };
  };
}

async function check(
  work: TenantWork,
  { params }: { params: z.output<typeof integrationParams> },
  { services: { temporal, database } }: TenantContext,
) {
  const { tenantId } = work;
  const { integrationId } = await requireIntegration(work, params.integration_id);
  return {
    audit: { target: toTypeId('int', integrationId), detail: {} },
    async afterCommit() {
      const result = await temporal.checkIntegration({ tenantId, integrationId });
      const { lastCheck } = await database.withTenant(tenantId, (after) =>
        requireIntegration(after, integrationId),
      );
      if (lastCheck === null || (!result.ok && result.kind === 'not_found'))
        throw new HttpError('integration_not_found');
      return { status: 200 as const, body: { problems: [], ...lastCheck } };
    },
  };
}
