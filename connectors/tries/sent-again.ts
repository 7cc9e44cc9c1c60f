/** Sends a request once more that was refused for the rate of requests, after the wait that is asked for. */
import { setTimeout } from 'node:timers/promises';
import { parseRetryAfter } from '../../domain/rate-limit/retry-after';
import { clockMs } from '../clock';
import type { HttpClient } from '../connector';

/** @param msLeft how long a wait may be; a longer one is left to the caller */
export function sentAgain(http: HttpClient, signal: AbortSignal, msLeft: () => number): HttpClient {
  return {
    send: async (request) => {
      const response = await http.send(request);
      if (response.status !== 429 && response.status !== 503) return response;
      const waitMs = parseRetryAfter(response.headers['retry-after'], clockMs());
      if (waitMs === null || waitMs > msLeft()) return response;
      await setTimeout(waitMs, undefined, { signal }).catch(() => undefined);
      return signal.aborted ? response : http.send(request);
    },
  };
}
