/**
 * The bytes of answers that this process holds at the same time, in all and per tenant. An answer that finds
 * no room waits, which slows its server down, and becomes an error that is retried (rule 60).
 */
import { Capacities, Capacity } from './capacity';

export const PROCESS_BYTES_MAX = 128 * 1024 * 1024;
export const TENANT_BYTES_MAX = 48 * 1024 * 1024;
const WAIT_MS = 10_000;
/** Taken at once. What is below is not counted: the number of calls bounds it. */
const STEP_BYTES = 1024 * 1024;
const UNCOUNTED_BYTES = 64 * 1024;

export class NoRoom extends Error {
  constructor() {
    super('Syncline is reading too many large answers at the moment.');
  }
}

const ofProcess = new Capacity(PROCESS_BYTES_MAX);
const ofTenants = new Capacities(TENANT_BYTES_MAX);

export class BytesUnderWay {
  #held = 0;

  constructor(private readonly tenantId: string) {}

  /** Waits until the answer may have this size. @throws NoRoom, or the reason of the signal. */
  async grow(byteCount: number, signal: AbortSignal): Promise<void> {
    if (byteCount <= UNCOUNTED_BYTES || byteCount <= this.#held) return;
    const missing = Math.ceil((byteCount - this.#held) / STEP_BYTES) * STEP_BYTES;
    const patience = new AbortController();
    const giveUp = () => patience.abort(signal.aborted ? signal.reason : new NoRoom());
    const timer = setTimeout(giveUp, WAIT_MS);
    signal.addEventListener('abort', giveUp, { once: true });
    try {
      await ofTenants.take(this.tenantId, missing, patience.signal);
      try {
        await ofProcess.take(missing, patience.signal);
      } catch (error) {
        ofTenants.release(this.tenantId, missing);
        throw error;
      }
      this.#held += missing;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', giveUp);
    }
  }

  release(): void {
    if (this.#held === 0) return;
    ofTenants.release(this.tenantId, this.#held);
    ofProcess.release(this.#held);
    this.#held = 0;
  }
}
