/** Integrations in responses, with data from other tables: three queries, regardless of their number. */
import type { z } from 'zod';
import type { TenantWork } from '../../db/database';
import { findIntegration, type Integration } from '../../db/integrations/integrations';
import { findRemoteRecordTypes } from '../../db/integrations/metadata-changes';
import { listBackgroundTasks } from '../../db/platform/background-tasks';
import { findOnboardingDatasets } from '../../db/sync-runs/onboarding/onboarding-progress';
import type { ApiSettings, RouteServices } from '../dependencies';
import { HttpError } from '../http/http-error';
import { deprecationOf } from '../routing/deprecation';
import { etagOf } from '../routing/etag';
import type { DescribedConnector } from './connector-catalogue';
import { type integrationView, pinnedPolicy, toWireIntegration } from './integration-schema';

type Connectors = Readonly<Record<string, DescribedConnector>>;
type Settings = Pick<ApiSettings, 'companySynchronizedSwitchAt' | 'publicUrl'>;
type View = z.output<typeof integrationView>;

/** Returns the caller's integration. An integration of another tenant is not found either. */
export async function requireIntegration(work: TenantWork, integrationId: string): Promise<Integration> {
  const found = await findIntegration(work, { integrationId });
  if (found === undefined) throw new HttpError('integration_not_found');
  return found;
}

export async function toWireIntegrations(
  work: TenantWork,
  integrations: readonly Integration[],
  connectors: Connectors,
): Promise<View[]> {
  const idsOf = (chosen: readonly Integration[]) => chosen.map(({ integrationId }) => integrationId);
  const recordTypes = await findRemoteRecordTypes(work, { integrationIds: idsOf(integrations) });
  const onboarding = await findOnboardingDatasets(work, {
    integrationIds: idsOf(integrations.filter((one) => one.onboardingStartedAt !== null)),
  });
  const tasks = await listBackgroundTasks(work, { integrationIds: idsOf(integrations) });
  return integrations.map((integration) =>
    toWireIntegration(integration, {
      connector: connectors[integration.connector],
      recordTypes: recordTypes.get(integration.integrationId) ?? [],
      onboarding: onboarding.get(integration.integrationId) ?? [],
      backgroundTasks: tasks.filter(({ integrationId }) => integrationId === integration.integrationId),
    }),
  );
}

export function integrationsHeaders(
  integrations: readonly Integration[],
  settings: Settings,
): Record<string, string> {
  return deprecationOf(integrations.map(pinnedPolicy), settings);
}

/** The body and the headers of a response that shows one integration. */
export async function respondWithIntegration(
  work: TenantWork,
  integration: Integration,
  { connectors, config }: Pick<RouteServices, 'connectors' | 'config'>,
): Promise<{ body: View; headers: Record<string, string> }> {
  const [body] = await toWireIntegrations(work, [integration], connectors);
  if (body === undefined) throw new Error('toWireIntegrations returned nothing.');
  return { body, headers: { ...etagOf(integration), ...integrationsHeaders([integration], config) } };
}
