/** rules.md 60: what a list of integrations reads does not grow with the history of their runs. */
import { findOnboardingDatasets } from '../../../db/sync-runs/onboarding/onboarding-progress';
import { newUuid } from '../../../db/sql/ids';
import { GivenTenant, openTestDb, type TestDb } from '../given';
import { rowsOf } from '../many-rows';

const RUNS = 2_000;
let db: TestDb;
let tenant: GivenTenant;
let integrationId: string;
let onboardingRunId: string;

const givenRun = async (at: Date, scope: string, state: string, kind = 'full'): Promise<string> => {
  const syncRunId = newUuid();
  await db.superuser(
    `insert into sync_runs (tenant_id, sync_run_id, integration_id, kind, scope, record_types, started_by, state,
       requested_at, started_at, finished_at, successful_jobs, failed_jobs, is_sync_finished)
     values ($1, $2, $3, $4, $5, '{employees}', 'test', $6, $7, $7, case when $6 = 'succeeded' then $7::timestamptz end,
       1, 0, true)`,
    [tenant.tenantId, syncRunId, integrationId, kind, scope, state, at],
  );
  return syncRunId;
};

beforeAll(async () => {
  db = await openTestDb();
  tenant = await GivenTenant.create(db);
  integrationId = await tenant.integration();
  await db.superuser(
    `insert into sync_datasets (tenant_id, integration_id, record_type, is_initial, initial_state)
     values ($1, $2, 'employees', true, 'succeeded') on conflict do nothing`,
    [tenant.tenantId, integrationId],
  );
  await givenRun(new Date('2026-01-01T00:00:00Z'), 'full', 'succeeded');
  onboardingRunId = await givenRun(new Date('2026-01-02T00:00:00Z'), 'full', 'succeeded');
  await db.superuser(
    `update integrations set onboarding_started_at = '2026-01-01', onboarded_at = '2026-01-02T01:00:00Z'
     where integration_id = $1`,
    [integrationId],
  );
  for (let run = 0; run < RUNS; run += 1)
    await givenRun(
      new Date(Date.UTC(2026, 0, 3) + run * 3_600_000),
      run % 24 === 0 ? 'full' : 'modified',
      'succeeded',
    );
  await db.superuser('analyze sync_runs');
}, 60_000);
afterAll(() => db.end());

it('finds the run that ended the onboarding without the runs of the years after it', async () => {
  const { read } = await rowsOf(tenant, async (work) => {
    const found = await findOnboardingDatasets(work, { integrationIds: [integrationId] });
    expect(found.get(integrationId)).toMatchObject([{ recordType: 'employees', syncRunId: onboardingRunId }]);
  });
  expect(read).toBeLessThan(50);
});

it('finds the run that is under way for an integration that is not onboarded yet', async () => {
  await db.superuser(`update integrations set onboarded_at = null where integration_id = $1`, [
    integrationId,
  ]);
  const running = await givenRun(new Date('2026-06-01T00:00:00Z'), 'full', 'running');
  await givenRun(new Date('2026-06-01T01:00:00Z'), 'modified', 'queued');
  const { read } = await rowsOf(tenant, async (work) => {
    const found = await findOnboardingDatasets(work, { integrationIds: [integrationId] });
    expect(found.get(integrationId)).toMatchObject([{ syncRunId: running }]);
  });
  expect(read).toBeLessThan(50);
});
