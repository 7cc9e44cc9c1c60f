/**
 * The memory of answers that this process holds at the same time, in all and per tenant. An answer that finds
 * no room waits, which slows its server down, and is asked for again later (rule 60). Each part is taken at
 * once, and that of the text before that of the parsed answer, so answers never wait for each other.
 */
import { NoRoom } from '../../connectors/page-memory';
import { Capacities, Capacity } from '../../domain/capacity';

const WAIT_MS = 25_000;
/** What is below is not counted: the number of calls bounds it. */
export const UNCOUNTED_BYTES = 64 * 1024;
/** An empty object, with its place in a list. */
const BYTES_PER_VALUE = 64;

/** Of a parsed answer and its text. */
export const parsedBytes = (textLength: number, values: number): number =>
  2 * textLength + values * BYTES_PER_VALUE;

/** One kind of memory. A tenant has a quarter of it. */
export class MemoryShare {
  readonly tenantBytesMax: number;
  readonly #ofProcess: Capacity;
  readonly #ofTenants: Capacities;

  constructor(bytesMax: number) {
    this.tenantBytesMax = bytesMax / 4;
    this.#ofProcess = new Capacity(bytesMax);
    this.#ofTenants = new Capacities(this.tenantBytesMax);
  }

  /** Waits for room. @returns the release. @throws NoRoom */
  async take(tenantId: string, byteCount: number, signal: AbortSignal): Promise<() => void> {
    if (byteCount <= UNCOUNTED_BYTES) return () => undefined;
    const amount = Math.min(byteCount, this.tenantBytesMax);
    const patience = new AbortController();
    // Also if the time of the call ends meanwhile: the wait is Syncline's, not the third party's.
    const giveUp = () => patience.abort(new NoRoom());
    const timer = setTimeout(giveUp, WAIT_MS);
    signal.addEventListener('abort', giveUp, { once: true });
    try {
      await this.#ofTenants.take(tenantId, amount, patience.signal);
      try {
        await this.#ofProcess.take(amount, patience.signal);
      } catch (error) {
        this.#ofTenants.release(tenantId, amount);
        throw error;
      }
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', giveUp);
    }
    return () => {
      this.#ofTenants.release(tenantId, amount);
      this.#ofProcess.release(amount);
    };
  }
}

/** One per process. */
export class AnswerMemory {
  readonly texts: MemoryShare;
  readonly parsed: MemoryShare;

  constructor(bytesMax: number) {
    this.texts = new MemoryShare(bytesMax / 4);
    this.parsed = new MemoryShare((bytesMax / 4) * 3);
  }
}

/** The memory of one answer. */
export class BytesUnderWay {
  #text: (() => void) | undefined;
  #parsed: (() => void) | undefined;

  constructor(
    private readonly memory: AnswerMemory,
    private readonly tenantId: string,
    private readonly signal: AbortSignal,
  ) {}

  /** The first call counts: it names the size that the text may have. */
  async takeText(byteCount: number): Promise<void> {
    this.#text ??= await this.memory.texts.take(this.tenantId, byteCount, this.signal);
  }

  async takeParsed(byteCount: number): Promise<void> {
    this.#parsed ??= await this.memory.parsed.take(this.tenantId, byteCount, this.signal);
  }

  releaseText(): void {
    this.#text?.();
    this.#text = undefined;
  }

  release(): void {
    this.releaseText();
    this.#parsed?.();
    this.#parsed = undefined;
  }
}
