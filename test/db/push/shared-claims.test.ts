/** What several executions of one push queue share (rules 49 and 53). */
import { sharedAllowances } from '../../../db/push/brakes/brake-allowances';
import { claimRemoteRecord } from '../../../db/push/remote-claims';
import { newUuid } from '../../../db/sql/ids';
import { createTestDatabase, type TestDatabase } from '../../support/environments/database';
import { Database } from '../../../db/database';

const tenantId = newUuid();
const integrationId = newUuid();
let testDatabase: TestDatabase;
let workers: Database[];

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  workers = [1, 2].map(
    () =>
      new Database({
        url: testDatabase.url,
        poolSize: 4,
        statementTimeoutMs: 20_000,
        waitForConnectionMs: 20_000,
      }),
  );
});
afterAll(async () => {
  await Promise.all(workers.map((worker) => worker.close()));
  await testDatabase.drop();
});

const claim = (worker: number, externalId: string, remoteId = 'r1', recordType = 'employees') =>
  (workers[worker] as Database).withTenant(tenantId, (work) =>
    claimRemoteRecord(work, integrationId, { externalId, recordType, remoteId }),
  );

it('rule 49: two records that find one remote record at the same moment, in two workers, do not both get it', async () => {
  const holders = await Promise.all([claim(0, 'e1'), claim(1, 'e2')]);

  const winner = holders[0] === undefined ? 'e1' : 'e2';
  expect(holders).toEqual(winner === 'e1' ? [undefined, 'e1'] : ['e2', undefined]);
  expect(await claim(1, winner)).toBeUndefined();
  expect(await claim(0, 'e3', 'r2')).toBeUndefined();
  expect(await claim(0, 'e3', 'r1', 'teams')).toBeUndefined();
});

it('rule 53: two workers do not both use what a brake still allows', async () => {
  const braked = { recordType: 'employees', effect: 'create' } as const;
  const allowances = sharedAllowances({ integrationId, version: 7 });
  const take = (worker: number, count: number) =>
    (workers[worker] as Database).withTenant(tenantId, async (work) => {
      const left = await allowances.read(work, braked);
      if (left < count) return false;
      await allowances.keep(work, braked, left - count);
      return true;
    });
  expect(await take(0, 1)).toBe(false);
  await (workers[0] as Database).withTenant(tenantId, async (work) => {
    await allowances.read(work, braked);
    await allowances.keep(work, braked, 100);
  });

  const taken = await Promise.all(Array.from({ length: 10 }, (_, index) => take(index % 2, 30)));

  expect(taken.filter(Boolean)).toHaveLength(3);
  const other = sharedAllowances({ integrationId, version: 8 });
  expect(await (workers[0] as Database).withTenant(tenantId, (work) => other.read(work, braked))).toBe(0);
});
