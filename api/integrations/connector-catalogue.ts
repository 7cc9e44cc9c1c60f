/**
 * What the API knows about connectors: their schemas and rules, never their network calls. main.ts passes the
 * code in.
 */
import type { ZodType } from 'zod';
import type { ReadAbilities } from '../../connectors/connector';
import type { JsonObject } from '../../domain/json';
import { canonicalJson, isJsonObject, type JsonValue } from '../../domain/json';
import type { OAuthSettings } from '../../domain/oauth/authorization';
import type { RecordTypeMapping } from '../../domain/records/mapping';
import type { RecordType } from '../../domain/records/record-type';
import { HttpError, type ProblemDetail } from '../http/http-error';
import { pointerTo } from '../http/json-guard';
import { toProblemDetails } from '../http/parse';

/** The part of a connector that makes no network calls. */
export interface DescribedConnector {
  kind: string;
  title: string;
  /** The name of the app that this configuration connects to; undefined = the connector cannot tell. */
  appName?(config: unknown): string | undefined;
  description: string;
  configSchema: ZodType;
  credentialsSchema: ZodType;
  onDelete: readonly RecordTypeMapping['onDelete'][];
  recordTypes(config: unknown): RecordType[];
  defaultMappings?(config: unknown): Record<string, RecordTypeMapping>;
  /**
   * Pointers begin with `/config`, `/record_types` or `/credentials`. Without `credentials`, these are not
   * checked.
   */
  validate?(
    config: unknown,
    mappings: Record<string, RecordTypeMapping>,
    credentials?: unknown,
  ): { pointer: string; message: string }[];
  origins?(config: unknown): Record<string, string>;
  /** Of a configuration that signs in by an account, to which a person consents. */
  oauth?(config: unknown): OAuthSettings | undefined;
  hosts(config: unknown): string[];
  /** The names of the credentials, where they depend on the configuration. */
  credentialNames?(config: unknown): string[];
  /** null = this record type cannot be read; a missing method = none can. */
  readAbilities?(config: unknown, recordType: string): ReadAbilities | null;
  readSignature?(config: unknown, recordType: string): object;
}

/**
 * Returns why a URL is refused, as a message for tenants; undefined = it is allowed. `hosts`: the hosts in
 * the configuration.
 */
export type WhyUrlIsRefused = (url: string, hosts: readonly string[]) => string | undefined;

/** Parses the configuration with the connector's schema. Throws `invalid_config` or `egress_refused`. */
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

/**
 * Parses the credentials with the connector's schema. Throws `invalid_credentials_shape`, without repeating
 * any value.
 */
export function readCredentials(connector: DescribedConnector, credentials: JsonObject): JsonObject {
  const parsed = connector.credentialsSchema.safeParse(credentials);
  if (parsed.success) return parsed.data as JsonObject;
  throw new HttpError('invalid_credentials_shape', {
    errors: toProblemDetails(parsed.error, credentials, (path) => pointerTo(['credentials', ...path])),
  });
}

/**
 * Problems that the connector finds in the combination of its settings; credentials are checked only if
 * given.
 */
export function findContradictions(
  connector: DescribedConnector,
  config: JsonObject,
  mappings: Record<string, RecordTypeMapping>,
  credentials?: JsonObject,
): ProblemDetail[] {
  const found = connector.validate?.(config, mappings, credentials) ?? [];
  // The connector's own message about a direction is more specific.
  const unreadable = findUnreadable(connector, config, mappings).filter(
    ({ pointer }) => !found.some((other) => other.pointer === pointer),
  );
  return [
    ...found.map(({ pointer, message }) => ({ pointer, code: 'contradiction', message })),
    ...unreadable,
  ];
}

/** The record types of which a new configuration reads other records, or reads them differently. */
export function findReadDifferently(
  connector: DescribedConnector,
  before: JsonObject,
  after: JsonObject,
  recordTypes: readonly string[],
): string[] {
  const signature = (config: JsonObject, recordType: string): string =>
    canonicalJson(
      JSON.parse(JSON.stringify(connector.readSignature?.(config, recordType) ?? config)) as JsonValue,
    );
  return recordTypes.filter((recordType) => signature(before, recordType) !== signature(after, recordType));
}

/** Record types that are mapped for pulling although the connector cannot read them. */
function findUnreadable(
  connector: DescribedConnector,
  config: JsonObject,
  mappings: Record<string, RecordTypeMapping>,
): ProblemDetail[] {
  return Object.entries(mappings).flatMap(([recordType, { direction }]) => {
    if (direction === 'push' || (connector.readAbilities?.(config, recordType) ?? null) !== null) return [];
    const message =
      connector.readAbilities === undefined
        ? `The connector ${connector.title} cannot read records. Use the direction "push".`
        : `The connector ${connector.title} cannot read ${recordType} as it is configured. Use the ` +
          'direction "push", or configure how to read it.';
    return [{ pointer: pointerTo(['record_types', recordType, 'direction']), code: 'not_readable', message }];
  });
}

const LOOKS_LIKE_URL = /^[a-z][a-z0-9+.-]*:\/\//i;

function findRefusedUrls(
  config: JsonValue,
  hosts: readonly string[],
  whyUrlIsRefused: WhyUrlIsRefused,
): ProblemDetail[] {
  const urls = findUrls(config, ['config']);
  const isInUrl = (host: string) => urls.some(({ url }) => URL.canParse(url) && new URL(url).host === host);
  const otherHosts = hosts.flatMap((host) => {
    const url = URL.canParse(`https://${host}/`) ? new URL(`https://${host}/`) : undefined;
    // A host that is part of a URL is reported at that URL, where it can be corrected.
    if (url === undefined || isInUrl(url.host)) return [];
    // Protocols other than HTTP use other ports, so only the address is checked.
    return [{ url: `https://${url.hostname}/`, pointer: '/config', hosts: [url.hostname] }];
  });
  return [...urls.map((one) => ({ ...one, hosts })), ...otherHosts].flatMap(
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
