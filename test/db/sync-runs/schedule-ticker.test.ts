/** Scheduled runs of all integrations, requested from rows by one worker (rules.md 28 to 30, 59, 60). */
import { requestTenantDeletion } from '../../../db/erasures/tenant-deletions';
import { deleteIntegration } from '../../../db/sync-runs/delete-integration';
import { changeIntegration } from '../../../db/sync-runs/integration-lifecycle';
import {
  countNightlyRuns,
  findDueSchedules,
  requestDueRun,
} from '../../../db/sync-runs/schedules/due-schedules';
import { decideScheduledRun } from '../../../db/sync-runs/scheduled-requests';
import { requestSyncRun } from '../../../db/sync-runs/sync-run-requests';
import { changeTenant } from '../../../db/sync-runs/schedules/time-zone-change';
import { reconcileSchedules, tick } from '../../../worker/schedules/schedule-ticker';
import { givenCopies, GivenTenant, openTestDb, type TestDb } from '../given';

const PULLED = { employees: { direction: 'pull' as const, fields: [], onDelete: 'leave' as const } };
const silent = { info() {}, warn() {}, error() {} };
const DUE_AT_ONCE = 1_000;
const HOUR_MS = 3_600_000;
const WIDE = { installation: 100_000, tenant: 100_000 };
const START = new Date('2027-01-10T12:00:00Z');

let db: TestDb;
let now = START;
let tenant: GivenTenant;
let integrationId: string;

beforeAll(async () => {
  db = await openTestDb(() => now);
});
afterAll(() => db?.end());
beforeEach(async () => {
  await db.superuser('delete from sync_schedules');
  await db.superuser(`update integrations set deleted_at = now() where deleted_at is null`);
  await db.superuser(`update sync_runs set state = 'succeeded', started_at = requested_at,
    finished_at = requested_at where finished_at is null`);
  now = START;
  tenant = await GivenTenant.create(db);
  integrationId = await givenIntegration('02:00');
});

async function givenIntegration(nightlySyncAt: string | null, of = tenant): Promise<string> {
  const id = await of.integration({ recordTypes: PULLED, nightlySyncAt });
  await db.superuser('update integrations set onboarded_at = now() where integration_id = $1', [id]);
  await endRuns();
  return id;
}
const endRuns = () =>
  db.superuser(`update sync_runs set state = 'succeeded', started_at = requested_at,
    finished_at = requested_at where finished_at is null`);
const options = (nightly = WIDE) => ({ database: db.database, log: silent, nightly });
const later = (ms: number) => (now = new Date(now.getTime() + ms));
const runs = (kind = '%') =>
  db.superuser(
    `select kind, local_date::text, requested_at from sync_runs
     where tenant_id = $1 and kind like $2 and kind <> 'onboarding' order by requested_at`,
    [tenant.tenantId, kind],
  );
const rows = () =>
  db.superuser(
    'select schedule, basis, next_at from sync_schedules where integration_id = $1 order by schedule',
    [integrationId],
  );
const nextAt = async (schedule: string) =>
  (await rows()).find((row) => row.schedule === schedule)?.next_at as Date;
/** A minute after the schedule's next time. */
const untilDue = async (schedule: string) => (now = new Date((await nextAt(schedule)).getTime() + 60_000));
/** Ticks every half hour; what is requested ends at once. */
async function pass(ms: number): Promise<void> {
  for (const end = now.getTime() + ms; now.getTime() < end; later(HOUR_MS / 2)) {
    await tick(options());
    await endRuns();
  }
}

