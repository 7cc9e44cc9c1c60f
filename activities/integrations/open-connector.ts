/**
 * Opens an integration's connector: decrypted credentials, rate-limited HTTP, guarded sockets, cached tokens.
 */
import type { AccessTokens, Connector, SocketOpener, TokenStore } from '../../connectors/connector';
import { Unauthorized } from '../../connectors/errors';
import type { Database } from '../../db/database';
import { findEncryptedCredentials } from '../../db/integrations/integrations';
import { bindCredentials, openCredentials } from '../../db/integrations/sealed-credentials';
import { faultIn } from '../../domain/connector-fault';
import { movedOrigins, type Origins, originsOf } from '../../domain/credential-origins';
import { ACCOUNT_CREDENTIAL } from '../../domain/oauth/authorization';
import type {
  ActivityDependencies,
  ActivityLog,
  IntegrationToOpen,
  OAuthDependencies,
} from '../dependencies';
import { type ConnectedAccount, createAccountTokens } from './oauth/account-tokens';
import type { RefreshOptions } from './oauth/refresh-account';
import { CannotOpen } from './connector-failures';
import { createRateLimitPermits } from './rate-limit-permits';
import { rateLimitedHttp } from './rate-limited-http';

const TOKENS_MAX = 5_000;

export interface ConnectorOpenerOptions extends OAuthDependencies {
  refresh?: Pick<RefreshOptions, 'times' | 'at'>;
  database: Database;
  createSocketOpener(options: { hosts: readonly string[]; signal: AbortSignal }): SocketOpener;
  log: ActivityLog;
}

/** One per process: tokens and permits of the rate limiter are shared by all activities. */
export function createConnectorOpener(
  options: ConnectorOpenerOptions,
): ActivityDependencies['openConnector'] {
  const { database, encryption, connectors, log } = options;
  const tokensOf = createTokenCache();
  const accessTokensOf = createAccountTokens({ database, encryption, ...options.refresh });
  const permitsOf = createRateLimitPermits({
    database,
    onTrouble: (error) => log.warn({ err: error }, 'could not read the rate limiter from the database'),
  });

  const readCredentials = (
    tenantId: string,
    { integrationId, encryptedCredentials }: IntegrationToOpen,
    origins: Origins,
  ): Promise<unknown> =>
    database.withTenant(tenantId, async (work) => {
      const encrypted = encryptedCredentials ?? (await findEncryptedCredentials(work, { integrationId }));
      if (encrypted === null) return {};
      const sealed = await openCredentials(work, encryption, integrationId, encrypted);
      const { credentials } = sealed;
      if (sealed.origins === null) await bindCredentials(work, encryption, integrationId, sealed, origins);
      else if (Object.keys(credentials).length > 0) checkOrigins(sealed.origins, origins);
      return credentials;
    });

  return async (tenantId, integration, signal, priority) => {
    const { integrationId } = integration;
    const connector = findConnector(connectors, integration.connector);
    const config = configOf(connector, integration.config);
    const given = await readCredentials(tenantId, integration, originsOf(connector, config));
    const credentials = credentialsOf(connector, given);
    const hosts = connector.hosts(config);
    const owner = { tenantId, integrationId };
    const reach = { hosts, owner, identity: connector.clientIdentity?.(config, credentials) };
    const createHttp = (until: AbortSignal) => options.createHttpClient({ ...reach, signal: until });
    const context = {
      config,
      credentials,
      mappings: integration.recordTypes,
      http: rateLimitedHttp(createHttp(signal), {
        budget: permitsOf(tenantId, integrationId),
        priority,
        signal,
      }),
      sockets: options.createSocketOpener({ hosts, signal }),
      tokens: tokensOf(integrationId, integration.credentialsUpdatedAt),
      accessTokens: accountTokensOf(
        connector,
        config,
        { ...owner, credentials, http: createHttp, signal },
        accessTokensOf,
      ),
      signal,
      tenantId,
    };
    return { connector, context };
  };
}

