/** Ids of several processes: they sort by the time of the database. */
import type * as database from '../../../db/database';
import type * as ids from '../../../db/sql/ids';
import { newUuid } from '../../../db/sql/ids';
import { findOnboardingDatasets } from '../../../db/sync-runs/onboarding/onboarding-progress';
import { GivenTenant, openTestDb, type TestDb } from '../given';

const HOUR_MS = 3_600_000;
let db: TestDb;
beforeAll(async () => {
  db = await openTestDb();
});
afterAll(() => db.end());

/** An id of another process, after its first transaction. */
async function idWhereTheClockIsOff(shiftMs: number): Promise<string> {
  const now = Date.now.bind(Date);
  const clock = jest.spyOn(Date, 'now').mockImplementation(() => now() + shiftMs);
  const { Database, newUuid: newUuidThere } = modulesOfAnotherProcess();
  const other = new Database({
    url: db.url,
    poolSize: 1,
    statementTimeoutMs: 10_000,
    waitForConnectionMs: 20_000,
  });
  try {
    await other.withPlatform(async () => undefined);
    return newUuidThere();
  } finally {
    clock.mockRestore();
    await other.close();
  }
}

function modulesOfAnotherProcess(): typeof database & typeof ids {
  let modules: (typeof database & typeof ids) | undefined;
  jest.isolateModules(() => {
    modules = {
      ...jest.requireActual<typeof database>('../../../db/database'),
      ...jest.requireActual<typeof ids>('../../../db/sql/ids'),
    };
  });
  if (modules === undefined) throw new Error('The modules were not loaded.');
  return modules;
}

const timeOf = (id: string): number => Number.parseInt(id.replace('-', '').slice(0, 12), 16);

it.each([
  ['behind', -HOUR_MS],
  ['ahead', HOUR_MS],
])('ids have the right time if the clock of a process is an hour %s', async (_word, shiftMs) => {
  const id = await idWhereTheClockIsOff(shiftMs);

  expect(Math.abs(timeOf(id) - Date.now())).toBeLessThan(HOUR_MS / 2);
});

it('ids have the right time again after a clock that was an hour behind is corrected', () => {
  const { followDatabaseClock, newUuid: newUuidThere } = modulesOfAnotherProcess();
  const now = Date.now();
  followDatabaseClock(now - HOUR_MS, now, now - HOUR_MS);
  // The clock has been corrected, but its former difference is still added.
  newUuidThere();
  followDatabaseClock(now, now, now);

  expect(Math.abs(timeOf(newUuidThere()) - now)).toBeLessThan(HOUR_MS / 2);
});

it('the onboarding shows its run although a process whose clock is far behind has requested the next', async () => {
  const tenant = await GivenTenant.create(db);
  const integrationId = await tenant.integration();
  const onboardedAt = new Date('2026-01-02T00:00:00Z');
  await db.superuser(
    `insert into sync_datasets (tenant_id, integration_id, record_type, is_initial, initial_state)
     values ($1, $2, 'employees', true, 'succeeded') on conflict do nothing`,
    [tenant.tenantId, integrationId],
  );
  await db.superuser(
    'update integrations set onboarding_started_at = $2, onboarded_at = $2 where integration_id = $1',
    [integrationId, onboardedAt],
  );
  const onboarding = newUuid();
  const runs = [
    { id: onboarding, at: onboardedAt },
    { id: await idWhereTheClockIsOff(-24 * HOUR_MS), at: new Date(onboardedAt.getTime() + HOUR_MS) },
  ];
  for (const { id, at } of runs)
    await db.superuser(
      `insert into sync_runs (tenant_id, sync_run_id, integration_id, kind, scope, record_types, started_by,
         state, requested_at, started_at, finished_at, successful_jobs, failed_jobs, is_sync_finished)
       values ($1, $2, $3, 'full', 'full', '{employees}', 'test', 'succeeded', $4, $4, $4, 1, 0, true)`,
      [tenant.tenantId, id, integrationId, at],
    );

  const found = await db.database.withTenant(tenant.tenantId, (work) =>
    findOnboardingDatasets(work, { integrationIds: [integrationId] }),
  );

  expect(found.get(integrationId)).toMatchObject([{ syncRunId: onboarding }]);
});
