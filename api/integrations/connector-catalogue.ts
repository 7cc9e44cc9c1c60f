/** What the API knows of connectors: their schemas and rules, never their calls. The code itself comes in through main.ts. */
import type { ZodType } from 'zod';
import type { ReadAbilities } from '../../connectors/connector';
import type { JsonObject } from '../../domain/json';
import { isJsonObject, type JsonValue } from '../../domain/json';
import type { RecordTypeMapping } from '../../domain/records/mapping';
import type { RecordType } from '../../domain/records/record-type';
import { HttpError, type ProblemDetail } from '../http/http-error';
import { pointerTo } from '../http/json-guard';
import { toProblemDetails } from '../http/parse';

/** The part of a connector that asks nobody. */
export interface DescribedConnector {
  kind: string;
  title: string;
  /** What people call the product that this configuration leads to; undefined = the connector cannot tell. */
  appName?(config: unknown): string | undefined;
  description: string;
  configSchema: ZodType;
  credentialsSchema: ZodType;
  onDelete: readonly RecordTypeMapping['onDelete'][];
  recordTypes(config: unknown): RecordType[];
  defaultMappings?(config: unknown): Record<string, RecordTypeMapping>;
  /** Pointers begin with `/config`, `/record_types` or `/credentials`. Without `credentials` they are not looked at. */
  validate?(
    config: unknown,
    mappings: Record<string, RecordTypeMapping>,
    credentials?: unknown,
  ): { pointer: string; message: string }[];
  hosts(config: unknown): string[];
  /** null = this record type cannot be read; absent = nothing can. */
  readAbilities?(config: unknown, recordType: string): ReadAbilities | null;
}

/** Why a URL may not be reached, in words for tenants; undefined = it may. `hosts`: those the configuration names. */
export type WhyUrlIsRefused = (url: string, hosts: readonly string[]) => string | undefined;

/** The configuration as the connector reads it, to be stored. Throws `invalid_config` or `egress_refused`. */
export function readConfig(
  connector: DescribedConnector,
  config: JsonObject,
  whyUrlIsRefused: WhyUrlIsRefused,
): JsonObject {
  const parsed = connector.configSchema.safeParse(config);
  if (!parsed.success)
    throw new HttpError('invalid_config', {
      errors: toProblemDetails(parsed.error, config, (path) => pointerTo(['config', ...path])),
    });
  const value = parsed.data as JsonObject;
  const refusals = findRefusedUrls(value, connector.hosts(value), whyUrlIsRefused);
  if (refusals.length > 0) throw new HttpError('egress_refused', { errors: refusals });
  return value;
}

/** The credentials as the connector reads them, to be sealed as JSON. Throws `invalid_credentials_shape`; the complaint repeats no value. */
export function readCredentials(connector: DescribedConnector, credentials: JsonObject): JsonObject {
  const parsed = connector.credentialsSchema.safeParse(credentials);
  if (parsed.success) return parsed.data as JsonObject;
  throw new HttpError('invalid_credentials_shape', {
    errors: toProblemDetails(parsed.error, credentials, (path) => pointerTo(['credentials', ...path])),
  });
}

/** What the connector itself finds wrong with its settings taken together; with the credentials only where they are given. */
export function findContradictions(
  connector: DescribedConnector,
  config: JsonObject,
  mappings: Record<string, RecordTypeMapping>,
  credentials?: JsonObject,
): ProblemDetail[] {
  const found = connector.validate?.(config, mappings, credentials) ?? [];
  // Where the connector complains of the direction itself, it knows better why.
  const unreadable = findUnreadable(connector, config, mappings).filter(
    ({ pointer }) => !found.some((other) => other.pointer === pointer),
  );
  return [
    ...found.map(({ pointer, message }) => ({ pointer, code: 'contradiction', message })),
    ...unreadable,
  ];
}

/** Record types that are to be pulled though the connector cannot read them. */
function findUnreadable(
  connector: DescribedConnector,
  config: JsonObject,
  mappings: Record<string, RecordTypeMapping>,
): ProblemDetail[] {
  return Object.entries(mappings).flatMap(([recordType, { direction }]) => {
    if (direction === 'push' || (connector.readAbilities?.(config, recordType) ?? null) !== null) return [];
    const message =
      connector.readAbilities === undefined
        ? `The connector ${connector.title} cannot read. Use the direction "push".`
        : `The connector ${connector.title} cannot read ${recordType} as it is configured. Use the direction "push", or say in the configuration how it is read.`;
    return [{ pointer: pointerTo(['record_types', recordType, 'direction']), code: 'not_readable', message }];
  });
}

const LOOKS_LIKE_URL = /^[a-z][a-z0-9+.-]*:\/\//i;

function findRefusedUrls(
  config: JsonValue,
  hosts: readonly string[],
  whyUrlIsRefused: WhyUrlIsRefused,
): ProblemDetail[] {
  const written = findUrls(config, ['config']);
  const isWritten = (host: string) =>
    written.some(({ url }) => URL.canParse(url) && new URL(url).host === host);
  const unwritten = hosts.flatMap((host) => {
    const url = URL.canParse(`https://${host}/`) ? new URL(`https://${host}/`) : undefined;
    // A host that stands in a URL of the configuration is complained about there, where it can be corrected.
    if (url === undefined || isWritten(url.host)) return [];
    // Who speaks no HTTP has ports of its own; the address is what counts.
    return [{ url: `https://${url.hostname}/`, pointer: '/config', hosts: [url.hostname] }];
  });
  return [...written.map((one) => ({ ...one, hosts })), ...unwritten].flatMap(
    ({ url, pointer, hosts: allowed }) => {
      const message = whyUrlIsRefused(url, allowed);
      return message === undefined ? [] : [{ pointer, code: 'egress_refused', message }];
    },
  );
}

function findUrls(value: JsonValue, path: (string | number)[]): { url: string; pointer: string }[] {
  if (typeof value === 'string')
    return LOOKS_LIKE_URL.test(value) ? [{ url: value, pointer: pointerTo(path) }] : [];
  if (Array.isArray(value)) return value.flatMap((item, index) => findUrls(item, [...path, index]));
  if (!isJsonObject(value)) return [];
  return Object.entries(value).flatMap(([key, member]) => findUrls(member, [...path, key]));
}
