/**
 * The permits that this process holds from the shared rate limiter. One database call grants permits for a
 * few seconds of requests of a priority. Response counts are reported with the next call, a slow-down at
 * once.
 */
import type { Database } from '../../db/database';
import { recordRateLimitUsage, type RequestsTaken, takePermits } from '../../db/integrations/rate-limits';
import {
  PERMITS_TTL_MS,
  type ResponseCounts,
  type RequestPriority,
} from '../../domain/rate-limit/rate-limiter';
import { isLow, type Quota } from '../../domain/rate-limit/quota-headers';

/** The permits of one integration in this process. */
export interface RateLimitPermits {
  /** Takes one request: null, or when to ask again. */
  take(priority: RequestPriority): Promise<Wait | null>;
  /** Records one response. */
  note(answer: NotedResponse): Promise<void>;
}

interface NotedResponse {
  isSlowedDown: boolean;
  quota: Quota | null;
  /** Its Retry-After, if it asks to slow down. */
  pauseMs: number | null;
}

interface Wait {
  /** By the database's clock. */
  retryAt: Date;
  ms: number;
}

export interface RateLimitPermitsOptions {
  database: Pick<Database, 'withTenant'>;
  /**
   * Called when the database does not answer. Work continues at a low rate: the third party has its own
   * limits.
   */
  onTrouble(error: unknown): void;
}

interface Grant {
  left: number;
  goodUntilMs: number;
  /** Requests that wait for the response of the database. */
  wanting: number;
  asking: Promise<Wait | null> | undefined;
}

const PERMITTED_INTEGRATIONS_MAX = 5_000;
/** Older counts are dropped, because they describe another period. */
const COUNT_OUTDATED_MS = 5_000;
const WITHOUT_RATE_LIMIT = 5;
/** Timers may fire a fraction of a millisecond early; the minimum avoids a busy loop. */
const WAIT_MS_MIN = 2;

/** One per process, so that all activities share its permits. */
export function createRateLimitPermits(
  parts: RateLimitPermitsOptions,
): (tenantId: string, integrationId: string) => RateLimitPermits {
  const known = new Map<string, RateLimitPermits>();
  return (tenantId, integrationId) => {
    const grants = known.get(integrationId) ?? new PermitsOfIntegration(parts, tenantId, integrationId);
    // The old grants expire, and new ones are requested.
    if (known.size >= PERMITTED_INTEGRATIONS_MAX) known.clear();
    known.set(integrationId, grants);
    return grants;
  };
}

class PermitsOfIntegration implements RateLimitPermits {
  readonly #grants = new Map<RequestPriority, Grant>();
  #counted = { requests: 0, slowedDown: 0, atMs: 0 };
  #quota: { reported: Quota; atMs: number } | undefined;
  #isLow = false;
  /** How often the third party asked this process to slow down. */
  #slowDowns = 0;

  constructor(
    private readonly parts: RateLimitPermitsOptions,
    private readonly tenantId: string,
    private readonly integrationId: string,
  ) {}

  async take(priority: RequestPriority): Promise<Wait | null> {
    const grant = this.#grants.get(priority) ?? { left: 0, goodUntilMs: 0, wanting: 0, asking: undefined };
    this.#grants.set(priority, grant);
    grant.wanting += 1;
    try {
      for (;;) {
        if (grant.left >= 1 && Date.now() < grant.goodUntilMs) {
          grant.left -= 1;
          return null;
        }
        grant.asking ??= this.#ask(priority, grant).finally(() => (grant.asking = undefined));
        const wait = await grant.asking;
        if (wait !== null) return wait;
      }
    } finally {
      grant.wanting -= 1;
    }
  }

  async note({ isSlowedDown, quota, pauseMs }: NotedResponse): Promise<void> {
    const isOutdated = Date.now() - this.#counted.atMs > COUNT_OUTDATED_MS;
    const { requests, slowedDown } = isOutdated ? { requests: 0, slowedDown: 0 } : this.#counted;
    this.#counted = {
      requests: requests + 1,
      slowedDown: slowedDown + Number(isSlowedDown),
      atMs: Date.now(),
    };
    const wasLow = this.#isLow;
    if (quota !== null) {
      this.#quota = { reported: quota, atMs: Date.now() };
      this.#isLow = isLow(quota);
    }
    if (isSlowedDown) this.#slowDowns += 1;
    // Earlier grants did not take this response into account.
    if (isSlowedDown || (this.#isLow && !wasLow)) for (const grant of this.#grants.values()) grant.left = 0;
    if (!isSlowedDown) return;
    const answers = this.#collect(pauseMs);
    if (answers === undefined) return;
    const report = this.parts.database.withTenant(this.tenantId, (work) =>
      recordRateLimitUsage(work, { integrationId: this.integrationId, ...answers }),
    );
    await report.catch((error: unknown) => this.parts.onTrouble(error));
  }

  async #ask(priority: RequestPriority, grant: Grant): Promise<Wait | null> {
    // Includes the requests that start to wait in this same instant.
    await new Promise((resolve) => setImmediate(resolve));
    const answers = this.#collect();
    const slowDowns = this.#slowDowns;
    try {
      const { taken, now } = await this.parts.database.withTenant(this.tenantId, async (work) => ({
        taken: await takePermits(work, {
          integrationId: this.integrationId,
          priority,
          wanted: Math.max(grant.wanting, 1),
          answers,
        }),
        now: work.now,
      }));
      // Granted before the third party asked to slow down: the caller asks again.
      if (taken.retryAt === null && this.#slowDowns !== slowDowns) return null;
      return this.#hold(grant, taken, now);
    } catch (error) {
      this.parts.onTrouble(error);
      return this.#hold(
        grant,
        { granted: Math.max(grant.wanting, WITHOUT_RATE_LIMIT), retryAt: null },
        new Date(),
      );
    }
  }

  #hold(grant: Grant, { granted, retryAt }: RequestsTaken, now: Date): Wait | null {
    if (retryAt !== null) return { retryAt, ms: Math.max(retryAt.getTime() - now.getTime(), WAIT_MS_MIN) };
    grant.left = granted;
    grant.goodUntilMs = Date.now() + PERMITS_TTL_MS;
    return null;
  }

  /** Returns the counts that have not been reported, and resets them. */
  #collect(pauseMs: number | null = null): ResponseCounts | undefined {
    const { requests, slowedDown, atMs } = this.#counted;
    const quota = this.#quota;
    if (requests === 0) return undefined;
    this.#counted = { requests: 0, slowedDown: 0, atMs: 0 };
    this.#quota = undefined;
    const isOutdated = Date.now() - atMs > COUNT_OUTDATED_MS;
    return {
      ...(isOutdated ? { requests: 0, slowedDown: 0 } : { requests, slowedDown }),
      quota: quota === undefined ? null : aged(quota),
      pauseMs,
    };
  }
}

/**
 * A quota that was reported earlier: its reset is nearer by now. null if it is outdated or has been reset.
 */
function aged({ reported, atMs }: { reported: Quota; atMs: number }): Quota | null {
  const ageMs = Date.now() - atMs;
  if (reported.resetsInMs === null) return ageMs > 60_000 ? null : reported;
  return ageMs >= reported.resetsInMs ? null : { ...reported, resetsInMs: reported.resetsInMs - ageMs };
}
