/**
 * Sign-in with an identity provider (OpenID Connect: authorization code with PKCE, state and nonce). The
 * provider only verifies an e-mail address; people and roles are Syncline's own. The settings belong to the
 * operator, never to a tenant.
 */
import type { Configuration } from 'openid-client';
import { isWrittenPlainly } from '../../domain/email-address';
import { HttpError } from '../http/http-error';

const ANSWER_WITHIN_SECONDS = 5;
const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);

export interface OidcSettings {
  issuer: string;
  clientId: string;
  clientSecret: string;
}

interface OidcStart {
  /** The page of the provider to which the browser is redirected. */
  url: string;
  state: string;
  nonce: string;
  codeVerifier: string;
}

export interface Oidc {
  /** Throws `identity_provider_unavailable`. */
  start(): Promise<OidcStart>;
  /**
   * `query`: the query with which the provider redirected the browser back. Returns the verified address, or
   * undefined if the query proves none. Throws `identity_provider_unavailable`.
   */
  verifiedEmail(query: string, expected: Omit<OidcStart, 'url'>): Promise<string | undefined>;
}

// An ES module, loaded on demand in a way that works from CommonJS too.
const loadClient = () => import('openid-client');

/** Null when no provider is configured. */
export function createOidc(settings: OidcSettings | null, { publicUrl }: { publicUrl: string }): Oidc | null {
  if (settings === null) return null;
  const callback = `${publicUrl}/console/v1/oidc/callback`;
  let discovered: Promise<Configuration> | undefined;

  /** Cached after the first success; a failed discovery is repeated at the next sign-in. */
  async function configuration(): Promise<Configuration> {
    discovered ??= discover(settings as OidcSettings);
    try {
      return await discovered;
    } catch (cause) {
      discovered = undefined;
      throw providerUnavailable(cause);
    }
  }

  return {
    start: async () => startAuthorization(await configuration(), callback),

    async verifiedEmail(query, { state, nonce, codeVerifier }) {
      const config = await configuration();
      const { authorizationCodeGrant, ClientError } = await loadClient();
      try {
        const tokens = await authorizationCodeGrant(config, new URL(`${callback}?${query}`), {
          expectedState: state,
          expectedNonce: nonce,
          pkceCodeVerifier: codeVerifier,
          idTokenExpected: true,
        });
        const claims = tokens.claims();
        if (claims?.email_verified !== true || typeof claims.email !== 'string') return undefined;
        return isWrittenPlainly(claims.email) ? claims.email : undefined;
      } catch (error) {
        const isUnreachable =
          error instanceof TypeError || (error instanceof ClientError && error.code === 'OAUTH_TIMEOUT');
        if (isUnreachable) throw providerUnavailable(error);
        return undefined;
      }
    },
  };
}

async function discover({ issuer, clientId, clientSecret }: OidcSettings): Promise<Configuration> {
  const { discovery, allowInsecureRequests } = await loadClient();
  const { protocol, hostname } = new URL(issuer);
  const isLocal = protocol === 'http:' && LOOPBACK.has(hostname);
  return discovery(new URL(issuer), clientId, clientSecret, undefined, {
    timeout: ANSWER_WITHIN_SECONDS,
    // Plain http is allowed only for a provider on the local machine, for development.
    ...(isLocal ? { execute: [allowInsecureRequests] } : {}),
  });
}

async function startAuthorization(config: Configuration, callback: string): Promise<OidcStart> {
  const {
    buildAuthorizationUrl,
    calculatePKCECodeChallenge,
    randomNonce,
    randomPKCECodeVerifier,
    randomState,
  } = await loadClient();
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
}

function providerUnavailable(cause: unknown): HttpError {
  return new HttpError('identity_provider_unavailable', { headers: { 'Retry-After': '30' }, cause });
}
