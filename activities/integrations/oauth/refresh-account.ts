/**
 * One refresh by the worker that holds the lease (decision 0030). `invalid_grant` is believed only if the row
 * has not moved meanwhile, no other worker can still get an answer to the same token, and the previous token,
 * where an answer was lost, is refused, too.
 */
import type { ConnectorError } from '../../../connectors/errors';
import { RateLimited, Unauthorized, Unavailable } from '../../../connectors/errors';
import type { HttpClient } from '../../../connectors/http';
import { type TokenAnswer, type TokenEndpoint, refreshTokens } from '../../../connectors/oauth/token-calls';
import type { Database } from '../../../db/database';
import type { AccountVersion } from '../../../db/integrations/oauth/accounts';
import {
  endFailedRefresh,
  refuseAccount,
  type RefreshLease,
  saveRefreshed,
  takeRefreshLease,
} from '../../../db/integrations/oauth/refreshes';
import type { Encryption } from '../../../db/platform/encryption';
import { newUuid } from '../../../db/sql/ids';
import type { OAuthSettings } from '../../../domain/oauth/authorization';
import { retryRefreshAt, tokenTimes } from '../../../domain/oauth/refresh-times';
import { storeSurely } from '../store-surely';

/** The lease outlives the call, so that two workers send the same token only if one of them was stopped. */
export const REFRESH_TIMES = { callMs: 10_000, leaseMs: 15_000, answersArriveMs: 60_000 };

export interface RefreshOptions {
  database: Database;
  encryption: Encryption;
  times?: typeof REFRESH_TIMES;
  /** Points at which the tests end the process. */
  at?: (point: 'leased' | 'answered' | 'stored') => void | Promise<void>;
}

export type Refreshed =
  /** The row has new tokens, of this worker or of another one. */
  { kind: 'moved' } | { kind: 'held' } | { kind: 'failed'; error: ConnectorError };

type Taken = Extract<RefreshLease, { kind: 'taken' }>;

export async function refreshAccount(
  options: RefreshOptions,
  tenantId: string,
  version: AccountVersion,
  settings: OAuthSettings,
  open: () => Promise<{ endpoint: TokenEndpoint; http: HttpClient }>,
): Promise<Refreshed> {
  const { database, encryption, times = REFRESH_TIMES } = options;
  // Before the lease: what fails here has sent nothing.
  const { endpoint, http } = await open();
  const leaseId = newUuid();
  const lease = await database.withTenant(tenantId, (work) =>
    takeRefreshLease(work, encryption, version, { leaseId, leaseMs: times.leaseMs }),
  );
  if (lease.kind !== 'taken') return lease;
  await options.at?.('leased');
  const refresh = new Refresh(options, { tenantId, version, settings, leaseId, lease });
  return refresh.run((token) => refreshTokens(http, endpoint, token));
}

interface RefreshUnderWay {
  tenantId: string;
  version: AccountVersion;
  settings: OAuthSettings;
  leaseId: string;
  lease: Taken;
}

class Refresh {
  constructor(
    private readonly options: RefreshOptions,
    private readonly underWay: RefreshUnderWay,
  ) {}

  async run(ask: (refreshToken: string) => Promise<TokenAnswer>): Promise<Refreshed> {
    const { lease } = this.underWay;
    const answer = await this.askAndKeep(ask, lease.refreshToken);
    if (answer.kind !== 'refused') return this.end(answer);
    if (lease.unansweredSince === null || lease.previousRefreshToken === null)
      return this.refuse(answer.words);
    const second = await this.askAndKeep(ask, lease.previousRefreshToken);
    return second.kind === 'refused' ? this.refuse(answer.words) : this.end(second);
  }

  private async askAndKeep(ask: (token: string) => Promise<TokenAnswer>, sent: string): Promise<TokenAnswer> {
    const sentAt = performance.now();
    const answer = await ask(sent);
    if (answer.kind === 'tokens') {
      await this.options.at?.('answered');
      await storeSurely(() => this.keep(answer, sent, performance.now() - sentAt));
      await this.options.at?.('stored');
    }
    return answer;
  }

  private keep(
    { tokens }: Extract<TokenAnswer, { kind: 'tokens' }>,
    sent: string,
    sentMsAgo: number,
  ): Promise<boolean> {
    const { tenantId, version, settings } = this.underWay;
    const { refreshAheadSeconds } = settings;
    const { accessToken, refreshToken, expiresInSeconds, scopes } = tokens;
    return this.options.database.withTenant(tenantId, (work) => {
      const times = tokenTimes(
        { expiresInSeconds, hasRefreshToken: true },
        { now: work.now, sentMsAgo, refreshAheadSeconds },
      );
      const stored = { accessToken, refreshToken, scopes, ...times };
      return saveRefreshed(work, this.options.encryption, version, sent, stored);
    });
  }

  private async end(answer: Exclude<TokenAnswer, { kind: 'refused' }>): Promise<Refreshed> {
    if (answer.kind === 'tokens') return { kind: 'moved' };
    return this.fail(answer.error, answer.isUnknown);
  }

  private async fail(error: ConnectorError, isUnknown: boolean): Promise<Refreshed> {
    const { tenantId, version, leaseId, lease } = this.underWay;
    const retryAfterMs = error instanceof RateLimited ? error.retryAfterMs : null;
    await this.options.database.withTenant(tenantId, (work) =>
      endFailedRefresh(work, version, {
        leaseId,
        isUnknown,
        unansweredSince: lease.unansweredSince,
        retryAt: retryRefreshAt(work.now, lease.failedRefreshes, retryAfterMs),
      }),
    );
    return { kind: 'failed', error };
  }

  private async refuse(words: string): Promise<Refreshed> {
    const { tenantId, version, lease } = this.underWay;
    const { database, times = REFRESH_TIMES } = this.options;
    const isDecided = await database.withTenant(tenantId, async (work) => {
      const since = lease.unansweredSince?.getTime() ?? -Infinity;
      const mayArrive = work.now.getTime() - since < times.answersArriveMs;
      return mayArrive ? undefined : refuseAccount(work, version, words);
    });
    if (isDecided === undefined)
      return this.fail(
        new Unavailable(
          'The provider refuses the refresh token, but an earlier refresh may still be answered.',
        ),
        true,
      );
    return isDecided ? { kind: 'failed', error: connectAgain(words) } : { kind: 'moved' };
  }
}

export const connectAgain = (words: string): Unauthorized =>
  new Unauthorized(
    `The provider no longer accepts this connection (${words}). The access was withdrawn, or it has expired. ` +
      'Connect the account again.',
  );
