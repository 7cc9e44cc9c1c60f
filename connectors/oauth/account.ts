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

/** Throws the errors of a connector. */
export async function readConsentingAccount(
  http: HttpClient,
  { account, header, value }: OAuthSettings,
  { accessToken, answer }: Pick<IssuedTokens, 'accessToken' | 'answer'>,
): Promise<ConsentingAccount> {
  if (account === undefined) return { accountId: null, accountName: null };
  const { access_token: _access, refresh_token: _refresh, ...answered } = answer;
  let source: JsonValue | undefined = answered;
  if (account.url !== undefined) {
    const token = fillHeader(value, (name) => (name === 'token' ? accessToken : undefined));
    const headers = { accept: 'application/json', [header]: token };
    const response = await http.send({ method: 'GET', url: account.url, headers });
    if (!isSuccess(response))
      throw errorFromCheck({ ...response, text: response.text.replaceAll(accessToken, '•••') });
    source = parseJson(response.text);
  }
  const accountId = textAt(source, account.id);
  if (accountId === null)
    throw new Unauthorized(
      `The account has no id at ${account.id}. Correct auth.account of the configuration.`,
    );
  return { accountId, accountName: account.name === undefined ? null : textAt(source, account.name) };
}

function textAt(source: JsonValue | undefined, pointer: string): string | null {
  const value = readAt(source, pointer);
  return typeof value === 'string' || typeof value === 'number' ? String(value).slice(0, 500) : null;
}
