/** The decision on a scheduled sync, by rows (rules.md 16, 28 to 30). */
import {
  listSkippedRuns,
  decideScheduledRun,
  type ScheduledRequest,
} from '../../../db/sync-runs/scheduled-requests';
import { deleteIntegration } from '../../../db/sync-runs/delete-integration';
import { pauseIntegration, resumeIntegration } from '../../../db/sync-runs/integration-lifecycle';
import { requestSyncRun } from '../../../db/sync-runs/sync-run-requests';
import { changeTenant } from '../../../db/sync-runs/schedules/time-zone-change';
import { GivenTenant, openTestDb, type TestDb } from '../given';

const PULLED = { employees: { direction: 'pull' as const, fields: [], onDelete: 'leave' as const } };
let db: TestDb;
let now = new Date('2027-01-10T02:00:00Z');
let tenant: GivenTenant;
let integrationId: string;

beforeAll(async () => {
  db = await openTestDb(() => now);
});
afterAll(() => db.end());
beforeEach(async () => {
  now = new Date('2027-01-10T02:00:00Z');
  tenant = await GivenTenant.create(db);
  integrationId = await tenant.integration({ recordTypes: PULLED, nightlySyncAt: '02:00' });
  await onboarded();
});

/** The onboarding run has come to its end. */
async function onboarded(): Promise<void> {
  await endRuns();
  await db.superuser('update integrations set onboarded_at = $2 where integration_id = $1', [
    integrationId,
    now,
  ]);
}
async function endRuns(): Promise<void> {
  await db.superuser(
    `update sync_runs set state = 'succeeded', started_at = requested_at, finished_at = requested_at where integration_id = $1`,
    [integrationId],
  );
}
const begin = (state = 'running') =>
  db.superuser(`update sync_runs set state = $2 where integration_id = $1 and state = 'queued'`, [
    integrationId,
    state,
  ]);

/** A schedule fires and is processed in time. */
function fireSchedule(schedule: ScheduledRequest['schedule'], at: string | Date = now) {
  const scheduledAt = new Date(at);
  now = new Date(scheduledAt.getTime() + 60_000);
  return late(schedule, scheduledAt);
}
const late = (schedule: ScheduledRequest['schedule'], at: string | Date) =>
  tenant.work((work) => decideScheduledRun(work, { integrationId, schedule, scheduledAt: new Date(at) }));
const runs = () =>
  db.superuser(
    `select kind, started_by, local_date::text, state from sync_runs where integration_id = $1 and kind <> 'onboarding' order by requested_at, sync_run_id`,
    [integrationId],
  );
const skipped = async () =>
  (await tenant.work((work) => listSkippedRuns(work, { integrationId, limit: 50 })))
    .map(({ schedule, reason }) => `${schedule} ${reason}`)
    .toReversed();

