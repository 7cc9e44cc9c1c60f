/** A database that went back in time is detected with a real Temporal server, whatever restored it. */
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { databaseMarkScheduleId } from '../../contract/sync-schedule';
import { detectRestore } from '../../worker/restore-detector';
import { GivenTenant, openTestDb, type TestDb } from '../db/given';
import { connectDevServer } from '../support/servers/temporal';

const PUSHED = { employees: { direction: 'push' as const, fields: [], onDelete: 'leave' as const } };
const silent = { info() {}, warn() {}, error() {} };
let env: TestWorkflowEnvironment;
let db: TestDb;
let tenant: GivenTenant;
let integrationId: string;

beforeAll(async () => {
  env = await connectDevServer();
});
afterAll(() => env?.teardown());
beforeEach(async () => {
  lost = 0;
  db = await openTestDb();
  tenant = await GivenTenant.create(db);
  integrationId = await tenant.integration({ recordTypes: PUSHED });
});
afterEach(() => db.end());

let lost: number;
const options = () => ({
  client: env.client,
  database: db.database,
  log: silent,
  onTemporalLost: async () => void (lost += 1),
});
const detect = () => detectRestore(options());
const unverified = async () => {
  const [row] = await db.superuser('select unverified_types from integrations where integration_id = $1', [
    integrationId,
  ]);
  return Object.keys(row?.unverified_types as object);
};
const runs = () =>
  db.superuser(`select kind, started_by, state from sync_runs where integration_id = $1`, [integrationId]);
const installation = async () => (await db.superuser('select * from installations'))[0];

describe('rule 54: after a restore every pair is unverified until it was compared', () => {
  it('finds nothing in a database that only grows, however many workers look at the same time', async () => {
    expect(await detect()).toBeUndefined();
    for (let round = 0; round < 3; round += 1)
      expect(await Promise.all([detect(), detect(), detect()])).toEqual([undefined, undefined, undefined]);

    expect(await unverified()).toEqual([]);
    expect(await runs()).toEqual([]);
    expect(lost).toBe(0);
    const { installation_id: id } = (await installation()) as { installation_id: string };
    const { state, info } = await env.client.schedule.getHandle(databaseMarkScheduleId(id)).describe();
    expect({ paused: state.paused, started: info.numActionsTaken, next: info.nextActionTimes }).toEqual({
      paused: true,
      started: 0,
      next: [],
    });
  });

  it('X12: a snapshot that an operator restored without `npm run restore` is detected, and compared once', async () => {
    await detect();
    const [before] = await db.superuser('select * from installations');
    await detect();
    await db.superuser('update installations set marked_at = $1', [before?.marked_at]);

    expect(await detect()).toMatch(/^The database is of .+, but it had reached /);
    expect(await unverified()).toEqual(['employees']);
    expect(await runs()).toEqual([{ kind: 'nightly', started_by: 'restore', state: 'queued' }]);

    expect(await detect()).toBeUndefined();
    expect(await runs()).toHaveLength(1);
  });

  it.each([
    ['a recovery to a point in time has another timeline', '/00000000/'],
    ['a dump in another cluster has another system', '0/$1/'],
  ])('X12: %s', async (_, server) => {
    await detect();
    await db.superuser('update installations set server = $1', [server]);
    expect(await detect()).toMatch(/^The database runs on another server, timeline or database/);
    expect(await unverified()).toEqual(['employees']);
    expect(await detect()).toBeUndefined();
  });

  it('X12: a worker that dies during the marking leaves the restore to the next one', async () => {
    await detect();
    await db.superuser(`update installations set marked_at = marked_at - interval '10 minutes'`);
    const dying = new Proxy(db.database, {
      get: (target, name) =>
        name === 'withTenant'
          ? () => Promise.reject(new Error('The worker died.'))
          : (Reflect.get(target, name) as () => unknown).bind(target),
    });
    await expect(detectRestore({ ...options(), database: dying })).rejects.toThrow('died');

    expect(await detect()).toMatch(/^The database is of /);
    expect(await unverified()).toEqual(['employees']);
  });

  it('a clock that is set back by an hour is no restore', async () => {
    await detect();
    await db.superuser(`update installations set marked_at = marked_at + interval '1 hour'`);
    const [ahead] = await db.superuser('select * from installations');
    await detect();
    expect(await detect()).toBeUndefined();
    expect((await installation())?.marked_at).not.toEqual(ahead?.marked_at);
    expect(await unverified()).toEqual([]);
  });

  it('a Temporal whose data was lost, or that was restored, gets its work again and is no restore', async () => {
    await detect();
    const { installation_id: id } = (await installation()) as { installation_id: string };
    await env.client.schedule.getHandle(databaseMarkScheduleId(id)).delete();
    expect(await detect()).toBeUndefined();
    expect(lost).toBe(1);
    expect(await detect()).toBeUndefined();
    expect(lost).toBe(1);

    await db.superuser(`update installations set marked_at = marked_at + interval '10 minutes'`);
    expect(await detect()).toBeUndefined();
    expect(lost).toBe(2);
    expect(await unverified()).toEqual([]);
  });
});
