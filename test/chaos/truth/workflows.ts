/** The push queue and the sync runs of integrations, as their workflows call the activities. */
import type { AdvanceSyncJobInput, StartedSyncRun, SyncRunOutcome } from '../../../contract/sync-run';
import type { ProductInProcess } from './product';

const CALLS_MAX = 50;

export class Workflows {
  constructor(
    private readonly product: ProductInProcess,
    private readonly tenantId: string,
  ) {}

  /** What the workflow of the push queue does until nothing is due. */
  async pushDue(integrationId: string): Promise<void> {
    const { activities } = this.product;
    for (let calls = 0; calls < CALLS_MAX; calls += 1) {
      const firedAt = this.product.now;
      const input = { tenantId: this.tenantId, integrationId, firedAt };
      const { nextDueAt } = await this.product.call(activities.pushDueRecords, input);
      if (nextDueAt === null || nextDueAt > this.product.now) return;
    }
    throw new Error('A push queue finds no end.');
  }

  /** What the workflow of the sync runs does until no run is left. */
  async runAll(
    integrationId: string,
    onEnd: (outcome: SyncRunOutcome, run: StartedSyncRun) => Promise<void>,
  ): Promise<void> {
    const { product, tenantId } = this;
    const key = { tenantId, integrationId };
    for (;;) {
      const run = await product.call(product.activities.startNextSyncRun, key);
      if (run === null) return;
      for (const job of run.jobs) await this.runJob({ ...key, syncRunId: run.syncRunId, job });
      await onEnd(await product.activities.readSyncRun({ ...key, ...run }), run);
    }
  }

  private async runJob(input: Omit<AdvanceSyncJobInput, 'firedAt'>): Promise<void> {
    for (let calls = 0; calls < CALLS_MAX; calls += 1) {
      const report = await this.product.call(this.product.activities.advanceSyncJob, {
        ...input,
        firedAt: this.product.now,
      });
      if (report.state === 'ended') return;
      if (report.state === 'waiting') this.product.now = Math.max(this.product.now, report.until);
    }
    throw new Error('A sync job finds no end.');
  }
}
