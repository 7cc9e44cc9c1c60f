/**
 * The memory of the answers that a page was made of: counted until the page was stored, not only until the
 * answers were parsed (rule 60).
 */
import { AsyncLocalStorage } from 'node:async_hooks';

const current = new AsyncLocalStorage<PageMemory>();

/** There is no room for a further answer at the moment. */
export class NoRoom extends Error {
  constructor() {
    super('Syncline is reading too many large answers at the moment.');
  }
}

export class PageMemory {
  #release: () => void = () => undefined;
  #isOver = false;

  /** The memory of the page that is being read; undefined outside of `reading`. */
  static get current(): PageMemory | undefined {
    return current.getStore();
  }

  /** The list that arrives during the work is held. */
  reading<T>(work: () => Promise<T>): Promise<T> {
    return current.run(this, work);
  }

  hold(release: () => void): void {
    this.release();
    if (this.#isOver) release();
    else this.#release = release;
  }

  /** Before a further list: a page consists of the last one. A page must not wait for itself. */
  release(): void {
    this.#release();
    this.#release = () => undefined;
  }

  end(): void {
    this.#isOver = true;
    this.release();
  }
}