describe('an hourly scheduled sync', () => {
  it('requests an incremental run', async () => {
    expect(await fireSchedule('hourly')).toMatchObject({
      outcome: 'requested',
      syncRunId: expect.any(String),
    });
    expect(await runs()).toEqual([
      { kind: 'hourly', started_by: 'schedule:hourly', local_date: null, state: 'queued' },
    ]);
    expect(await skipped()).toEqual([]);
  });

  it('requests one run if it is processed twice, also after its run has ended, and with different clocks', async () => {
    await fireSchedule('hourly', '2027-01-10T05:17:00Z');
    now = new Date('2027-01-10T05:12:00Z');
    expect(await late('hourly', '2027-01-10T05:17:00Z')).toMatchObject({ outcome: 'nothing' });
    await endRuns();
    expect(await late('hourly', '2027-01-10T05:17:00Z')).toMatchObject({ outcome: 'nothing' });

    expect(await runs()).toHaveLength(1);
    expect(await skipped()).toEqual([]);
  });

  it('requests another run an hour later', async () => {
    await fireSchedule('hourly', '2027-01-10T05:17:00Z');
    await endRuns();

    expect(await fireSchedule('hourly', '2027-01-10T06:17:00Z')).toMatchObject({ outcome: 'requested' });
    expect(await runs()).toHaveLength(2);
  });

  it('rule 30, R16: has one catch-up run for all missed schedule times, not one for each', async () => {
    now = new Date('2027-01-10T11:30:00Z');
    for (const hour of ['05', '06', '07', '08', '09', '10']) {
      await late('hourly', `2027-01-10T${hour}:17:00Z`);
      await endRuns();
    }

    expect(await runs()).toHaveLength(1);
  });

  it.each(['queued', 'running', 'waiting'])(
    'rule 30: is logged as skipped_overlap during a run that is %s, with its id, once',
    async (state) => {
      const run = await tenant.work((work) =>
        requestSyncRun(work, { integrationId, kind: 'full', startedBy: 'key:test' }),
      );
      if (state !== 'queued') await begin(state);

      expect(await fireSchedule('hourly')).toEqual({ outcome: 'skipped_overlap', syncRunId: run?.syncRunId });
      expect(await late('hourly', new Date(now.getTime() - 60_000))).toEqual({
        outcome: 'skipped_overlap',
        syncRunId: run?.syncRunId,
      });

      expect(await skipped()).toEqual(['hourly skipped_overlap']);
      expect(await runs()).toHaveLength(1);
    },
  );

  it('rule 16: is logged as skipped_paused while the integration is paused, and works again after it', async () => {
    await tenant.work((work) => pauseIntegration(work, { integrationId }));
    expect(await fireSchedule('hourly', '2027-01-10T05:17:00Z')).toEqual({
      outcome: 'skipped_paused',
      syncRunId: null,
    });
    await tenant.work((work) => resumeIntegration(work, { integrationId }));

    expect(await fireSchedule('hourly', '2027-01-10T06:17:00Z')).toMatchObject({ outcome: 'requested' });
    expect(await skipped()).toEqual(['hourly skipped_paused']);
  });

  it('is logged as skipped_needs_reauthorization while credentials are refused', async () => {
    await db.superuser('update integrations set needs_reauthorization_at = now() where integration_id = $1', [
      integrationId,
    ]);

    expect(await fireSchedule('hourly')).toMatchObject({ outcome: 'skipped_needs_reauthorization' });
  });

  it('requests nothing during the onboarding run, or after that has failed', async () => {
    integrationId = await tenant.integration({ recordTypes: PULLED, nightlySyncAt: '02:00' });
    expect(await fireSchedule('hourly', '2027-01-10T05:17:00Z')).toMatchObject({
      outcome: 'skipped_overlap',
    });
    await endRuns();

    expect(await fireSchedule('hourly', '2027-01-10T06:17:00Z')).toEqual({
      outcome: 'nothing',
      syncRunId: null,
    });
    expect(await runs()).toEqual([]);
  });

  it.each([
    ['is deleted', () => tenant.work((work) => deleteIntegration(work, { integrationId }))],
    [
      'only pushes',
      () =>
        db.superuser(
          `update integrations set record_types = '{"employees":{"direction":"push"}}' where integration_id = $1`,
          [integrationId],
        ),
    ],
    [
      'has it switched off',
      () =>
        db.superuser('update integrations set is_hourly_sync_on = false where integration_id = $1', [
          integrationId,
        ]),
    ],
  ])('does nothing if the integration %s, and has its schedules checked', async (_, change) => {
    await change();
    await db.superuser('truncate outbox');

    expect(await fireSchedule('hourly')).toEqual({ outcome: 'nothing', syncRunId: null });
    expect(await db.superuser('select topic, subject_id from outbox')).toEqual([]);
    expect(
      await db.superuser(
        `select basis from sync_schedules where integration_id = $1 and schedule = 'hourly'`,
        [integrationId],
      ),
    ).toEqual([]);
  });
});

