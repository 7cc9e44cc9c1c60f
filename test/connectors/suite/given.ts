/** Contexts and items for calling a connector directly, as the activity that pushes does. */
import { randomUUID } from 'node:crypto';
import type { ConnectorContext, HttpClient, PushItem, TokenStore } from '../../../connectors/connector';
import { createHttpClient } from '../../../egress/http-client';
import { createSocketOpener } from '../../../egress/socket-opener';
import type { EgressPolicy } from '../../../egress/egress-policy';
import type { JsonObject } from '../../../domain/json';
import { type RecordTypeMapping, mapRecord } from '../../../domain/records/mapping';

/** Loopback and http, as `npm start` allows them. */
export const loopbackPolicy: EgressPolicy = { allowCidrs: ['127.0.0.0/8'], allowHttp: true };

/** The product's HTTP client, for the hosts that a connector names. */
export function egressHttp(hosts: string[], timeoutMs?: number): HttpClient {
  return createHttpClient({
    policy: loopbackPolicy,
    hosts,
    signal: new AbortController().signal,
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  });
}

export function memoryTokens(): TokenStore {
  let token: { value: string; expiresAt: number | null } | undefined;
  return { get: () => token, set: (value) => void (token = value), clear: () => void (token = undefined) };
}

export function contextWith<Config, Credentials>(
  parts: Pick<ConnectorContext<Config, Credentials>, 'config' | 'credentials' | 'mappings' | 'http'> & {
    hosts?: readonly string[];
  },
): ConnectorContext<Config, Credentials> {
  const { hosts = [], ...given } = parts;
  const { signal } = new AbortController();
  return {
    tokens: memoryTokens(),
    sockets: createSocketOpener({ policy: loopbackPolicy, hosts, signal }),
    signal,
    ...given,
  };
}

/** An item as the claim makes it: our fields mapped, our names per path. */
export function pushItem(
  recordType: string,
  mapping: RecordTypeMapping,
  fields: JsonObject,
  overrides: Partial<PushItem> = {},
): PushItem {
  const mapped = mapRecord(mapping, fields);
  if (!mapped.ok) throw new Error(`The test's own fields cannot be mapped: ${JSON.stringify(mapped.errors)}`);
  const named = mapping.fields.flatMap(({ name, to }) => (name === undefined ? [] : [[to, name] as const]));
  return {
    pushId: `psh_${randomUUID()}`,
    operation: 'upsert',
    recordType,
    externalId: `emp-${randomUUID()}`,
    payload: mapped.payload,
    remoteId: null,
    remoteVersion: null,
    isReadFirst: false,
    isDeactivated: false,
    unresolvedCreation: null,
    isSentAlone: false,
    fieldNames: Object.fromEntries(named),
    ...overrides,
  };
}