/** undefined: the configuration signs in otherwise. */
function accountTokensOf(
  connector: Connector,
  config: unknown,
  {
    credentials,
    ...account
  }: Omit<ConnectedAccount, 'connectionId' | 'settings' | 'origins'> & { credentials: unknown },
  accessTokensOf: ReturnType<typeof createAccountTokens>,
): AccessTokens | undefined {
  const settings = connector.oauth?.(config);
  if (settings === undefined) return undefined;
  const origins = originsOf(connector, config);
  return accessTokensOf({ ...account, connectionId: connectionIn(credentials), settings, origins });
}

/** The consent that the credentials name. */
function connectionIn(credentials: unknown): string | undefined {
  const { [ACCOUNT_CREDENTIAL]: connection } = credentials as Record<string, unknown>;
  return typeof connection === 'string' ? connection : undefined;
}

/** Throws Unauthorized if the configuration names an address that the credentials were not given for. */
function checkOrigins(givenFor: Origins, origins: Origins): void {
  const [moved] = movedOrigins(givenFor, origins);
  if (moved === undefined) return;
  throw new Unauthorized(
    `The credentials were given for ${moved.from ?? 'other addresses'}, but ${moved.pointer} of the ` +
      `configuration is ${moved.to ?? 'not set'}. Enter the credentials again.`,
  );
}

const CALLS_AT_ONCE = 8;

/** A configuration that cannot be read fails when the connector is opened. */
export function callsAtOnce(
  connectors: Record<string, Connector>,
  { connector: kind, config }: Pick<IntegrationToOpen, 'connector' | 'config'>,
): number {
  const connector = connectors[kind];
  const read = connector?.configSchema.safeParse(config);
  return (read?.success ? connector?.callsAtOnce?.(read.data) : undefined) ?? CALLS_AT_ONCE;
}

/** Records per claim. An integration without a connector fails when it is opened. */
export const batchSizeOf = (connectors: Record<string, Connector>, kind: string): number =>
  connectors[kind]?.batchSize ?? 1;

/** @throws CannotOpen */
export function findConnector(connectors: Record<string, Connector>, kind: string): Connector {
  const connector = connectors[kind];
  if (connector === undefined)
    throw new CannotOpen(
      `A worker of Syncline lacks the connector "${kind}". Install the package that holds it for every api ` +
        'and worker, name it in CONNECTOR_PACKAGES, and restart them.',
    );
  return connector;
}

/** @throws CannotOpen for a configuration that another version of the connector has accepted */
export function configOf(connector: Connector, config: unknown): unknown {
  const read = connector.configSchema.safeParse(config);
  if (read.success) return read.data;
  const fault = faultIn(read.error);
  if (fault !== undefined) throw fault;
  const [issue] = read.error.issues;
  throw new CannotOpen(
    `The configuration does not fit this version of the connector "${connector.kind}". ` +
      `/config/${(issue?.path ?? []).join('/')}: ${issue?.message ?? 'not accepted'}.`,
  );
}

function credentialsOf(connector: Connector, given: unknown): unknown {
  const read = connector.credentialsSchema.safeParse(given);
  if (read.success) return read.data;
  throw (
    faultIn(read.error) ?? new Unauthorized('The integration has no credentials that its connector can use.')
  );
}

/**
 * Access tokens from connectors' logins, cached in this process per integration and version of its
 * credentials.
 */
function createTokenCache(): (integrationId: string, credentialsUpdatedAt: Date | null) => TokenStore {
  const tokens = new Map<string, { value: string; expiresAt: number | null }>();
  return (integrationId, credentialsUpdatedAt) => {
    const key = `${integrationId} ${credentialsUpdatedAt?.getTime() ?? 0}`;
    return {
      get: () => tokens.get(key),
      set: (token) => {
        // A cleared token only costs another login.
        if (tokens.size >= TOKENS_MAX) tokens.clear();
        tokens.set(key, token);
      },
      clear: () => void tokens.delete(key),
    };
  };
}
