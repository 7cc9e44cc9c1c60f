/**
 * The connector's HTTP client behind the rate limiter of its integration (rules.md 34). A request waits for
 * its permit if the wait is short; otherwise the caller gets the time to continue at, which is no failure.
 */
import type { HttpClient, HttpRequest, HttpResponse } from '../../connectors/connector';
import { RateLimited, Unavailable } from '../../connectors/errors';
import { NoRoom } from '../../connectors/page-memory';
import { databaseNowMs } from '../../db/sql/ids';
import type { RequestPriority } from '../../domain/rate-limit/rate-limiter';
import { quotaOf } from '../../domain/rate-limit/quota-headers';
import { asksToSlowDown, requestedWaitMs } from '../../domain/rate-limit/slow-down';
import { rateLimitDelayMs } from '../../domain/retry';
import type { RateLimitPermits } from './rate-limit-permits';

/** A request waits at most this long for a permit; the workflow does longer waits. */
const WAIT_IN_PLACE_MS = 5_000;
/** Until answers of this tenant are asked for again, if there was no room. */
const NO_ROOM_MS = 5_000;

/**
 * Syncline's own rate limiter postpones the request; nothing was sent. Connectors treat the error as
 * `RateLimited` (they start no further calls), and a push waits for it. The third party did not send it, so a
 * run only waits for the rate limiter, and the integration is not marked as rate limited.
 */
export class RateLimitExhausted extends RateLimited {
  constructor(
    /** By the database's clock. */
    readonly retryAt: Date,
    retryAfterMs: number,
  ) {
    super('Syncline holds requests back so that the third party is not overloaded.', retryAfterMs);
  }
}

export interface RateLimitOptions {
  budget: RateLimitPermits;
  priority: RequestPriority;
  /** Aborted: the request stops waiting. */
  signal: AbortSignal;
}

export function rateLimitedHttp(
  http: HttpClient,
  { budget, priority, signal }: RateLimitOptions,
): HttpClient {
  return {
    async send(request: HttpRequest): Promise<HttpResponse> {
      const giveUpAtMs = Date.now() + WAIT_IN_PLACE_MS;
      for (let wait = await budget.take(priority); wait !== null; wait = await budget.take(priority)) {
        if (Date.now() + wait.ms > giveUpAtMs) throw new RateLimitExhausted(wait.retryAt, wait.ms);
        await pause(wait.ms, signal);
      }
      if (signal.aborted) throw stopped();
      const response = await http.send(request).catch((error: unknown) => {
        const isFull = error instanceof Unavailable && error.cause instanceof NoRoom;
        throw isFull && isRead(request)
          ? new RateLimitExhausted(new Date(databaseNowMs() + NO_ROOM_MS), NO_ROOM_MS)
          : error;
      });
      const isSlowedDown = asksToSlowDown(response);
      await budget.note({
        isSlowedDown,
        quota: quotaOf(response.headers, databaseNowMs()),
        pauseMs: isSlowedDown
          ? (requestedWaitMs(response.headers, databaseNowMs()) ?? rateLimitDelayMs(null))
          : null,
      });
      return response;
    },
  };
}

/** Its answer was dropped, so it can only be sent again if the third party changed nothing. */
const isRead = ({ method, responseBytesMax }: HttpRequest): boolean =>
  method === 'GET' || method === 'HEAD' || responseBytesMax !== undefined;

/** Throws Unavailable if the signal is aborted meanwhile. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(stopped());
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop);
      resolve();
    }, ms);
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
  });
}

const stopped = (): Unavailable => new Unavailable('Nothing was sent: the worker stops.');
