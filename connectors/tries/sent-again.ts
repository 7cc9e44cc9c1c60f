/** Sends a request once more that was refused for the rate of requests, after the wait that is asked for. */
import { setTimeout } from 'node:timers/promises';
import { asksToSlowDown, requestedWaitMs } from '../../domain/rate-limit/slow-down';
import { clockMs } from '../clock';
import type { HttpClient } from '../connector';

/** @param msLeft how long a wait may be; a longer one is left to the caller */
export function sentAgain(http: HttpClient, signal: AbortSignal, msLeft: () => number): HttpClient {
  return {
    send: async (request) => {
      const response = await http.send(request);
      if (!asksToSlowDown(response)) return response;
      const waitMs = requestedWaitMs(response.headers, clockMs());
      if (waitMs === null || waitMs > msLeft()) return response;
      await setTimeout(waitMs, undefined, { signal }).catch(() => undefined);
      return signal.aborted ? response : http.send(request);
    },
  };
}
