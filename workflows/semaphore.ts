/** Limits how many branches of a workflow are active at the same time. */
import { condition } from '@temporalio/workflow';

export class Semaphore {
  /**
   * @param isInterrupted if true, `acquire` no longer waits: the workflow is about to continue in a new
   * history.
   */
  constructor(
    private permits: number,
    private readonly isInterrupted: () => boolean,
  ) {}

  async acquire(): Promise<void> {
    while (this.permits === 0 && !this.isInterrupted())
      await condition(() => this.permits > 0 || this.isInterrupted());
    this.permits -= 1;
  }

  release(): void {
    this.permits += 1;
  }
}