describe('rule 28: schedules', () => {
  it('request one hourly run an hour and one nightly run a date', async () => {
    await pass(48 * HOUR_MS);

    expect((await runs('nightly')).map((run) => run.local_date)).toEqual(['2027-01-11', '2027-01-12']);
    // An hourly run may meet a nightly one in this test's half hours.
    expect((await runs('hourly')).length).toBeGreaterThanOrEqual(46);
  });

  it('follow the settings, and are gone with the integration', async () => {
    const change = (settings: object) =>
      tenant.work((work) => changeIntegration(work, { integrationId, change: settings }));
    await change({ isHourlySyncOn: false, nightlySyncAt: '23:30' });
    expect(await rows()).toMatchObject([{ schedule: 'nightly', basis: '23:30 UTC' }]);
    expect((await nextAt('nightly')).toISOString()).toMatch(/^2027-01-10T23:3/);
    await change({ isHourlySyncOn: true, nightlySyncAt: null });
    expect(await rows()).toMatchObject([{ schedule: 'hourly' }]);
    await tenant.work((work) => deleteIntegration(work, { integrationId }));
    expect(await rows()).toEqual([]);
  });

  it('keep their next time when something else is changed', async () => {
    const before = await rows();
    later(HOUR_MS);
    await tenant.work((work) =>
      changeIntegration(work, { integrationId, change: { accountName: 'Another name' } }),
    );

    expect(await rows()).toEqual(before);
  });
});

describe('rule 29: when clocks change', () => {
  it.each([
    ['America/New_York', '02:30', '2027-03-13T12:00:00Z', ['2027-03-14', '2027-03-15']],
    ['America/New_York', '01:30', '2027-11-06T12:00:00Z', ['2027-11-07', '2027-11-08']],
    ['Australia/Lord_Howe', '02:00', '2027-10-02T06:00:00Z', ['2027-10-03', '2027-10-04']],
    ['America/Santiago', '23:30', '2027-04-03T15:00:00Z', ['2027-04-03', '2027-04-04']],
  ])('in %s at %s there is one run a date', async (timeZone, nightlySyncAt, from, dates) => {
    await tenant.work((work) => changeTenant(work, { timeZone }));
    await tenant.work((work) => deleteIntegration(work, { integrationId }));
    now = new Date(from);
    integrationId = await givenIntegration(nightlySyncAt);
    await pass(48 * HOUR_MS);

    expect((await runs('nightly')).map((run) => run.local_date)).toEqual(dates);
  });

  it('a tenant that moves to another zone has one run a date', async () => {
    await pass(24 * HOUR_MS);
    await tenant.work((work) => changeTenant(work, { timeZone: 'Asia/Kolkata' }));
    expect((await rows()).at(-1)).toMatchObject({ basis: '02:00 Asia/Kolkata' });
    await endRuns();
    await pass(48 * HOUR_MS);

    const dates = (await runs('nightly')).map((run) => run.local_date);
    expect(new Set(dates).size).toBe(dates.length);
    expect(dates).toEqual(['2027-01-11', '2027-01-12', '2027-01-13']);
  });
});

