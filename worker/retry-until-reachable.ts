/** Waiting for a dependency at the start of the worker. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { whyTemporalRefuses } from '../contract/temporal-refusal';
import { EncryptionError } from '../db/platform/encryption-keys';

const RETRY_MS = 2_000;

/**
 * Retries until the dependency is reachable, to avoid a crash loop at start-up. Configuration errors are
 * thrown. A refusal is retried too, because it can be corrected at the other side.
 */
export async function retryUntilReachable<T>(
  what: 'database' | 'Temporal',
  log: Logger,
  attempt: () => Promise<T>,
): Promise<T> {
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (error instanceof EncryptionError) throw error;
      const refusal = what === 'Temporal' ? whyTemporalRefuses(error) : undefined;
      if (refusal === undefined) log.warn({ err: error }, `${what} is not reachable yet; retrying in 2 s`);
      else log.error({ err: error }, `Temporal refuses this worker; retrying in 2 s. ${refusal}`);
      await sleep(RETRY_MS);
    }
  }
}
