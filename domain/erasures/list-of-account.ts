/** Identifies the list that an integration reads, to recognize another integration of the same list. */
import { isJsonObject, type JsonObject, type JsonValue } from '../json';

export interface LinkedAccount {
  connector: string;
  config: JsonObject;
  /** The id of the account to which a person consented; null = there is none, or it is not known. */
  accountId: string | null;
}

const objectIn = (value: JsonValue | undefined, key: string): JsonObject => {
  const member = isJsonObject(value) ? value[key] : undefined;
  return isJsonObject(member) ? member : {};
};

/** Equal for addresses that differ only in a slash at the end, capitals of the host, or a default port. */
const spelledAlike = (address: string): string =>
  (URL.canParse(address) ? new URL(address).href : address).replace(/\/+$/, '');

/** Besides the path, a parameter, a header or the body may name one of the companies of an account. */
const callOf = (call: JsonObject): JsonValue[] => [
  call['method'] ?? 'GET',
  ...['path', 'parameters', 'headers', 'body'].map((key) => call[key] ?? null),
];

/**
 * Equal for all integrations that read the same list of the same account: the account of a consent with the
 * address and the call, or the table of a database, and the place of the ids. undefined = the settings do not
 * identify the account: many accounts of an app share one address.
 */
export function listOfAccount(
  { connector, config, accountId }: LinkedAccount,
  recordType: string,
): JsonValue[] | undefined {
  const type = objectIn(config['record_types'], recordType);
  if (connector === 'postgres') {
    const { host, port = 5_432, database, schema = 'public' } = config;
    if (typeof host !== 'string' || type['table'] === undefined) return undefined;
    const table = [type['schema'] ?? schema, type['table'], type['id'] ?? null];
    return [connector, host.toLowerCase(), port, database ?? null, ...table];
  }
  const { base_url: address, headers = null } = config;
  const list = objectIn(type, 'list');
  if (accountId === null || typeof address !== 'string' || typeof list['path'] !== 'string') return undefined;
  const calls = [callOf(list), callOf(objectIn(list, 'parents'))];
  const id = list['id'] ?? type['id'] ?? null;
  return [connector, spelledAlike(address), accountId, headers, ...calls, id];
}
