/**
 * Signing in through a company's own provider (OpenID Connect: authorization code with PKCE, state and nonce). It only says whose e-mail
 * address it has verified; who that is and what they may do stands here. Its settings are the operator's, never a tenant's.
 */
import type { Configuration } from 'openid-client';
import type { OidcSettings } from '../dependencies';
import { HttpError } from '../http/http-error';

const ANSWER_WITHIN_SECONDS = 5;
const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);

export interface OidcBegin {
  /** Where the browser is sent. */
  url: string;
  state: string;
  nonce: string;
  codeVerifier: string;
}

export interface Oidc {
  /** Throws `identity_provider_unavailable`. */
  begin(): Promise<OidcBegin>;
  /**
   * `query`: what the provider sent the browser back with. The verified address, or undefined where it is no proof.
   * Throws `identity_provider_unavailable`.
   */
  verifiedEmail(query: string, expected: Omit<OidcBegin, 'url'>): Promise<string | undefined>;
}

/** Null when there is none. */
export function createOidc(settings: OidcSettings | null, { publicUrl }: { publicUrl: string }): Oidc | null {
  if (settings === null) return null;
  const { issuer, clientId, clientSecret } = settings;
  const callback = `${publicUrl}/console/v1/oidc/callback`;
  let discovered: Promise<Configuration> | undefined;

  // An ES module: loaded when it is needed, in the way that works from both kinds of module.
  const client = () => import('openid-client');

  async function discover(): Promise<Configuration> {
    const { discovery, allowInsecureRequests } = await client();
    const { protocol, hostname } = new URL(issuer);
    const isLocal = protocol === 'http:' && LOOPBACK.has(hostname);
    return discovery(new URL(issuer), clientId, clientSecret, undefined, {
      timeout: ANSWER_WITHIN_SECONDS,
      // A provider on this very machine, for development; anything else has to be https.
      ...(isLocal ? { execute: [allowInsecureRequests] } : {}),
    });
  }

  /** Kept once it is there; what failed is tried again by the next who signs in. */
  async function configuration(): Promise<Configuration> {
    discovered ??= discover();
    try {
      return await discovered;
    } catch (cause) {
      discovered = undefined;
      throw new HttpError('identity_provider_unavailable', { headers: { 'Retry-After': '30' }, cause });
    }
  }

  return {
    async begin() {
      const config = await configuration();
      const {
        buildAuthorizationUrl,
        calculatePKCECodeChallenge,
        randomNonce,
        randomPKCECodeVerifier,
        randomState,
      } = await client();
      const [state, nonce, codeVerifier] = [randomState(), randomNonce(), randomPKCECodeVerifier()];
      const url = buildAuthorizationUrl(config, {
        redirect_uri: callback,
        scope: 'openid email',
        state,
        nonce,
        code_challenge: await calculatePKCECodeChallenge(codeVerifier),
        code_challenge_method: 'S256',
      });
      return { url: url.href, state, nonce, codeVerifier };
    },

    async verifiedEmail(query, { state, nonce, codeVerifier }) {
      const config = await configuration();
      const { authorizationCodeGrant, ClientError } = await client();
      try {
        const tokens = await authorizationCodeGrant(config, new URL(`${callback}?${query}`), {
          expectedState: state,
          expectedNonce: nonce,
          pkceCodeVerifier: codeVerifier,
          idTokenExpected: true,
        });
        const claims = tokens.claims();
        return claims?.email_verified === true && typeof claims.email === 'string' ? claims.email : undefined;
      } catch (error) {
        const isUnreachable =
          error instanceof TypeError || (error instanceof ClientError && error.code === 'OAUTH_TIMEOUT');
        if (isUnreachable)
          throw new HttpError('identity_provider_unavailable', {
            headers: { 'Retry-After': '30' },
            cause: error,
          });
        return undefined;
      }
    },
  };
}
