/**
 * The memory of answers that this process holds at the same time, in all and per tenant. An answer that finds
 * no room waits, which slows its server down, and is asked for again later (rule 60).
 */
import { NoRoom } from '../../connectors/page-memory';
import { Capacities, Capacity } from './capacity';

const WAIT_MS = 25_000;
/** Taken at once. What is below is not counted: the number of calls bounds it. */
const STEP_BYTES = 1024 * 1024;
const UNCOUNTED_BYTES = 64 * 1024;
/** An empty object, with its place in a list. */
const BYTES_PER_VALUE = 64;

/** Of a parsed answer and its text. */
export const parsedBytes = (textLength: number, values: number): number =>
  2 * textLength + values * BYTES_PER_VALUE;

/** One per process. */
export class AnswerMemory {
  readonly tenantBytesMax: number;
  readonly ofProcess: Capacity;
  readonly ofTenants: Capacities;

  constructor(readonly processBytesMax: number) {
    this.tenantBytesMax = processBytesMax / 4;
    this.ofProcess = new Capacity(processBytesMax);
    this.ofTenants = new Capacities(this.tenantBytesMax);
  }
}

export class BytesUnderWay {
  #held = 0;

  constructor(
    private readonly memory: AnswerMemory,
    private readonly tenantId: string,
  ) {}

  /** Waits until the answer may have this size. @throws NoRoom, or the reason of the signal. */
  async grow(byteCount: number, signal: AbortSignal): Promise<void> {
    const wanted = Math.min(byteCount, this.memory.tenantBytesMax);
    if (wanted <= UNCOUNTED_BYTES || wanted <= this.#held) return;
    const { ofProcess, ofTenants, tenantBytesMax } = this.memory;
    const steps = Math.ceil((wanted - this.#held) / STEP_BYTES) * STEP_BYTES;
    const missing = Math.min(steps, tenantBytesMax - this.#held);
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
    this.memory.ofTenants.release(this.tenantId, this.#held);
    this.memory.ofProcess.release(this.#held);
    this.#held = 0;
  }
}
