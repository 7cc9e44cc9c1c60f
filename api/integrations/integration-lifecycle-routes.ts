/** The life of an integration: pause, resume, new credentials, and a check whether the third party answers. */
import { z } from 'zod';
import type { TenantWork } from '../../db/database';
import { toTypeId } from '../../db/sql/ids';
import {
  pauseIntegration,
  replaceCredentials,
  resumeIntegration,
} from '../../db/sync-runs/integration-lifecycle';
import { credentialsLocation, type Integration, lockIntegration } from '../../db/integrations/integrations';
import { readCredentials } from './connector-catalogue';
import type { ApiDependencies } from '../dependencies';
import { DEPRECATION_HEADERS } from '../routing/deprecation';
import { HttpError } from '../http/http-error';
import { checkCredentials } from './integration-checks';
import { integrationHeaders, showIntegration } from './integration-views';
import { type Route, tenantRoute, tenantRouteThen } from '../routing/define-route';
import { instant, jsonObject } from '../routing/common-schemas';
import { requireVersion } from '../routing/etag';
import { integrationView } from './integration-schema';
import { ETAG, integrationParams, requireIntegration } from './integration-routes';

const answers = {
  200: {
    description: 'The integration as it is now.',
    schema: integrationView,
    headers: ETAG,
    optionalHeaders: DEPRECATION_HEADERS,
  },
};
const base = '/v1/integrations/{integration_id}';

const checkResult = z
  .object({
    ok: z.boolean(),
    kind: z
      .enum(['unavailable', 'rate_limited', 'unauthorized', 'record_rejected', 'internal'])
      .nullable()
      .meta({ description: 'What is wrong; null when nothing is.' }),
    message: z.string().meta({ description: "The third party's words where it said any." }),
    at: instant,
  })
  .meta({ id: 'CheckResult' });

export function integrationLifeRoutes({
  connectors,
  encryption,
  orchestrator,
  database,
  config: switches,
}: Pick<
  ApiDependencies,
  'connectors' | 'encryption' | 'orchestrator' | 'database' | 'config'
>): readonly Route[] {
  const answer = async (work: TenantWork, integration: Integration, detail: object) => ({
    status: 200 as const,
    body: await showIntegration(work, integration, connectors),
    headers: integrationHeaders(integration, switches),
    audit: { target: toTypeId('int', integration.integrationId), detail: { ...detail } },
  });
  const locked = async (work: TenantWork, integrationId: string, ifMatch: number | undefined) =>
    requireVersion(await lockIntegration(work, { integrationId }), ifMatch, 'integration_not_found');

  return [
    tenantRoute({
      method: 'post',
      path: `${base}/pause`,
      operationId: 'pauseIntegration',
      tag: 'Integrations',
      summary: 'Pause an integration',
      description:
        'Windows keep opening and nothing is pushed until it is resumed; a push under way is finished, and retry clocks stand still. A sync run stops at its next page and waits, and none is started; an onboarding no longer keeps records from being changed. Pausing twice is pausing once.',
      params: integrationParams,
      answers,
      problems: ['integration_not_found'],
      action: 'integration.paused',
      async run(work, { params, ifMatch }) {
        const before = await locked(work, params.integration_id, ifMatch);
        const after = await pauseIntegration(work, { integrationId: params.integration_id });
        return answer(work, after, { was_paused: before.pausedAt !== null });
      },
    }),

    tenantRoute({
      method: 'post',
      path: `${base}/resume`,
      operationId: 'resumeIntegration',
      tag: 'Integrations',
      summary: 'Resume a paused integration',
      description:
        'What became due meanwhile goes out at once, whatever was due first; windows still open keep their deadline, and retry clocks go on from where they stood. A sync run that was stopped goes on where it was. Resuming twice is resuming once.',
      params: integrationParams,
      answers,
      problems: ['integration_not_found'],
      action: 'integration.resumed',
      async run(work, { params, ifMatch }) {
        const before = await locked(work, params.integration_id, ifMatch);
        const after = await resumeIntegration(work, { integrationId: params.integration_id });
        return answer(work, after, { was_paused: before.pausedAt !== null });
      },
    }),

    tenantRoute({
      method: 'put',
      path: `${base}/credentials`,
      operationId: 'replaceCredentials',
      tag: 'Integrations',
      summary: 'Give new credentials',
      description: 'They are sealed and never shown again. What waited for them goes on.',
      params: integrationParams,
      body: z.strictObject({ credentials: jsonObject.meta({ writeOnly: true }) }),
      answers,
      problems: ['integration_not_found', 'unknown_connector', 'invalid_credentials_shape'],
      action: 'integration.credentials_replaced',
      async run(work, { params, body, ifMatch }) {
        const integrationId = params.integration_id;
        const before = await locked(work, integrationId, ifMatch);
        const connector = connectors[before.connector];
        if (connector === undefined) throw new HttpError('unknown_connector');
        const plainCredentials = readCredentials(connector, body.credentials);
        checkCredentials(connector, before, plainCredentials);
        const encryptedCredentials = await encryption.encrypt(
          work,
          credentialsLocation(integrationId),
          JSON.stringify(plainCredentials),
        );
        const after = await replaceCredentials(work, { integrationId, encryptedCredentials });
        return answer(work, after, { needed_reauthorization: before.needsReauthorizationAt !== null });
      },
    }),

    tenantRouteThen({
      method: 'post',
      path: `${base}/check`,
      operationId: 'checkIntegration',
      tag: 'Integrations',
      summary: 'Ask the third party whether it answers and the credentials hold',
      description:
        'Changes nothing at the third party, so repeating it is harmless and an Idempotency-Key has no effect. A good answer ends an outage at once. Answers within 10 seconds.',
      params: integrationParams,
      answers: { 200: { description: 'What came of it.', schema: checkResult } },
      problems: ['integration_not_found', 'temporal_unavailable', 'check_unanswered'],
      action: 'integration.checked',
      async run(work, { params }) {
        const { tenantId } = work;
        const { integrationId } = await requireIntegration(work, params.integration_id);
        return {
          audit: { target: toTypeId('int', integrationId), detail: {} },
          async afterCommit() {
            const result = await orchestrator.checkIntegration({ tenantId, integrationId });
            const { lastCheck } = await database.withTenant(tenantId, (after) =>
              requireIntegration(after, integrationId),
            );
            if (lastCheck === null || (!result.ok && result.kind === 'not_found'))
              throw new HttpError('integration_not_found');
            return { status: 200, body: lastCheck };
          },
        };
      },
    }),
  ];
}
