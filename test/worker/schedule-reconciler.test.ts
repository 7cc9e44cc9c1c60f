/**
 * The schedules of integrations on a real Temporal server: their scheduled times when clocks change, over
 * three years (rules.md 29), and their reconciliation with the rows. The server lists the matching times of
 * every year, so no test waits for them.
 */
import { randomBytes } from 'node:crypto';
import type { ScheduleDescription, ScheduleHandle } from '@temporalio/client';
import { msToTs, tsToMs } from '@temporalio/common/lib/time';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import type { Worker } from '@temporalio/worker';
import { type SyncSchedule, syncScheduleId } from '../../contract/sync-schedule';
import { newUuid } from '../../db/sql/ids';
import {
  changeIntegration,
  deleteIntegration,
  pauseIntegration,
  resumeIntegration,
} from '../../db/sync-runs/integration-lifecycle';
import { createEncryption } from '../../db/platform/encryption';
import { listSkippedRuns } from '../../db/sync-runs/scheduled-requests';
import { changeTenant } from '../../db/sync-runs/time-zone-change';
import {
  addDays,
  fallbackTime,
  hourlyMinute,
  instantsOf,
  minutesOf,
  nightlyInstant,
  scheduleDateOf,
  offsetMinutes,
} from '../../domain/sync-runs/nightly-schedule';
import { createWebhookSender } from '../../egress/webhook-sender';
import { createDependencies } from '../../worker/dependencies';
import { flushOutbox } from '../support/flush-outbox';
import { ensureSearchAttributes } from '../../worker/search-attributes';
import { syncScheduleOptions } from '../../worker/sync-schedule-options';
import {
  startScheduleReconciler,
  reconcileAllSyncSchedules,
  reconcileSyncSchedules,
} from '../../worker/schedule-reconciler';
import { createOutboxHandlers, type OutboxHandler } from '../../worker/outbox-handlers';
import { createWorkers } from '../../worker/worker';
import { GivenTenant, openTestDb, type TestDb } from '../db/given';
import { workflowBundle } from '../support/servers/shared-servers';
import { connectDevServer } from '../support/servers/temporal';
import { until } from '../support/until';

const ZONES = [
  'America/New_York',
  'Europe/London',
  'Australia/Sydney',
  'Australia/Lord_Howe',
  'America/Santiago',
  'Asia/Kolkata',
];
const TIMES = ['00:30', '01:30', '02:00', '02:30', '03:00', '23:30'];
const [FIRST, LAST] = ['2026-12-01', '2029-12-01'];
const HOUR_MS = 3_600_000;
const JITTER_MS = 5 * 60_000;
const PULLED = { employees: { direction: 'pull' as const, fields: [], onDelete: 'leave' as const } };
const silent = { info() {}, warn() {}, error() {} };

let env: TestWorkflowEnvironment & { namespace: string };
let db: TestDb;
let workers: Worker[];
let running: Promise<unknown>;
let handleRow: OutboxHandler;
let tenant: GivenTenant;
let integrationId: string;

/** An integration whose hourly schedule does not fire during a test, and whose jitter stays in its hour. */
function quietId(): string {
  for (;;) {
    const id = newUuid();
    const minute = hourlyMinute(id);
    const untilItsHour = (minute - new Date().getUTCMinutes() + 60) % 60;
    if (minute < 54 && untilItsHour > 5 && untilItsHour < 50) return id;
  }
}
const tools = () => ({ client: env.client, database: db.database, hasSearchAttributes: true });
const reconcile = () => reconcileSyncSchedules(tools(), { tenantId: tenant.tenantId, integrationId });
const handle = (schedule: SyncSchedule, of = integrationId): ScheduleHandle =>
  env.client.schedule.getHandle(syncScheduleId({ integrationId: of, schedule }));
const find = (schedule: SyncSchedule, of = integrationId): Promise<ScheduleDescription | null> =>
  handle(schedule, of)
    .describe()
    .catch(() => null);
/**
 * As the dispatcher does all the time; nothing here reads a third party, so runs stay as they are asked for.
 */
