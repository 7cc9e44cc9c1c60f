/**
 * Exchanges the code of a consent for tokens, once. The tokens are stored, with the credentials that name
 * them, before anything uses them; the words for people are in the row of the consent.
 */
import { Context } from '@temporalio/activity';
import type { Connector } from '../../../connectors/connector';
import { ConnectorError, Unauthorized } from '../../../connectors/errors';
import {
  type ConsentingAccount,
  type PickableAccount,
  readConsentingAccount,
  readPickableAccounts,
} from '../../../connectors/oauth/account';
import type { HttpClient } from '../../../connectors/http';
import { exchangeCode, type IssuedTokens, type TokenEndpoint } from '../../../connectors/oauth/token-calls';
import type { OAuthConsentInput, OAuthConsentResult } from '../../../contract/oauth-consent';
import type { TenantWork } from '../../../db/database';
import { findIntegration, type Integration, lockIntegration } from '../../../db/integrations/integrations';
import { connectAccount, findAccount, nameAccount } from '../../../db/integrations/oauth/accounts';
import type { OAuthApp } from '../../../db/integrations/oauth/apps';
import {
  findConsent,
  saveConsentResult,
  spendConsent,
  type SpentConsent,
} from '../../../db/integrations/oauth/consents';
import { sealCredentials } from '../../../db/integrations/sealed-credentials';
import { newUuid } from '../../../db/sql/ids';
import { replaceCredentials } from '../../../db/sync-runs/integration-lifecycle';
import type { ConsentResult } from '../../../db/tables/oauth';
import { originsOf } from '../../../domain/credential-origins';
import { canonicalJson, type JsonObject } from '../../../domain/json';
import { ACCOUNT_CREDENTIAL, type OAuthSettings } from '../../../domain/oauth/authorization';
import { missingScopes, missingScopesWords } from '../../../domain/oauth/granted-scopes';
import { tokenTimes } from '../../../domain/oauth/refresh-times';
import { typeIdOf } from '../../../domain/typeid';
import type { ActivityDependencies } from '../../dependencies';
import { CannotOpen } from '../connector-failures';
import { configOf, findConnector } from '../open-connector';
import { findAllowedApp, openTokenEndpoint } from './oauth-endpoint';
import { signsInAsDefined } from './signs-in-as-defined';

export interface OAuthConsentActivities {
  exchangeCode(input: OAuthConsentInput): Promise<OAuthConsentResult>;
}

type Dependencies = Pick<ActivityDependencies, 'database' | 'oauth' | 'log'>;

const EXCHANGE_MS = 20_000;
const ATTEMPTS_TO_OPEN = 4;

export const createOAuthConsentActivities = ({
  database,
  oauth,
  log,
}: Dependencies): OAuthConsentActivities => ({
  async exchangeCode(input) {
    const { tenantId, integrationId, consentId } = input;
    const { cancellationSignal, info } = Context.current();
    const signal = AbortSignal.any([cancellationSignal, AbortSignal.timeout(EXCHANGE_MS)]);
    const exchange = new Exchange({ database, oauth }, input, signal);
    const result = await exchange.run().catch((error: unknown) => {
      // The code is still unspent, and another worker may have the connector.
      if (error instanceof CannotOpen && info.attempt < ATTEMPTS_TO_OPEN) throw error;
      if (error instanceof ConnectorError) return failedBy(error);
      log.error({ err: error, integration_id: typeIdOf('int', integrationId) }, 'consent failed');
      return failed('internal', 'The exchange failed inside Syncline; the log of the worker says why.');
    });
    await database.withTenant(tenantId, (work) => saveConsentResult(work, { consentId, result }));
    if (result.ok && result.accounts !== undefined && result.account_id === null)
      return { ok: false, kind: 'account_needed' };
    return { ok: result.ok, kind: result.kind };
  },
});

interface Ready {
  integration: Integration;
  connector: Connector;
  config: unknown;
  settings: OAuthSettings;
  app: OAuthApp;
  /** The account that was connected before, as far as it is known. */
  accountBefore: string | null;
  isProved: boolean;
  createdBy: string;
}

class Exchange {
  readonly #connectionId = newUuid();

