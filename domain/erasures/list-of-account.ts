/** Identifies the list that an integration reads, to recognize another integration of the same list. */
import type { JsonObject, JsonValue } from '../json';

export interface LinkedAccount {
  connector: string;
  config: JsonObject;
  /** The id of the account to which a person consented; null = there is none, or it is not known. */
  accountId: string | null;
}

const objectIn = (value: JsonValue | undefined, key: string): JsonObject => {
  const member = (value as JsonObject | null | undefined)?.[key];
  return typeof member === 'object' && member !== null && !Array.isArray(member) ? member : {};
};

/** Equal for addresses that differ only in a slash at the end, capitals of the host, or a default port. */
const spelledAlike = (address: string): string =>
  (URL.canParse(address) ? new URL(address).href : address).replace(/\/+$/, '');

/**
 * Equal for all integrations that read the same list of the same account: the account of a consent with the
 * address and the path, or the table of a database. undefined = the settings do not identify the account:
 * many accounts of an app share one address.
 */
export function listOfAccount(
  { connector, config, accountId }: LinkedAccount,
  recordType: string,
): JsonValue[] | undefined {
  const type = objectIn(config['record_types'], recordType);
  if (connector === 'postgres') {
    const { host, port = 5_432, database, schema = 'public' } = config;
    if (typeof host !== 'string' || type['table'] === undefined) return undefined;
    return [connector, host.toLowerCase(), port, database ?? null, type['schema'] ?? schema, type['table']];
  }
  const { base_url: address } = config;
  const { path } = objectIn(type, 'list');
  if (accountId === null || typeof address !== 'string' || typeof path !== 'string') return undefined;
  return [connector, spelledAlike(address), accountId, path];
}
