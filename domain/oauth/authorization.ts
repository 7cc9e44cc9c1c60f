/** Consent by OAuth 2: what a configuration says about it, and the address of the provider's consent page. */

/** Of the credentials of an integration: the consent that its tokens come from. */
export const ACCOUNT_CREDENTIAL = 'oauth_account';

/** `auth` of a configuration that signs in by an account, by connectors that have such. */
export interface OAuthSettings {
  /** The id in the API: `oap_…`. */
  appId: string;
  authorizationUrl: string;
  tokenUrl: string;
  /** Compared with `iss` in the provider's answer (RFC 9207), if both are there. */
  issuer?: string | undefined;
  scopes: readonly string[];
  scopeSeparator: string;
  pkce: 'S256' | 'none';
  clientAuth: 'basic' | 'body' | 'none';
  authorizationParameters: Readonly<Record<string, string>>;
  tokenParameters: Readonly<Record<string, string>>;
  /** A token is renewed this long before it expires; at most a third of its lifetime. */
  refreshAheadSeconds: number;
  /** How API calls carry the token: the header, and its value with `{token}`. */
  header: string;
  value: string;
  /**
   * JSON Pointers into the answer of `url`; without `url`, into the answer with the tokens. `value` is the id
   * itself, if `url` answers only to a consent of this account.
   */
  account?:
    | {
        url?: string | undefined;
        id?: string | undefined;
        value?: string | undefined;
        name?: string | undefined;
      }
    | undefined;
  /** A list of accounts, of which the person picks one: its id is `parameter` of the definition. */
  accounts?:
    | { url: string; items: string; id: string; name?: string | undefined; parameter: string }
    | undefined;
}

export interface ConsentRequest {
  clientId: string;
  redirectUri: string;
  state: string;
  /** base64url(SHA-256(verifier)); not sent where the configuration has no PKCE. */
  codeChallenge: string;
}

/** Where the browser of the person is sent to give consent (RFC 6749 4.1.1, RFC 7636). */
export function authorizationUrl(
  settings: OAuthSettings,
  { clientId, redirectUri, state, codeChallenge }: ConsentRequest,
): string {
  const url = new URL(settings.authorizationUrl);
  // Parameters of the configuration cannot replace those of the protocol.
  const parameters = {
    ...settings.authorizationParameters,
    ...(settings.scopes.length === 0 ? {} : { scope: settings.scopes.join(settings.scopeSeparator) }),
    response_type: 'code',
    client_id: clientId,
    redirect_uri: redirectUri,
    state,
    ...(settings.pkce === 'S256' ? { code_challenge: codeChallenge, code_challenge_method: 'S256' } : {}),
  };
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  return url.href;
}
