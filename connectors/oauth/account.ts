/** Which account of the third party has given consent, as far as the configuration says where to read it. */
import type { JsonValue } from '../../domain/json';
import type { OAuthSettings } from '../../domain/oauth/authorization';
import { Unauthorized } from '../errors';
import { errorFromCheck, isSuccess } from '../http-errors';
import type { HttpClient } from '../http';
import { parseJson, readAt } from '../rest/json-pointer';
import { fillHeader } from '../rest/http/templates';
import type { IssuedTokens } from './token-calls';

export interface ConsentingAccount {
  accountId: string | null;
  accountName: string | null;
}

/** More are not offered. */
const ACCOUNTS_MAX = 500;

/** Throws the errors of a connector. */
export async function readConsentingAccount(
  http: HttpClient,
  settings: OAuthSettings,
  { accessToken, answer }: Pick<IssuedTokens, 'accessToken' | 'answer'>,
): Promise<ConsentingAccount> {
  const { account } = settings;
  if (account === undefined) return { accountId: null, accountName: null };
  const { access_token: _access, refresh_token: _refresh, ...answered } = answer;
  const source = account.url === undefined ? answered : await ask(http, settings, account.url, accessToken);
  const accountId = account.value ?? textAt(source, account.id ?? '');
  if (accountId === null)
    throw new Unauthorized(
      `The account has no id at ${account.id ?? ''}. Correct auth.account of the configuration.`,
    );
  return { accountId, accountName: account.name === undefined ? null : textAt(source, account.name) };
}

export type PickableAccount = { id: string; name: string | null };

/** The accounts that a consent is for. Throws the errors of a connector, also if there is none. */
export async function readPickableAccounts(
  http: HttpClient,
  settings: OAuthSettings,
  accounts: NonNullable<OAuthSettings['accounts']>,
  { accessToken }: Pick<IssuedTokens, 'accessToken'>,
): Promise<PickableAccount[]> {
  const items = readAt(await ask(http, settings, accounts.url, accessToken), accounts.items);
  if (!Array.isArray(items))
    throw new Unauthorized(
      `There is no list of accounts at ${accounts.items}. Correct auth.accounts of the configuration.`,
    );
  const found = new Map<string, PickableAccount>();
  for (const item of items.slice(0, ACCOUNTS_MAX)) {
    const id = textAt(item, accounts.id);
    const name = accounts.name === undefined ? null : textAt(item, accounts.name);
    if (id !== null) found.set(id, { id, name });
  }
  if (found.size === 0)
    throw new Unauthorized('The person who agreed has access to no account there. Let another one agree.');
  return [...found.values()];
}

async function ask(
  http: HttpClient,
  { header, value }: OAuthSettings,
  url: string,
  accessToken: string,
): Promise<JsonValue | undefined> {
  const token = fillHeader(value, (name) => (name === 'token' ? accessToken : undefined));
  const headers = { accept: 'application/json', [header]: token };
  const response = await http.send({ method: 'GET', url, headers });
  if (!isSuccess(response))
    throw errorFromCheck({ ...response, text: response.text.replaceAll(accessToken, '•••') });
  return parseJson(response.text);
}

function textAt(source: JsonValue | undefined, pointer: string): string | null {
  const value = readAt(source, pointer);
  return typeof value === 'string' || typeof value === 'number' ? String(value).slice(0, 500) : null;
}
