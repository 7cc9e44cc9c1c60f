/**
 * A small contact API over a scripted server, linked by the REST connector, for answers that no real third
 * party gives on demand.
 */
import type { ConnectorContext, PushItem, PushResult, TokenStore } from '../../../connectors/connector';
import { rest } from '../../../connectors/rest';
import type { RestConfig } from '../../../connectors/rest/config/config';
import type { RestCredentials } from '../../../connectors/rest/config/config-auth';
import type { RecordTypeMapping } from '../../../domain/records/mapping';
import { contextWith, egressHttp, memoryTokens, pushItem } from '../suite/given';

export type RestContext = ConnectorContext<RestConfig, RestCredentials>;

export const CONTACTS_MAPPING: RecordTypeMapping = {
  direction: 'push',
  onDelete: 'delete',
  fields: [
    { name: 'first_name', to: 'first_name' },
    { name: 'email', to: 'email' },
    { name: 'city', to: '/address/city' },
  ],
};

/** Contacts that are found by `?external_id=`, with ids of the third party. */
export const CONTACTS = {
  external_id: '/external_id',
  find: { path: '/contacts{?external_id}', items: '/items' },
  create: { path: '/contacts' },
  update: { path: '/contacts/{remote_id}' },
  delete: { path: '/contacts/{remote_id}' },
};

/** A configuration as a client sends it: contacts, no authentication, with what the test changes. */
export function contactsConfig(
  baseUrl: string,
  changes: Record<string, unknown> = {},
  typeChanges: Record<string, unknown> = {},
): Record<string, unknown> {
  return {
    app: 'Contacts',
    base_url: baseUrl,
    auth: { type: 'none' },
    check: { path: '/ping' },
    errors: { message: '/message' },
    record_types: { contacts: { ...CONTACTS, ...typeChanges } },
    ...changes,
  };
}

/** A context for a configuration, which must be one that the connector finds nothing wrong with. */
export function restContext(
  config: unknown,
  {
    credentials = {},
    tokens = memoryTokens(),
    mapping = CONTACTS_MAPPING,
  }: { credentials?: RestCredentials; tokens?: TokenStore; mapping?: RecordTypeMapping } = {},
): RestContext {
  const parsed = rest.configSchema.parse(config);
  const mappings = Object.fromEntries(Object.keys(parsed.record_types).map((name) => [name, mapping]));
  expect(rest.validate?.(parsed, mappings, rest.credentialsSchema.parse(credentials))).toEqual([]);
  return {
    ...contextWith({ config: parsed, credentials, mappings, http: egressHttp(rest.hosts(parsed), 10_000) }),
    tokens,
  };
}

export function aContact(overrides: Partial<PushItem> = {}, fields = {}): PushItem {
  return pushItem(
    'contacts',
    CONTACTS_MAPPING,
    { first_name: 'Ada', email: 'ada@example.com', ...fields },
    { externalId: 'emp-1', ...overrides },
  );
}

/** The one result of pushing one item. */
export async function pushOne(item: PushItem, context: RestContext): Promise<PushResult> {
  const results = await rest.push([item], context);
  expect(results).toHaveLength(1);
  return results[0] as PushResult;
}

export async function errorOf(item: PushItem, context: RestContext): Promise<Error> {
  const result = await pushOne(item, context);
  if (result.ok) throw new Error(`The push was expected to fail, but came to ${result.effect}.`);
  return result.error;
}
