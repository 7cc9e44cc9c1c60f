/**
 * Access tokens of a connected account. They are read from its row, kept in this process for a moment, and
 * refreshed before they expire (refresh-account.ts).
 */
import type { AccessToken, AccessTokens } from '../../../connectors/connector';
import { Unauthorized, Unavailable } from '../../../connectors/errors';
import { findAccount, type OAuthAccount } from '../../../db/integrations/oauth/accounts';
import { toTypeId } from '../../../db/sql/ids';
import type { Origins } from '../../../domain/credential-origins';
import type { OAuthSettings } from '../../../domain/oauth/authorization';
import { pause } from '../rate-limited-http';
import { findAllowedApp, type OpenHttp, openTokenEndpoint } from './oauth-endpoint';
import { connectAgain, REFRESH_TIMES, refreshAccount, type RefreshOptions } from './refresh-account';

const CACHED_MS = 30_000;
const CACHED_MAX = 5_000;
/** A token that is about to expire is not sent. */
const EXPIRY_MARGIN_MS = 5_000;
const WAIT_MS = 150;
/** Longer than a lease of a worker that died. */
const WAITS_MAX_MS = 25_000;
/** The third party has refused a token that is so new: another one would be refused, too. */
const FRESH_MS = 10_000;

export interface ConnectedAccount {
  tenantId: string;
  integrationId: string;
  /** By the credentials; undefined = no account was connected. */
  connectionId: string | undefined;
  settings: OAuthSettings;
  origins: Origins;
  http: OpenHttp;
  signal: AbortSignal;
}

interface Known {
  token: AccessToken;
  /** By performance.now(). */
  until: number;
}

interface FoundAccount {
  account: OAuthAccount;
  /** By the database's clock. */
  now: Date;
  isDue: boolean;
  isUsable: boolean;
  isFresh: boolean;
}

/** One per process. */
export function createAccountTokens(options: RefreshOptions): (account: ConnectedAccount) => AccessTokens {
  const known = new Map<string, Known>();
  const refreshing = new Map<string, Promise<AccessToken>>();
  return (account) => new AccountTokens(options, account, known, refreshing);
}

class AccountTokens implements AccessTokens {
  readonly #key: string;
  /** Also one that was refused: the answer may quote it. */
  readonly #handedOut = new Set<string>();

  constructor(
    private readonly options: RefreshOptions,
    private readonly connected: ConnectedAccount,
    private readonly cache: Map<string, Known>,
    private readonly refreshing: Map<string, Promise<AccessToken>>,
  ) {
    this.#key = `${connected.integrationId} ${connected.connectionId ?? ''}`;
  }

