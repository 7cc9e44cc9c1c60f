/** R20: two people of a tenant send requests at the same time, again and again. */
import type { TenantWork } from '../../../db/database';
import { addOperation } from '../../../db/notifications/operations';
import { findOverview } from '../../../db/overviews/overviews';
import { requestOverview } from '../../../db/overviews/overview-lifecycle';
import { cancelSyncRun } from '../../../db/sync-runs/sync-jobs';
import { requestSyncNow } from '../../../db/sync-runs/sync-now';
import { repetitions } from '../../support/tier';
import { givenOnboarded, type SimulatedWorker } from '../support/simulated-worker';
import { type Service, startService } from '../support/service';

const ROUNDS = repetitions({ quick: 20, full: 200 });
const ANA = { requestedBy: 'key:ana', personId: null };
const BEN = { requestedBy: 'key:ben', personId: null };
const datasets = [{ recordType: 'contacts', direction: 'pull' as const }];
let service: Service;
let worker: SimulatedWorker;
let integrationId: string;
beforeAll(async () => {
  service = await startService();
});
beforeEach(async () => {
  worker = await givenOnboarded(service, await service.givenTenant());
  integrationId = worker.integration.uuid;
});
afterAll(() => service.close());

async function syncNow(
  work: TenantWork,
  by: typeof ANA,
): Promise<{ syncRunId: string; isShared: boolean; operationId: string }> {
  const answer = await requestSyncNow(work, { integrationId, overviewId: null, ...by });
  if (answer.kind !== 'accepted') throw new Error(answer.kind);
  return {
    ...answer,
    operationId: await addOperation(work, {
      kind: 'sync_now',
      integrationId,
      syncRunId: answer.syncRunId,
      ...by,
    }),
  };
}
async function overview(work: TenantWork, by: typeof ANA): Promise<string> {
  const overviewId = await requestOverview(work, { integrationId, datasets, ...by });
  if (overviewId === undefined) throw new Error('The integration is gone.');
  return overviewId;
}
const cancel = (syncRunId: string) =>
  worker.work((work) => cancelSyncRun(work, { syncRunId, by: 'key:ana' }));

describe('R20: of two at once', () => {
  it('Sync Now requests both get one run, with an operation each', async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const [one, other] = await Promise.all([
        worker.work((work) => syncNow(work, ANA)),
        worker.work((work) => syncNow(work, BEN)),
      ]);

      expect(one.syncRunId).toBe(other.syncRunId);
      expect(one.isShared).toBe(!other.isShared);
      expect(one.operationId).not.toBe(other.operationId);
      await cancel(one.syncRunId);
    }
  }, 120_000);

  it('overview requests the one accepted later is valid, and the other refers to it', async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const ids = await Promise.all([
        worker.work((work) => overview(work, ANA)),
        worker.work((work) => overview(work, BEN)),
      ]);

      const shown = await worker.work((work) =>
        Promise.all(ids.map((overviewId) => findOverview(work, { overviewId }))),
      );
      const [newer, ...others] = shown.filter((one) => one?.invalidAt === null);
      const older = shown.find((one) => one?.invalidAt !== null);
      expect(others).toEqual([]);
      expect(older).toMatchObject({
        state: 'canceled',
        invalidReason: 'superseded_by_other_admin',
        replacedByOverviewId: newer?.overviewId,
      });
      expect(older?.invalidBy).toBe(newer?.requestedBy);
    }
  }, 120_000);

  it('requests of which one syncs, the overview is valid exactly if it was accepted after the run', async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const looking = () =>
        worker.work(async (work) => {
          const overviewId = await overview(work, ANA);
          // The integration is locked: what is there now came before.
          const open = await work.trx
            .selectFrom('syncRuns')
            .select('syncRunId')
            .where('kind', '=', 'sync_now')
            .where('state', '=', 'queued')
            .execute();
          return { overviewId, isAfterTheRun: open.length > 0 };
        });
      const syncing = () => worker.work((work) => syncNow(work, BEN));
      const started =
        round % 2 === 0 ? { looked: looking(), synced: syncing() } : { synced: syncing(), looked: looking() };
      const [made, run] = await Promise.all([started.looked, started.synced]);

      const shown = await worker.work((work) => findOverview(work, made));
      expect(shown).toMatchObject(
        made.isAfterTheRun
          ? { invalidAt: null }
          : { invalidReason: 'superseded_by_sync', replacedBySyncRunId: run.syncRunId },
      );
      await cancel(run.syncRunId);
    }
  }, 120_000);
});