const dispatch = async () => {
  await db.superuser(`delete from outbox where topic <> 'sync_schedule'`);
  await flushOutbox({ database: db.database, handleRow });
};
const runs = () =>
  db.superuser(
    `select kind, local_date::text, state from sync_runs where integration_id = $1 and kind <> 'onboarding' order by sync_run_id`,
    [integrationId],
  );
const endRuns = () =>
  db.superuser(
    `update sync_runs set state = 'succeeded', started_at = coalesce(started_at, requested_at), finished_at = requested_at where integration_id = $1 and finished_at is null`,
    [integrationId],
  );
const skipped = () => tenant.work((work) => listSkippedRuns(work, { integrationId, limit: 100 }));
/** Waits until this many of the last ten scheduled workflows have decided. */
async function untilTicks(schedule: SyncSchedule, count: number): Promise<void> {
  const actions = await until(`${count} ticks`, async () => {
    const { info } = await handle(schedule).describe();
    return info.numActionsTaken >= count && info.recentActions;
  });
  await Promise.all(
    actions.map(({ action }) => env.client.workflow.getHandle(action.workflow.workflowId).result()),
  );
}
/** The server's next action times, jitter included. */
async function matchingTimes(scheduleId: string, from: Date, to: Date): Promise<Date[]> {
  const { startTime } = await env.client.workflowService.listScheduleMatchingTimes({
    namespace: env.namespace,
    scheduleId,
    startTime: msToTs(from.getTime()),
    endTime: msToTs(to.getTime()),
  });
  return startTime.map((time) => new Date(tsToMs(time)));
}
const clocks = (description: ScheduleDescription | null) =>
  description?.spec.calendars?.map(({ hour, minute }) => `${hour[0]?.start}:${minute[0]?.start}`);

beforeAll(async () => {
  [env, db] = await Promise.all([connectDevServer(), openTestDb()]);
  await ensureSearchAttributes(env.connection, env.namespace, silent);
  handleRow = createOutboxHandlers(env.client, { hasSearchAttributes: true, database: db.database });
  const dependencies = createDependencies({
    database: db.database,
    encryption: createEncryption({ keys: [{ keyId: 'test', secret: randomBytes(32) }] }),
    connectors: {},
    createHttpClient: () => ({ send: () => Promise.reject(new Error('No network here.')) }),
    createSocketOpener: () => ({ open: () => Promise.reject(new Error('No network here.')) }),
    mailer: null,
    webhookSender: createWebhookSender({ policy: { allowCidrs: [], allowHttp: false } }),
    log: silent,
    isStopping: () => false,
  });
  workers = await createWorkers({
    connection: env.nativeConnection,
    namespace: env.namespace,
    dependencies,
    workflows: { workflowBundle: workflowBundle() },
  });
  running = Promise.all(workers.map((worker) => worker.run()));
}, 60_000);
afterAll(async () => {
  for (const worker of workers ?? []) worker.shutdown();
  await running;
  await env?.teardown();
  await db?.end();
});
beforeEach(async () => {
  tenant = await GivenTenant.create(db);
  integrationId = quietId();
  await tenant.integration({ integrationId, recordTypes: PULLED });
  await endRuns();
  await db.superuser('update integrations set onboarded_at = now() where integration_id = $1', [
    integrationId,
  ]);
  await dispatch();
});