  constructor(
    private readonly dependencies: Pick<Dependencies, 'database' | 'oauth'>,
    private readonly input: OAuthConsentInput,
    private readonly signal: AbortSignal,
  ) {}

  /** Spends the code only once everything is there that the exchange needs. */
  async run(): Promise<ConsentResult> {
    const { database, oauth } = this.dependencies;
    const ready = await this.#inTenant((work) => this.#prepare(work));
    if ('kind' in ready) return ready;
    const endpoint = await openTokenEndpoint(
      { database, encryption: oauth.encryption },
      ready.settings,
      ready.app,
    );
    const http = oauth.createHttpClient({
      hosts: ready.connector.hosts(ready.config),
      signal: this.signal,
      owner: this.input,
    });
    const spent = await this.#inTenant((work) => spendConsent(work, oauth.encryption, this.input));
    return spent === undefined ? EXPIRED : this.#exchange(ready, spent, { endpoint, http });
  }

  async #exchange(
    ready: Ready,
    { consent, code, verifier }: SpentConsent,
    { endpoint, http }: { endpoint: TokenEndpoint; http: HttpClient },
  ): Promise<ConsentResult> {
    const sentAt = performance.now();
    const answer = await exchangeCode(http, endpoint, {
      code,
      verifier: ready.settings.pkce === 'none' ? null : verifier,
      redirectUri: consent.redirectUri,
      iss: consent.iss,
    });
    if (answer.kind === 'failed') return failedBy(answer.error);
    if (answer.kind === 'refused')
      return failed('refused', `The provider refuses the consent: ${answer.words}. Start to connect again.`);
    const sentMsAgo = performance.now() - sentAt;
    const missing = missingScopes(ready.settings.scopes, answer.tokens.scopes);
    const { accounts: pickable } = ready.settings;
    if (pickable !== undefined)
      return this.#offerAccounts(
        ready,
        () => readPickableAccounts(http, ready.settings, pickable, answer.tokens),
        {
          keep: () => this.#inTenant((work) => this.#keep(work, ready, answer.tokens, sentMsAgo)),
          store: () => this.#inTenant((work) => this.#store(work, ready, answer.tokens, sentMsAgo)),
        },
        missing,
      );
    const readAccount = () => readConsentingAccount(http, ready.settings, answer.tokens);
    // Nobody else has tokens of a first consent, so they are stored at once.
    if (ready.accountBefore === null || consent.mayChangeAccount) {
      await this.#inTenant((work) => this.#store(work, ready, answer.tokens, sentMsAgo));
      const account = await readAccount();
      await this.#inTenant((work) => nameAccount(work, this.#connection(), account));
      return connected(account, missing);
    }
    const account = await readAccount();
    if (account.accountId !== null && account.accountId !== ready.accountBefore)
      return failed(
        'other_account',
        `The consent is of another account (${account.accountName ?? account.accountId}) than the connected ` +
          'one. Sign in at the provider with the account that was connected before.',
      );
    await this.#inTenant((work) => this.#store(work, ready, answer.tokens, sentMsAgo, account));
    return connected(account, missing);
  }

  /**
   * The account of before is picked again. Without one, the person picks; before that nothing may use the
   * tokens, because calls would name no account, or the wrong one.
   */
  async #offerAccounts(
    { accountBefore }: Ready,
    readAccounts: () => Promise<PickableAccount[]>,
    { keep, store }: { keep: () => Promise<void>; store: () => Promise<void> },
    missing: string[],
  ): Promise<ConsentResult> {
    if (accountBefore === null) {
      // No other process has these tokens.
      await keep();
      const accounts = await readAccounts();
      return { ...connected({ accountId: null, accountName: null }, missing), accounts };
    }
    const accounts = await readAccounts();
    const known = accounts.find(({ id }) => id === accountBefore);
    if (known === undefined)
      return failed(
        'other_account',
        'The person who agreed has no access to the account that was connected before. Sign in at the provider ' +
          'with a person who has.',
      );
    await store();
    const account = { accountId: known.id, accountName: known.name };
    await this.#inTenant((work) => nameAccount(work, this.#connection(), account));
    return connected(account, missing);
  }

  #connection() {
    return { integrationId: this.input.integrationId, connectionId: this.#connectionId };
  }

  #inTenant<T>(work: (work: TenantWork) => Promise<T>): Promise<T> {
    return this.dependencies.database.withTenant(this.input.tenantId, work);
  }

  async #prepare(work: TenantWork): Promise<Ready | ConsentResult> {
    const { integrationId } = this.input;
    const { oauth } = this.dependencies;
    const consent = await findConsent(work, this.input);
    if (consent?.integrationId !== integrationId || consent.usedAt !== null || consent.expiresAt <= work.now)
      return EXPIRED;
    const integration = await findIntegration(work, { integrationId });
    if (integration === undefined) return failed('refused', 'The integration was deleted.');
    const connector = findConnector(oauth.connectors, integration.connector);
    const config = configOf(connector, integration.config);
    const settings = connector.oauth?.(config);
    const auth = (integration.config as { auth?: JsonObject }).auth ?? {};
    if (settings === undefined || canonicalJson(auth) !== canonicalJson(consent.auth))
      return failed('refused', 'The settings of the sign-in were changed meanwhile. Start to connect again.');
    const app = await findAllowedApp(work, settings, originsOf(connector, config));
    const before = await findAccount(work, oauth.encryption, { integrationId });
    const isProved = await signsInAsDefined(work, integration, connector);
    const accountBefore = before?.accountId ?? null;
    const { createdBy } = consent;
    return { integration, connector, config, settings, app, accountBefore, isProved, createdBy };
  }

  /** The tokens, which are used when the credentials name them. */
  async #keep(
    work: TenantWork,
    { integration, settings, app, isProved, createdBy }: Ready,
    { accessToken, refreshToken, expiresInSeconds, scopes }: IssuedTokens,
    sentMsAgo: number,
    account: ConsentingAccount = { accountId: null, accountName: null },
  ): Promise<void> {
    const { integrationId } = integration;
    // One that was deleted meanwhile has forgotten its tokens.
    if ((await lockIntegration(work, { integrationId })) === undefined)
      throw new Unauthorized('The integration was deleted.');
    const times = tokenTimes(
      { expiresInSeconds, hasRefreshToken: refreshToken !== null },
      { now: work.now, sentMsAgo, refreshAheadSeconds: settings.refreshAheadSeconds },
    );
    await connectAccount(work, this.dependencies.oauth.encryption, {
      ...this.#connection(),
      ...account,
      isProved,
      appTenantId: app.tenantId,
      oauthAppId: app.oauthAppId,
      accessToken,
      refreshToken,
      ...times,
      scopes: scopes ?? settings.scopes.join(' '),
      connectedBy: createdBy,
    });
  }

  async #store(
    work: TenantWork,
    ready: Ready,
    tokens: IssuedTokens,
    sentMsAgo: number,
    account?: ConsentingAccount,
  ): Promise<void> {
    await this.#keep(work, ready, tokens, sentMsAgo, account);
    const { integration, connector, config } = ready;
    const { integrationId } = integration;
    const { encryption } = this.dependencies.oauth;
    const encryptedCredentials = await sealCredentials(work, encryption, integrationId, {
      credentials: { [ACCOUNT_CREDENTIAL]: this.#connectionId },
      origins: originsOf(connector, config),
    });
    await replaceCredentials(work, { integrationId, encryptedCredentials });
  }
}

const connected = ({ accountId, accountName }: ConsentingAccount, missing: string[]): ConsentResult => ({
  ok: true,
  kind: null,
  message:
    (accountName === null ? 'The account is connected.' : `The account ${accountName} is connected.`) +
    missingScopesWords(missing),
  account_id: accountId,
  account_name: accountName,
  missing_scopes: missing,
});

const failed = (kind: NonNullable<ConsentResult['kind']>, message: string): ConsentResult => ({
  ok: false,
  kind,
  message,
});

const EXPIRED = failed('expired', 'This consent has expired or was used before. Start to connect again.');

const failedBy = (error: ConnectorError): ConsentResult =>
  failed(
    error instanceof Unauthorized ? 'refused' : 'unavailable',
    `${error.message} Start to connect again.`,
  );
