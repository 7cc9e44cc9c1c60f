/** Checks of the settings of an integration that need its connector, and no network. */
import { canonicalJson, isJsonObject, type JsonObject, type JsonValue } from './json';
import { type ProblemDetail, pointerTo } from './problem-detail';
import type { RecordTypeMapping } from './records/mapping';

/** What the checks ask the connector. */
export interface SettingsRules {
  title: string;
  validate?(
    config: unknown,
    mappings: Record<string, RecordTypeMapping>,
    credentials?: unknown,
  ): { pointer: string; message: string }[];
  readAbilities?(config: unknown, recordType: string): object | null;
  readSignature?(config: unknown, recordType: string): object;
}

/**
 * Returns why a URL is refused, as a message for tenants; undefined = it is allowed. `hosts`: the hosts in
 * the configuration.
 */
export type WhyUrlIsRefused = (url: string, hosts: readonly string[]) => string | undefined;

/**
 * Problems that the connector finds in the combination of its settings; credentials are checked only if
 * given.
 */
export function findContradictions(
  connector: SettingsRules,
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
  connector: SettingsRules,
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
  connector: SettingsRules,
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

/** The addresses in a configuration that are not allowed. */
export function findRefusedUrls(
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
