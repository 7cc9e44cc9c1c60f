/** Asking for overviews and for Sync Now in a PushEnvironment, and what became of them. */
import { addOperation, type Operation } from '../../../db/notifications/operations';
import { listOverviewItems, type OverviewItem } from '../../../db/overviews/overview-items';
import { findOverview, type Overview } from '../../../db/overviews/overviews';
import { requestOverview, type Requester } from '../../../db/overviews/overview-lifecycle';
import { findIntegration } from '../../../db/integrations/integrations';
import type { TenantWork } from '../../../db/database';
import { datasetsOf } from '../../../domain/records/mapping-directions';
import { requestSyncNow } from '../../../db/sync-runs/sync-now';
import type { SyncRun } from '../../../db/pull/job-rows';
import type { SyncDirection } from '../../../domain/records/mapping-directions';
import type { TestTenant } from './push-environment';

export class OverviewEnvironment {
  constructor(
    private readonly tenant: TestTenant,
    private readonly integrationId: string,
    private readonly by: Requester,
  ) {}

  /** @returns the overview's id; its workflow begins with the next dispatch. */
  async ask(directions: readonly SyncDirection[] = ['pull', 'push']): Promise<string> {
    const { integrationId, by } = this;
    return this.inTenant(async (work) => {
      const integration = await findIntegration(work, { integrationId });
      const overviewId = await requestOverview(work, {
        integrationId,
        datasets: datasetsOf(integration?.recordTypes ?? {}, directions),
        ...by,
      });
      if (overviewId === undefined) throw new Error('The integration is gone.');
      await addOperation(work, { kind: 'overview', integrationId, overviewId, ...by });
      return overviewId;
    });
  }

  async ready(directions?: readonly SyncDirection[]): Promise<string> {
    const overviewId = await this.ask(directions);
    await this.tenant.environment.sleep(2_000);
    const isGenerating = async () => ['queued', 'running'].includes((await this.show(overviewId)).state);
    while (await isGenerating()) await new Promise((resolve) => setTimeout(resolve, 50));
    const { state } = await this.show(overviewId);
    if (state !== 'ready') throw new Error(`The overview is ${state}.`);
    return overviewId;
  }

  /** @returns the run's id; it begins with the next dispatch. */
  async syncNow(overviewId: string | null = null, by = this.by): Promise<string> {
    const { integrationId } = this;
    return this.inTenant(async (work) => {
      const answer = await requestSyncNow(work, { integrationId, overviewId, ...by });
      if (answer.kind !== 'accepted') throw new Error(answer.kind);
      await addOperation(work, { kind: 'sync_now', integrationId, syncRunId: answer.syncRunId, ...by });
      return answer.syncRunId;
    });
  }

  /** Sends the outbox, as pushes come back through it, until `is` holds of the run. */
  async until(syncRunId: string, is: (run: SyncRun) => boolean | Promise<boolean>): Promise<SyncRun> {
    for (let tries = 0; tries < 150; tries += 1) {
      await this.tenant.environment.dispatch();
      const run = await this.inTenant(({ trx }) =>
        trx.selectFrom('syncRuns').selectAll().where('syncRunId', '=', syncRunId).executeTakeFirstOrThrow(),
      );
      if (await is(run)) return run;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error('It did not come so far.');
  }

  async ended(syncRunId: string): Promise<SyncRun> {
    return this.until(syncRunId, ({ finishedAt }) => finishedAt !== null);
  }

  async synced(overviewId: string | null = null): Promise<SyncRun> {
    return this.ended(await this.syncNow(overviewId));
  }

  async show(overviewId: string): Promise<Overview> {
    const found = await this.inTenant((work) => findOverview(work, { overviewId }));
    if (found === undefined) throw new Error('No such overview.');
    return found;
  }

  items(overviewId: string): Promise<OverviewItem[]> {
    return this.inTenant((work) => listOverviewItems(work, { overviewId, limit: 10_000 }));
  }

  /** The errors of a run: the code, and the remote or external id. */
  async skippedRecords(syncRunId: string): Promise<string[]> {
    const rows = await this.inTenant(({ trx }) =>
      trx.selectFrom('syncRecordErrors').selectAll().where('syncRunId', '=', syncRunId).execute(),
    );
    return rows.map(({ code, remoteId }) => `${code} ${remoteId}`).toSorted();
  }

  operations(syncRunId: string): Promise<Operation[]> {
    return this.inTenant(({ trx }) =>
      trx.selectFrom('operations').selectAll().where('syncRunId', '=', syncRunId).execute(),
    );
  }

  /** How many rows of the record syncs that a run follows are kept. */
  async followed(syncRunId: string): Promise<number> {
    const rows = await this.inTenant(({ trx }) =>
      trx.selectFrom('syncRunPushes').select('recordId').where('syncRunId', '=', syncRunId).execute(),
    );
    return rows.length;
  }

  inTenant<T>(run: (work: TenantWork) => Promise<T>): Promise<T> {
    return this.tenant.environment.database.withTenant(this.tenant.tenantId, run);
  }
}