describe.each(ZONES)('rule 29, in %s: the server', (zone) => {
  it.each(TIMES)(
    'has run times at %s for exactly one run per local date for three years',
    async (nightlyAt) => {
      const place = { tenantId: newUuid(), integrationId: newUuid() };
      const options = syncScheduleOptions({
        ...place,
        schedule: 'nightly',
        nightlyAt,
        zone,
        hasSearchAttributes: false,
      });
      await env.client.schedule.create({ ...options, state: { paused: true } });
      const ticks: Date[] = [];
      for (const year of [2026, 2027, 2028])
        ticks.push(
          ...(await matchingTimes(
            options.scheduleId,
            new Date(`${year}-12-01T12:00:00Z`),
            new Date(`${year + 1}-12-01T12:00:00Z`),
          )),
        );

      // Every date has exactly one time, which is all that the rows need.
      const dates: string[] = [];
      for (let date = FIRST; date < LAST; date = addDays(date, 1)) dates.push(date);
      const scheduleDates = new Set(ticks.map((tick) => scheduleDateOf(tick, nightlyAt, zone)));
      expect(
        [...scheduleDates].filter((scheduleDate) => scheduleDate > FIRST && scheduleDate < LAST),
      ).toEqual(dates.slice(1));

      // It uses our clock. Where clocks are moved it makes fewer ticks than the clock shows times, or one up
      // to an hour off.
      const isQuiet = (at: number) =>
        offsetMinutes(new Date(at - 30 * HOUR_MS), zone) === offsetMinutes(new Date(at + 30 * HOUR_MS), zone);
      const foreseen = dates
        .slice(2, -2)
        .flatMap((date) =>
          [nightlyAt, fallbackTime(nightlyAt)].flatMap((time) =>
            instantsOf({ date, minutes: minutesOf(time) }, zone),
          ),
        )
        .map((at) => at.getTime())
        .filter(isQuiet)
        .sort((a, b) => a - b);
      const times = ticks.map((tick) => tick.getTime());
      expect(foreseen.length).toBeGreaterThan(2_100);
      expect(foreseen.filter((at) => !times.some((time) => time >= at && time <= at + JITTER_MS))).toEqual(
        [],
      );
    },
  );
});

describe('rule 29: scheduled runs when New York changes its clocks', () => {
  beforeEach(async () => {
    await tenant.work((work) => changeTenant(work, { timeZone: 'America/New_York' }));
  });
  const nightlyAt = async (nightlySyncAt: string) => {
    await tenant.work((work) => changeIntegration(work, { integrationId, change: { nightlySyncAt } }));
    await dispatch();
  };
  const backfill = (start: string, end: string) =>
    handle('nightly').backfill({ start: new Date(start), end: new Date(end), overlap: 'BUFFER_ALL' });

  it('start one run in spring, by the fallback time', async () => {
    await nightlyAt('02:30');
    await backfill('2027-03-14T01:00:00-05:00', '2027-03-14T12:00:00-04:00');
    await untilTicks('nightly', 1);

    expect(await runs()).toEqual([{ kind: 'nightly', local_date: '2027-03-14', state: 'queued' }]);
    expect(await skipped()).toEqual([]);
  });

  it('start one run in autumn, out of three scheduled times; the repeated time is logged', async () => {
    await nightlyAt('01:30');
    await backfill('2027-11-07T00:00:00-04:00', '2027-11-07T12:00:00-05:00');
    await untilTicks('nightly', 3);

    expect(await runs()).toEqual([{ kind: 'nightly', local_date: '2027-11-07', state: 'queued' }]);
    expect(await skipped()).toMatchObject([
      { reason: 'skipped_already_ran', scheduledAt: new Date('2027-11-07T01:30:00-05:00') },
    ]);
  });

  it('start one run per date on the days around, even if requested twice', async () => {
    await nightlyAt('01:30');
    for (let round = 0; round < 2; round += 1)
      for (const day of ['06', '07', '08']) {
        const { info } = await handle('nightly').describe();
        await backfill(`2027-11-${day}T05:00:00Z`, `2027-11-${day}T18:00:00Z`);
        // Temporal starts no second workflow for a scheduled time whose workflow it still knows.
        if (round === 0) await untilTicks('nightly', info.numActionsTaken + (day === '07' ? 3 : 2));
        await endRuns();
      }

    expect((await runs()).map((run) => run.local_date)).toEqual(['2027-11-06', '2027-11-07', '2027-11-08']);
  });
});