describe('rule 30: a scheduled time', () => {
  it.each(['hourly', 'nightly'])('has one %s run with three workers at once', async (schedule) => {
    await db.superuser('delete from sync_schedules where schedule <> $1', [schedule]);
    await untilDue(schedule);
    await Promise.all([tick(options()), tick(options()), tick(options())]);

    expect(await runs(schedule)).toHaveLength(1);
    expect((await nextAt(schedule)).getTime()).toBeGreaterThan(now.getTime());
  });

  it('is requested again if the worker died before its transaction ended, and once', async () => {
    await untilDue('hourly');
    const [due] = await db.database.withDispatcher((work) =>
      findDueSchedules(work, { schedule: 'hourly', after: undefined, limit: 10 }),
    );
    await expect(
      tenant.work(async (work) => {
        await requestDueRun(work, due!);
        throw new Error('The worker is gone.');
      }),
    ).rejects.toThrow('gone');
    expect(await runs('hourly')).toEqual([]);

    expect(await tick(options())).toBe(1);
    expect(await tick(options())).toBe(0);
    expect(await runs('hourly')).toHaveLength(1);
  });

  it('has one run beside a worker of the former version, whichever is first', async () => {
    const former = (schedule: 'hourly' | 'nightly', at: Date) =>
      tenant.work((work) => decideScheduledRun(work, { integrationId, schedule, scheduledAt: at }));
    for (const schedule of ['hourly', 'nightly'] as const) {
      await untilDue(schedule);
      await endRuns();
      await tick(options());
      await former(schedule, now);
      const count = (await runs(schedule)).length;
      await endRuns();
      await untilDue('hourly');
      if (schedule === 'nightly') now = new Date(now.getTime() + 23 * HOUR_MS);
      await former(schedule, now);
      await tick(options());
      expect([schedule, (await runs(schedule)).length]).toEqual([schedule, count + 1]);
    }
  });

  it.each([
    ['hourly', 7],
    ['nightly', 30],
  ] as const)('has one catch-up run: %s after %d hours without a worker', async (schedule, hours) => {
    later(hours * HOUR_MS);
    await tick(options());
    await endRuns();
    await tick(options());

    expect(await runs(schedule)).toHaveLength(1);
  });

  it('has one run when the clock goes back by a day, and the next hour has one again', async () => {
    await untilDue('hourly');
    await tick(options());
    await endRuns();
    later(-24 * HOUR_MS);
    await tick(options());
    expect(await runs('hourly')).toHaveLength(1);

    expect(await reconcileSchedules(options())).toBe(1);
    expect((await nextAt('hourly')).getTime()).toBeLessThanOrEqual(now.getTime() + HOUR_MS);
    await untilDue('hourly');
    await tick(options());
    expect(await runs('hourly')).toHaveLength(2);
  });
});

describe('rule 60: integrations that an api of a former version made or changed', () => {
  it('get their rows, and no run before its time', async () => {
    await db.superuser('delete from sync_schedules');
    expect(await reconcileSchedules(options())).toBe(1);
    expect(await rows()).toMatchObject([{ schedule: 'hourly' }, { schedule: 'nightly', basis: '02:00 UTC' }]);
    await db.superuser(`update integrations set nightly_sync_at = '04:00' where integration_id = $1`, [
      integrationId,
    ]);
    expect(await reconcileSchedules(options())).toBe(1);
    expect((await rows()).at(-1)).toMatchObject({ basis: '04:00 UTC' });
    expect(await reconcileSchedules(options())).toBe(0);
    expect(await tick(options())).toBe(0);
  });

  it('get their rows although those of another integration cannot be written', async () => {
    await givenIntegration('03:00');
    await db.superuser('delete from sync_schedules');
    jest.spyOn(db.database, 'withTenant').mockImplementationOnce(() => Promise.reject(new Error('Refused.')));

    expect(await reconcileSchedules(options())).toBe(1);
    expect(await reconcileSchedules(options())).toBe(1);
    expect(await reconcileSchedules(options())).toBe(0);
  });

  it('are not run at the time that was changed', async () => {
    await db.superuser(`update integrations set nightly_sync_at = '23:00', is_hourly_sync_on = false
      where tenant_id = '${tenant.tenantId}'`);
    await untilDue('nightly');
    await tick(options());

    expect(await runs('nightly')).toEqual([]);
    expect(await rows()).toMatchObject([{ schedule: 'nightly', basis: '23:00 UTC' }]);
  });
});

