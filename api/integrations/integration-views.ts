/** Integrations as they are shown, with what is kept beside their rows: two statements, however many there are. */
import type { z } from 'zod';
import type { TenantWork } from '../../db/database';
import type { Integration } from '../../db/integrations/integrations';
import { findRemoteRecordTypes } from '../../db/integrations/metadata-changes';
import { findOnboardingDatasets } from '../../db/sync-runs/onboarding-progress';
import type { DescribedConnector } from './connector-catalogue';
import { deprecationOf } from '../routing/deprecation';
import type { ApiSettings } from '../dependencies';
import { etagOf } from '../routing/etag';
import { type integrationView, pinnedPolicy, toWireIntegration } from './integration-schema';

type Connectors = Readonly<Record<string, DescribedConnector>>;
type Settings = Pick<ApiSettings, 'companySynchronizedSwitchAt' | 'publicUrl'>;
type View = z.output<typeof integrationView>;

export async function showIntegrations(
  work: TenantWork,
  integrations: readonly Integration[],
  connectors: Connectors,
): Promise<View[]> {
  const idsOf = (chosen: readonly Integration[]) => chosen.map(({ integrationId }) => integrationId);
  const recordTypes = await findRemoteRecordTypes(work, { integrationIds: idsOf(integrations) });
  const onboarding = await findOnboardingDatasets(work, {
    integrationIds: idsOf(integrations.filter((one) => one.onboardingStartedAt !== null)),
  });
  return integrations.map((integration) =>
    toWireIntegration(integration, {
      connector: connectors[integration.connector],
      recordTypes: recordTypes.get(integration.integrationId) ?? [],
      onboarding: onboarding.get(integration.integrationId) ?? [],
    }),
  );
}

export async function showIntegration(
  work: TenantWork,
  integration: Integration,
  connectors: Connectors,
): Promise<View> {
  const [view] = await showIntegrations(work, [integration], connectors);
  if (view === undefined) throw new Error('showIntegrations answered nothing.');
  return view;
}

export function integrationHeaders(integration: Integration, settings: Settings): Record<string, string> {
  return { ...etagOf(integration), ...deprecationOf([pinnedPolicy(integration)], settings) };
}

export function integrationsHeaders(
  integrations: readonly Integration[],
  settings: Settings,
): Record<string, string> {
  return deprecationOf(integrations.map(pinnedPolicy), settings);
}