describe('rule 29: scheduled runs in other zones', () => {
  it.each([
    ['Europe/London', '01:30', '2027-03-28'],
    ['Europe/London', '01:30', '2027-10-31'],
    ['Australia/Sydney', '02:30', '2027-10-03'],
    ['Australia/Sydney', '02:30', '2027-04-04'],
    ['Australia/Lord_Howe', '02:00', '2027-10-03'],
    ['Australia/Lord_Howe', '01:30', '2027-04-04'],
    ['America/Santiago', '00:30', '2027-09-05'],
    ['America/Santiago', '23:30', '2027-04-03'],
    ['Asia/Kolkata', '23:30', '2027-04-03'],
  ])('in %s have one run at %s on %s', async (timeZone, nightlySyncAt, date) => {
    await tenant.work((work) => changeTenant(work, { timeZone }));
    await tenant.work((work) => changeIntegration(work, { integrationId, change: { nightlySyncAt } }));
    await dispatch();
    const at = nightlyInstant(date, nightlySyncAt, timeZone)?.getTime() ?? 0;
    const [start, end] = [new Date(at - 6 * HOUR_MS), new Date(at + 8 * HOUR_MS)];
    const foreseen = await matchingTimes(syncScheduleId({ integrationId, schedule: 'nightly' }), start, end);
    await handle('nightly').backfill({ start, end, overlap: 'BUFFER_ALL' });
    await untilTicks('nightly', foreseen.length);

    expect(foreseen.length).toBeGreaterThan(0);
    expect(await runs()).toEqual([{ kind: 'nightly', local_date: date, state: 'queued' }]);
  });
});

describe('the schedules of an integration', () => {
  it("run hourly at a minute of its own, and nightly with a fallback in the tenant's time zone", async () => {
    const [hourly, nightly] = await Promise.all([find('hourly'), find('nightly')]);

    expect(hourly).toMatchObject({
      policies: { overlap: 'SKIP', catchupWindow: HOUR_MS },
      spec: { jitter: JITTER_MS },
      state: { paused: false },
    });
    expect(nightly).toMatchObject({
      policies: { overlap: 'BUFFER_ONE', catchupWindow: 12 * HOUR_MS },
      spec: { timezone: 'UTC', jitter: JITTER_MS },
    });
    expect(clocks(nightly)).toEqual(['2:0', '3:15']);
    const minutes = hourly?.info.nextActionTimes.map((at) => Math.floor((at.getTime() % HOUR_MS) / 60_000));
    expect(
      new Set(hourly?.info.nextActionTimes.map((at) => Math.floor(at.getTime() / HOUR_MS))).size,
    ).toBeGreaterThanOrEqual(minutes?.length ?? 1);
    expect(nightly?.state.note).toContain('03:15');
    expect(hourly?.typedSearchAttributes.getAll()).toHaveLength(2);
  });

  it('are not changed if they are up to date; concurrent reconciliations are harmless', async () => {
    const before = await find('nightly');
    await Promise.all(Array.from({ length: 8 }, reconcile));

    expect(before?.info.lastUpdatedAt).toBeUndefined();
    expect((await find('nightly'))?.info.lastUpdatedAt).toBeUndefined();
    expect((await find('hourly'))?.info.lastUpdatedAt).toBeUndefined();
  });

  it('follow the settings and the time zone, and stay paused if an operator paused them', async () => {
    await handle('nightly').pause('Ana looks at something');
    await tenant.work((work) =>
      changeIntegration(work, { integrationId, change: { nightlySyncAt: '23:30' } }),
    );
    await tenant.work((work) => changeTenant(work, { timeZone: 'Asia/Kolkata' }));
    await dispatch();

    const nightly = await find('nightly');
    expect(clocks(nightly)).toEqual(['23:30', '0:45']);
    expect(nightly).toMatchObject({
      spec: { timezone: 'Asia/Kolkata' },
      state: { paused: true, note: 'Ana looks at something' },
    });
  });

  it('are deleted and created with the settings, and deleted with the integration', async () => {
    const change = async (settings: object) => {
      await tenant.work((work) => changeIntegration(work, { integrationId, change: settings }));
      await dispatch();
      return [(await find('hourly')) !== null, (await find('nightly')) !== null];
    };
    expect(await change({ isHourlySyncOn: false })).toEqual([false, true]);
    expect(await change({ nightlySyncAt: null })).toEqual([false, false]);
    expect(await change({ isHourlySyncOn: true, nightlySyncAt: '04:00' })).toEqual([true, true]);
    const pushed = {
      employees: {
        direction: 'push' as const,
        fields: [{ name: 'name', to: 'name' }],
        onDelete: 'leave' as const,
      },
    };
    expect(await change({ recordTypes: pushed })).toEqual([false, true]);
    expect(await change({ recordTypes: PULLED })).toEqual([true, true]);
    await tenant.work((work) => deleteIntegration(work, { integrationId }));
    await dispatch();

    expect([await find('hourly'), await find('nightly')]).toEqual([null, null]);
  });

  it('rule 54: of an integration that only pushes is nightly', async () => {
    const pushing = await tenant.integration();
    await reconcileAllSyncSchedules(tools());

    expect(await find('hourly', pushing)).toBeNull();
    expect(clocks(await find('nightly', pushing))).toEqual(['2:0', '3:15']);
  });

  it('are created again at the start of a worker if Temporal has lost them', async () => {
    await handle('hourly').delete();
    await handle('nightly').delete();
    const keeping = startScheduleReconciler({ ...tools(), log: silent });
    await until(
      'they are back',
      async () => (await find('hourly')) !== null && (await find('nightly')) !== null,
    );
    await keeping.stop();

    expect(clocks(await find('nightly'))).toEqual(['2:0', '3:15']);
  });
});