describe('a nightly scheduled sync', () => {
  it('requests a full run for the local date, and the fallback finds it done and does nothing', async () => {
    expect(await fireSchedule('nightly', '2027-01-10T02:00:00Z')).toMatchObject({ outcome: 'requested' });
    await endRuns();
    expect(await fireSchedule('nightly', '2027-01-10T03:15:00Z')).toEqual({
      outcome: 'nothing',
      syncRunId: null,
    });

    expect(await runs()).toEqual([
      { kind: 'nightly', started_by: 'schedule:nightly', local_date: '2027-01-10', state: 'succeeded' },
    ]);
    expect(await skipped()).toEqual([]);
  });

  it('requests one run if it is processed twice', async () => {
    await fireSchedule('nightly', '2027-01-10T02:00:00Z');

    expect(await late('nightly', '2027-01-10T02:00:00Z')).toMatchObject({ outcome: 'nothing' });
    expect(await runs()).toHaveLength(1);
    expect(await skipped()).toEqual([]);
  });

  it('at 23:30 has a fallback after midnight for the date of the evening', async () => {
    await db.superuser(`update integrations set nightly_sync_at = '23:30' where integration_id = $1`, [
      integrationId,
    ]);
    await fireSchedule('nightly', '2027-01-10T00:45:00Z');

    expect(await runs()).toMatchObject([{ local_date: '2027-01-09' }]);
  });

  it('rule 29: fires twice when clocks go back, has one run, and logs the second as skipped', async () => {
    await tenant.work((work) => changeTenant(work, { timeZone: 'America/New_York' }));
    await db.superuser(`update integrations set nightly_sync_at = '01:30' where integration_id = $1`, [
      integrationId,
    ]);
    await fireSchedule('nightly', '2027-11-07T01:30:00-04:00');
    await endRuns();

    expect(await fireSchedule('nightly', '2027-11-07T01:30:00-05:00')).toMatchObject({
      outcome: 'skipped_already_ran',
    });
    expect(await fireSchedule('nightly', '2027-11-07T02:45:00-05:00')).toMatchObject({ outcome: 'nothing' });
    expect(await runs()).toMatchObject([{ local_date: '2027-11-07' }]);
  });

  it('is skipped during a run; the fallback then requests it', async () => {
    await tenant.work((work) => requestSyncRun(work, { integrationId, kind: 'full', startedBy: 'key:test' }));
    expect(await fireSchedule('nightly', '2027-01-10T02:00:00Z')).toMatchObject({
      outcome: 'skipped_overlap',
    });
    await endRuns();

    expect(await fireSchedule('nightly', '2027-01-10T03:15:00Z')).toMatchObject({ outcome: 'requested' });
    expect(await runs()).toMatchObject([{ kind: 'full' }, { kind: 'nightly', local_date: '2027-01-10' }]);
  });

  it('is not lost during a long incremental run: the fallback is queued behind it', async () => {
    await tenant.work((work) =>
      requestSyncRun(work, { integrationId, kind: 'incremental', startedBy: 'key:test' }),
    );
    await begin();
    await fireSchedule('nightly', '2027-01-10T02:00:00Z');

    expect(await fireSchedule('nightly', '2027-01-10T03:15:00Z')).toMatchObject({ outcome: 'requested' });
    expect(await runs()).toMatchObject([
      { kind: 'incremental', state: 'running' },
      { kind: 'nightly', state: 'queued', local_date: '2027-01-10' },
    ]);
    expect(await skipped()).toEqual(['nightly skipped_overlap']);
  });

  it('widens a queued run and uses it', async () => {
    for (const kind of ['incremental', 'last_day'] as const) {
      await tenant.work((work) => requestSyncRun(work, { integrationId, kind, startedBy: 'key:test' }));
      if (kind === 'incremental') await begin();
    }

    await fireSchedule('nightly', '2027-01-10T03:15:00Z');
    expect(await runs()).toMatchObject([
      { kind: 'incremental' },
      { kind: 'nightly', state: 'queued', local_date: '2027-01-10' },
    ]);
    expect(await late('nightly', '2027-01-10T03:15:00Z')).toMatchObject({ outcome: 'nothing' });
  });

  it('is not queued behind a full pass that is still running at the fallback time', async () => {
    await tenant.work((work) => requestSyncRun(work, { integrationId, kind: 'full', startedBy: 'key:test' }));
    await begin();

    expect(await fireSchedule('nightly', '2027-01-10T03:15:00Z')).toMatchObject({
      outcome: 'skipped_overlap',
    });
    expect(await runs()).toHaveLength(1);
  });

  it('is the retry of an onboarding that has failed', async () => {
    integrationId = await tenant.integration({ recordTypes: PULLED, nightlySyncAt: '02:00' });
    await endRuns();

    expect(await fireSchedule('nightly')).toMatchObject({ outcome: 'requested' });
  });

  it('has the newest schedule date if it is processed days late', async () => {
    now = new Date('2027-01-13T09:00:00Z');
    await late('nightly', '2027-01-10T02:00:00Z');
    await late('nightly', '2027-01-10T03:15:00Z');

    expect(await runs()).toMatchObject([{ local_date: '2027-01-13' }]);
  });

  it('is logged while the integration is paused', async () => {
    await tenant.work((work) => pauseIntegration(work, { integrationId }));

    expect(await fireSchedule('nightly')).toMatchObject({ outcome: 'skipped_paused' });
    expect(await runs()).toEqual([]);
  });
});