  known(): string[] {
    const cached = this.cache.get(this.#key);
    return [...this.#handedOut, ...(cached === undefined ? [] : [cached.token.value])];
  }

  async current(): Promise<AccessToken> {
    return this.#handOut(await this.#current());
  }

  async renew(refused: AccessToken): Promise<AccessToken | undefined> {
    const renewed = await this.#renew(refused);
    return renewed && this.#handOut(renewed);
  }

  #handOut(token: AccessToken): AccessToken {
    this.#handedOut.add(token.value);
    return token;
  }

  async #current(): Promise<AccessToken> {
    const cached = this.cache.get(this.#key);
    if (cached !== undefined && cached.until > performance.now()) return cached.token;
    const found = await this.#read();
    if (!found.isDue && found.isUsable) return this.#keep(found);
    return this.#shared(found);
  }

  async #renew(refused: AccessToken): Promise<AccessToken | undefined> {
    this.cache.delete(this.#key);
    const found = await this.#read();
    if (found.account.generation > refused.generation) return this.#keep(found);
    if (found.isFresh || !found.account.hasRefreshToken) return undefined;
    return this.#shared({ ...found, isDue: true, isUsable: false });
  }

  /** Callers in this process share one refresh. */
  #shared(found: FoundAccount): Promise<AccessToken> {
    const under = this.refreshing.get(this.#key);
    if (under !== undefined) return under;
    const refresh = this.#refresh(found).finally(() => this.refreshing.delete(this.#key));
    this.refreshing.set(this.#key, refresh);
    return refresh;
  }

  /** A token that can still be used hides a refresh that fails or that another worker does. */
  async #refresh(before: FoundAccount): Promise<AccessToken> {
    const { options, connected } = this;
    const { isUsable } = before;
    let { account } = before;
    if (!account.hasRefreshToken)
      throw connectAgain('it gave no refresh token, and the access token has expired');
    const { callMs } = options.times ?? REFRESH_TIMES;
    const giveUpAt = performance.now() + WAITS_MAX_MS;
    for (;;) {
      if (connected.signal.aborted) throw new Unavailable('Nothing was sent: the worker stops.');
      // A refresh that was sent is not broken off with the work that needs it: its answer would be lost.
      const refreshed = await refreshAccount(options, connected.tenantId, account, connected.settings, () =>
        this.#open(AbortSignal.timeout(callMs)),
      );
      if (refreshed.kind === 'failed') {
        if (isUsable && !(refreshed.error instanceof Unauthorized)) return this.#keep(before);
        throw refreshed.error;
      }
      if (refreshed.kind === 'held') {
        if (isUsable) return this.#keep(before);
        await pause(WAIT_MS, connected.signal);
      }
      const found = await this.#read();
      if (found.account.generation > before.account.generation) return this.#keep(found);
      if (performance.now() > giveUpAt)
        throw new Unavailable('Another worker refreshes the access token and has not finished.');
      account = found.account;
    }
  }

  async #open(signal: AbortSignal) {
    const { tenantId, settings, origins, http } = this.connected;
    const app = await this.options.database.withTenant(tenantId, (work) =>
      findAllowedApp(work, settings, origins),
    );
    return { endpoint: await openTokenEndpoint(this.options, settings, app), http: http(signal) };
  }

  /** Throws Unauthorized if a person has to connect an account. */
  async #read(): Promise<FoundAccount> {
    const { tenantId, integrationId, connectionId, settings, origins } = this.connected;
    return this.options.database.withTenant(tenantId, async (work) => {
      const account = await findAccount(work, this.options.encryption, { integrationId });
      if (account === undefined || connectionId === undefined || account.connectionId !== connectionId)
        throw new Unauthorized('No account is connected. Connect an account of the third party.');
      if (toTypeId('oap', account.oauthAppId) !== settings.appId)
        throw new Unauthorized('The account was connected by another OAuth app. Connect the account again.');
      await findAllowedApp(work, settings, origins);
      if (account.refusedAt !== null) throw connectAgain(account.refusedReason ?? 'refused');
      const isAfter = (at: Date | null, marginMs = 0): boolean =>
        at === null || at.getTime() > work.now.getTime() + marginMs;
      // A tenth of a short lifetime.
      const lifetimeMs = (account.accessExpiresAt?.getTime() ?? Infinity) - account.refreshedAt.getTime();
      const marginMs = Math.min(EXPIRY_MARGIN_MS, lifetimeMs / 10);
      return {
        account,
        now: work.now,
        isDue: !isAfter(account.refreshDueAt),
        isUsable: isAfter(account.accessExpiresAt, marginMs),
        isFresh: work.now.getTime() - account.refreshedAt.getTime() < FRESH_MS,
      };
    });
  }

  /** The cache ends by this process's own clock, whatever its difference to the database's. */
  #keep({ account, now }: FoundAccount): AccessToken {
    const { accessToken, generation, accessExpiresAt, refreshDueAt } = account;
    const token = { value: accessToken, generation };
    const endsAt = Math.min(...[accessExpiresAt, refreshDueAt].map((at) => at?.getTime() ?? Infinity));
    const leftMs = Math.min(CACHED_MS, endsAt - now.getTime());
    if (this.cache.size >= CACHED_MAX) this.cache.clear();
    this.cache.set(this.#key, { token, until: performance.now() + leftMs });
    return token;
  }
}
