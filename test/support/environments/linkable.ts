/**
 * Real third parties as an API client links them: the body for `POST /v1/integrations`, and a look at what
 * they hold.
 */
import { kintoHarness } from '../../connectors/suite/harness-kinto';
import { pocketBaseHarness } from '../../connectors/suite/harness-pocketbase';
import { documentedExample } from '../../connectors/suite/documented';
import type { ConnectorHarness, RemoteRecord } from '../../connectors/suite/harness';
import { scimHarness } from '../../connectors/suite/harness-scim';

export interface LinkableThirdParty {
  /** Where it listens. */
  port: number;
  /**
   * Employees with first_name, last_name and email; grace period 1 s. `throughPort`: by way of a faulty link.
   */
  integration(settings?: Record<string, unknown>, throughPort?: number): Record<string, unknown>;
  /** Every employee it holds, read directly. */
  list(): Promise<RemoteRecord[]>;
  find(externalId: string): Promise<RemoteRecord | undefined>;
  stop(): Promise<void>;
}

const scimRecordTypes = {
  employees: {
    fields: [
      { name: 'email', to: '/userName' },
      { name: 'first_name', to: '/name/givenName' },
      { name: 'last_name', to: '/name/familyName' },
      { name: 'email', to: 'emails[type eq "work"].value' },
    ],
    on_delete: 'deactivate',
  },
};

async function start(
  harness: Pick<ConnectorHarness, 'start'>,
  connector: string,
  recordTypes: unknown,
  configOf: (baseUrl: string) => Record<string, unknown>,
): Promise<LinkableThirdParty> {
  const started = await harness.start();
  const baseUrl = (started.config as { base_url: string }).base_url;
  return {
    port: Number(new URL(baseUrl).port),
    integration(settings = {}, throughPort) {
      const url = new URL(baseUrl);
      if (throughPort !== undefined) url.port = String(throughPort);
      const usual = {
        account_name: 'Test',
        credentials: started.credentials,
        record_types: recordTypes,
        grace_period_ms: 1_000,
        initial_push: 'none',
      };
      return { connector, config: configOf(url.href.replace(/\/$/, '')), ...usual, ...settings };
    },
    list: () => started.list(),
    find: async (externalId) => (await started.list()).find((record) => record.externalId === externalId),
    stop: () => started.stop(),
  };
}

function documented(name: string) {
  const { config, record_types: recordTypes } = documentedExample(name);
  return { recordTypes, configOf: (baseUrl: string) => ({ ...config, base_url: baseUrl }) };
}

export function startLinkablePocketBase(): Promise<LinkableThirdParty> {
  const { recordTypes, configOf } = documented('pocketbase');
  return start(pocketBaseHarness, 'rest', recordTypes, configOf);
}

export function startLinkableKinto(): Promise<LinkableThirdParty> {
  const { recordTypes, configOf } = documented('kinto');
  return start(kintoHarness, 'rest', recordTypes, configOf);
}

export function startLinkableScim(): Promise<LinkableThirdParty> {
  return start(scimHarness('patch'), 'scim', scimRecordTypes, (baseUrl) => ({ base_url: baseUrl }));
}