describe('a tenant that moves to another zone', () => {
  const move = async (timeZone: string) => {
    await db.superuser('truncate outbox');
    await tenant.work((work) => changeTenant(work, { timeZone }));
  };

  it('has the schedules of all its integrations in that zone', async () => {
    await tenant.integration();
    await (await GivenTenant.create(db)).integration({ recordTypes: PULLED });
    await move('Europe/Brussels');

    const bases = await db.superuser(
      `select split_part(basis, ' ', 2) as zone from sync_schedules
       where schedule = 'nightly' and tenant_id = $1`,
      [tenant.tenantId],
    );
    expect(bases).toEqual([{ zone: 'Europe/Brussels' }, { zone: 'Europe/Brussels' }]);
  });

  it('rule 29: runs the skipped schedule date at once after a move to the east', async () => {
    await fireSchedule('nightly', '2027-01-10T02:00:00Z');
    await endRuns();
    now = new Date('2027-01-10T20:00:00Z'); // 7:00 on the 11th in Sydney
    await move('Australia/Sydney');
    await endRuns();
    await fireSchedule('nightly', '2027-01-12T02:00:00+11:00');

    expect((await runs()).map((run) => run.local_date)).toEqual(['2027-01-10', '2027-01-11', '2027-01-12']);
    expect(await skipped()).toEqual([]);
  });

  it('rule 29: has no second run for the repeated date after a move to the west', async () => {
    await tenant.work((work) => changeTenant(work, { timeZone: 'Australia/Sydney' }));
    await fireSchedule('nightly', '2027-01-10T02:00:00+11:00');
    await endRuns();
    await move('America/New_York');
    expect(await fireSchedule('nightly', '2027-01-10T02:00:00-05:00')).toMatchObject({
      outcome: 'skipped_already_ran',
    });
    await fireSchedule('nightly', '2027-01-10T03:15:00-05:00');
    await fireSchedule('nightly', '2027-01-11T02:00:00-05:00');

    expect((await runs()).map((run) => run.local_date)).toEqual(['2027-01-10', '2027-01-11']);
  });

  it('causes no run before the first schedule date', async () => {
    now = new Date('2027-01-10T20:00:00Z');
    await move('Australia/Sydney');

    expect(await runs()).toEqual([]);
  });
});

it('lists skipped runs, newest first, page by page, and only of this integration', async () => {
  await tenant.work((work) => pauseIntegration(work, { integrationId }));
  for (const hour of ['05', '06', '07']) await fireSchedule('hourly', `2027-01-10T${hour}:17:00Z`);
  const hours = (skippedRuns: { scheduledAt: Date }[]) =>
    skippedRuns.map(({ scheduledAt }) => scheduledAt.getUTCHours());

  const first = await tenant.work((work) => listSkippedRuns(work, { integrationId, limit: 2 }));
  const rest = await tenant.work((work) =>
    listSkippedRuns(work, { integrationId, limit: 2, before: first.at(-1)?.skippedRunId }),
  );
  const other = await tenant.integration({ recordTypes: PULLED, nightlySyncAt: '02:00' });

  expect([hours(first), hours(rest)]).toEqual([[7, 6], [5]]);
  expect(await tenant.work((work) => listSkippedRuns(work, { integrationId: other, limit: 2 }))).toEqual([]);
});
