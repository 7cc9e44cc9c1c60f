/**
 * Sign-in with an identity provider (OpenID Connect: authorization code with PKCE, state and nonce). The
 * provider says who the browser's user is; people and roles are Syncline's own. The settings belong to the
 * operator, never to a tenant.
 */
import type { Configuration, IDToken } from 'openid-client';
import type { Logger } from 'pino';
import type { ProviderIdentity } from '../../db/tenants/person-identities';
import { isWrittenPlainly } from '../../db/tenants/email-address';
import { HttpError } from '../http/http-error';

const ANSWER_WITHIN_SECONDS = 5;
/** For redirects to the provider. What it sends back is always checked against fresh metadata and keys. */
const METADATA_MAX_AGE_MS = 10 * 60_000;
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
   * `query`: the query with which the provider redirected the browser back. Returns undefined if the query
   * proves no identity. Throws `identity_provider_unavailable`.
   */
  identify(query: string, expected: Omit<OidcStart, 'url'>): Promise<ProvenIdentity | undefined>;
}

export interface ProvenIdentity extends ProviderIdentity {
  /** Undefined if the provider has not verified the address, or writes it in a misleading way. */
  email: string | undefined;
}

// An ES module, loaded on demand in a way that works from CommonJS too.
const loadClient = () => import('openid-client');

/** Null when no provider is configured. */
export function createOidc(
  settings: OidcSettings | null,
  { publicUrl, log }: { publicUrl: string; log: Logger },
): Oidc | null {
  if (settings === null) return null;
  const callback = `${publicUrl}/console/v1/oidc/callback`;
  let known: { configuration: Configuration; at: number } | undefined;

  async function discoverAgain(): Promise<Configuration> {
    try {
      const configuration = await discover(settings as OidcSettings);
      known = { configuration, at: performance.now() };
      return configuration;
    } catch (cause) {
      throw providerUnavailable(cause);
    }
  }

  return {
    async start() {
      const isKnown = known !== undefined && performance.now() - known.at < METADATA_MAX_AGE_MS;
      return startAuthorization(isKnown && known ? known.configuration : await discoverAgain(), callback);
    },

    async identify(query, expected) {
      // Keys are cached by configuration. A new one knows the keys that the provider uses now.
      const configuration = await discoverAgain();
      try {
        return toIdentity(await exchangeCode(configuration, new URL(`${callback}?${query}`), expected));
      } catch (error) {
        if (await isUnreachable(error)) throw providerUnavailable(error);
        // Not the error itself: it may hold the claims.
        const { message: reason } = error as Error;
        log.warn({ reason }, 'a response of the identity provider was refused');
        return undefined;
      }
    },
  };
}

/** The claims of the ID token: signed by the provider for this client and this sign-in, and not expired. */
async function exchangeCode(
  configuration: Configuration,
  address: URL,
  { state, nonce, codeVerifier }: Omit<OidcStart, 'url'>,
): Promise<IDToken> {
  const { authorizationCodeGrant } = await loadClient();
  const tokens = await authorizationCodeGrant(configuration, address, {
    expectedState: state,
    expectedNonce: nonce,
    pkceCodeVerifier: codeVerifier,
    idTokenExpected: true,
  });
  const claims = tokens.claims() as IDToken;
  // openid-client compares `azp` only if there are several audiences.
  if (claims.azp !== undefined && claims.azp !== configuration.clientMetadata().client_id)
    throw new Error('The ID token was issued to another client (azp).');
  return claims;
}

function toIdentity({ iss, sub, email, email_verified }: IDToken): ProvenIdentity {
  const isVerified = email_verified === true && typeof email === 'string' && isWrittenPlainly(email);
  return { issuer: iss, subject: sub, email: isVerified ? email : undefined };
}

async function isUnreachable(error: unknown): Promise<boolean> {
  const { ClientError } = await loadClient();
  if (error instanceof ClientError)
    return error.code === 'OAUTH_TIMEOUT' || error.code === 'OAUTH_RESPONSE_IS_NOT_CONFORM';
  return error instanceof TypeError;
}

async function discover({ issuer, clientId, clientSecret }: OidcSettings): Promise<Configuration> {
  const { discovery, allowInsecureRequests, enableNonRepudiationChecks } = await loadClient();
  const { protocol, hostname } = new URL(issuer);
  const isLocal = protocol === 'http:' && LOOPBACK.has(hostname);
  return discovery(new URL(issuer), clientId, clientSecret, undefined, {
    timeout: ANSWER_WITHIN_SECONDS,
    execute: [
      // The signature of ID tokens, by a public key of the provider. `none` and HS256 are refused.
      enableNonRepudiationChecks,
      // Plain http is allowed only for a provider on the local machine, for development.
      ...(isLocal ? [allowInsecureRequests] : []),
    ],
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