describe('a scheduled run', () => {
  it('rule 16: is skipped and logged while the integration is paused; the schedule stays', async () => {
    await tenant.work((work) => pauseIntegration(work, { integrationId }));
    await dispatch();
    await handle('hourly').trigger();
    await untilTicks('hourly', 1);
    expect(await skipped()).toMatchObject([{ schedule: 'hourly', reason: 'skipped_paused' }]);
    expect(await runs()).toEqual([]);

    await tenant.work((work) => resumeIntegration(work, { integrationId }));
    const lastHour = new Date(Math.floor(Date.now() / HOUR_MS) * HOUR_MS);
    await handle('hourly').backfill({
      start: new Date(lastHour.getTime() - HOUR_MS),
      end: lastHour,
      overlap: 'BUFFER_ALL', // the schedule may not have noticed yet that the first one has ended
    });
    await untilTicks('hourly', 2);
    expect(await runs()).toEqual([{ kind: 'hourly', local_date: null, state: 'queued' }]);
  });

  it('rule 30, R16: after six hours without Temporal there is one catch-up run, not six', async () => {
    const now = Date.now();
    await handle('hourly').backfill({
      start: new Date(now - 6 * HOUR_MS),
      end: new Date(now),
      overlap: 'BUFFER_ALL',
    });
    await untilTicks('hourly', 5);

    expect(await runs()).toEqual([{ kind: 'hourly', local_date: null, state: 'queued' }]);
  });

  it("rule 30: is logged with the active run's id and its scheduled time", async () => {
    const start = new Date(Math.floor(Date.now() / HOUR_MS) * HOUR_MS + 24 * HOUR_MS);
    const backfill = (hours: number) =>
      handle('hourly').backfill({
        start: new Date(start.getTime() + hours * HOUR_MS - 1),
        end: new Date(start.getTime() + (hours + 1) * HOUR_MS - 1),
        overlap: 'BUFFER_ALL', // the schedule may not have noticed yet that the first one has ended
      });
    await backfill(0);
    await untilTicks('hourly', 1);
    await backfill(5);
    await untilTicks('hourly', 2);

    const [run] = await db.superuser(
      `select sync_run_id from sync_runs where integration_id = $1 and kind = 'hourly'`,
      [integrationId],
    );
    const [tick, ...more] = await skipped();
    expect(more).toEqual([]);
    expect(tick).toMatchObject({ reason: 'skipped_overlap', syncRunId: run?.sync_run_id });
    expect(Math.floor((tick?.scheduledAt.getTime() ?? 0) / HOUR_MS)).toBe(start.getTime() / HOUR_MS + 5);
  });
});
