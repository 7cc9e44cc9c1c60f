/**
 * Integrations whose onboarding is in progress or has failed, for the banner of the console (rules.md 33).
 */
import { z } from 'zod';
import type { TenantWork } from '../../db/database';
import { toTypeId } from '../../db/sql/ids';
import { listIntegrations } from '../../db/integrations/integrations';
import { findOnboardingDatasets } from '../../db/sync-runs/onboarding/onboarding-progress';
import { defineRoute, type Route } from '../routing/define-route';
import { typeId } from '../routing/common-schemas';
import { onboardingView, toWireOnboarding } from './onboarding-schema';

const onboarding = onboardingView
  .extend({ integration_id: typeId('int'), app: z.string(), account_name: z.string() })
  .meta({ id: 'OnboardingOfIntegration' });

export const onboardingRoutes: readonly Route[] = [
  defineRoute({
    scope: 'tenant',
    method: 'get',
    path: '/v1/onboarding',
    operationId: 'listOnboarding',
    tag: 'Onboarding',
    summary: 'List the integrations whose onboarding is in progress or has failed',
    description:
      'An empty list means that every integration is onboarded. `GET ' +
      '/v1/stream?topics=integrations,sync_runs` reports changes.',
    responses: {
      200: {
        description: 'These integrations, in the order in which they were linked.',
        schema: z.object({ data: z.array(onboarding), next_cursor: z.null() }),
      },
    },
    async run(work) {
      return { status: 200, body: { data: await listUnfinished(work), next_cursor: null } };
    },
  }),
];

async function listUnfinished(work: TenantWork): Promise<z.output<typeof onboarding>[]> {
  const unfinished = await listIntegrations(work, { limit: 1_000, isOnboarding: true });
  const datasets = await findOnboardingDatasets(work, {
    integrationIds: unfinished.map(({ integrationId }) => integrationId),
  });
  return unfinished.map((integration) => ({
    ...toWireOnboarding(integration, datasets.get(integration.integrationId) ?? []),
    integration_id: toTypeId('int', integration.integrationId),
    app: integration.app,
    account_name: integration.accountName,
  }));
}