describe('rule 59: nightly runs', () => {
  it('of one tenant do not take the places of another, and those in line are found by their schedule', async () => {
    const other = await GivenTenant.create(db);
    const mine = [integrationId];
    for (let count = 1; count < 5; count += 1) mine.push(await givenIntegration('02:00'));
    await givenIntegration('02:10', other);
    now = new Date('2027-01-11T02:30:00Z');
    const limits = { installation: 3, tenant: 2 };
    const inProgress = () => db.database.withDispatcher(countNightlyRuns);
    await db.superuser(`delete from sync_schedules where schedule = 'hourly'`);
    await tick(options(limits));
    await tick(options(limits));
    expect(Object.fromEntries(await inProgress())).toEqual({ [tenant.tenantId]: 2, [other.tenantId]: 1 });

    // A run that a person asks for is not behind the limit.
    const waiting = await db.superuser(
      'select integration_id from sync_schedules where tenant_id = $1 and next_at < $2',
      [tenant.tenantId, now],
    );
    expect(waiting).toHaveLength(3);
    const place = { integrationId: String(waiting[0]?.integration_id) };
    const run = await tenant.work((work) =>
      requestSyncRun(work, { ...place, kind: 'full', startedBy: 'ana' }),
    );
    expect(run?.isCoalesced).toBe(false);
    await endRuns();

    // Hours later each has had its run for the date.
    for (let turn = 0; turn < 3; turn += 1) {
      later(HOUR_MS);
      await tick(options(limits));
      await endRuns();
    }
    const dates = (await runs('nightly')).map(({ local_date: date }) => date);
    expect(dates).toEqual(mine.map(() => '2027-01-11'));
  });

  it.each(['due', 'in progress'])(
    'of a tenant that is being deleted leave their places to others, if they are %s',
    async (state) => {
      const other = await GivenTenant.create(db);
      await givenIntegration('02:10', other);
      now = new Date('2027-01-11T02:30:00Z');
      await db.superuser(`delete from sync_schedules where schedule = 'hourly'`);
      const limits = { installation: 1, tenant: 1 };
      if (state === 'in progress') await tick(options(limits));
      await tenant.work((work) => requestTenantDeletion(work, { requestId: 'r' }));

      await tick(options(limits));

      expect(Object.fromEntries(await db.database.withDispatcher(countNightlyRuns))).toEqual({
        [other.tenantId]: 1,
      });
    },
  );

  const nightly = `tenant_id = $1 and kind = 'nightly' and finished_at is null`;
  it.each([
    ['wait for an app that is down', `update sync_runs set state = 'waiting' where ${nightly}`],
    [
      'wait for a decision about parked work',
      `insert into running_work (tenant_id, work_id, kind, subject_id, job, seen_at, is_suspect, parked_at)
       select tenant_id, gen_random_uuid(), 'pull', sync_run_id, 'employees', now(), true, now()
       from sync_runs where ${nightly}`,
    ],
  ])('that %s leave their places to others', async (_, change) => {
    await givenIntegration('02:00');
    now = new Date('2027-01-11T02:30:00Z');
    await db.superuser(`delete from sync_schedules where schedule = 'hourly'`);
    await tick(options({ installation: 1, tenant: 1 }));
    expect(await runs('nightly')).toHaveLength(1);
    await db.superuser(`update sync_runs set state = 'running', started_at = now() where ${nightly}`, [
      tenant.tenantId,
    ]);
    await db.superuser(change, [tenant.tenantId]);
    await tick(options({ installation: 1, tenant: 1 }));

    expect(await runs('nightly')).toHaveLength(2);
  });
});

it('rule 60: 1,000 integrations that are due at once get one run each, in pages', async () => {
  await givenCopies(db, integrationId, DUE_AT_ONCE - 1);
  expect(await reconcileSchedules(options())).toBe(DUE_AT_ONCE - 1);
  await db.superuser(`delete from sync_schedules where schedule = 'nightly'`);
  later(HOUR_MS);
  let pages = 0;
  const turn = tick(options(), () => {
    pages += 1;
    return Promise.resolve(true);
  });

  expect(await turn).toBe(DUE_AT_ONCE);
  expect(pages).toBeGreaterThanOrEqual(DUE_AT_ONCE / 200);
  const perIntegration = await db.superuser(
    `select integration_id from sync_runs where kind = 'hourly' and tenant_id = $1 group by 1 having count(*) = 1`,
    [tenant.tenantId],
  );
  expect(perIntegration).toHaveLength(DUE_AT_ONCE);
}, 120_000);
