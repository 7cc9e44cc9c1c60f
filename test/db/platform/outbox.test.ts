/** From the outbox to signals: ARCHITECTURE.md, rules.md R3. */
import { newUuid } from '../../../db/sql/ids';
import { type Due, enqueuePush } from '../../../db/platform/outbox';
import { flushOutbox, type OutboxHandler } from '../../../worker/outbox-dispatcher';
import { sweep } from '../../../worker/sweeper';
import { GivenTenant, openTestDb, type TestDb } from '../given';

let db: TestDb;
let tenant: GivenTenant;
let signals: { tenantId: string; integrationId: string; nextDueAt: number }[];

beforeAll(async () => {
  db = await openTestDb();
});
afterAll(() => db.end());
beforeEach(async () => {
  await db.superuser('truncate outbox');
  tenant = await GivenTenant.create(db);
  signals = [];
});

const silent = { info() {}, warn() {}, error() {} };
const signalPushQueue: OutboxHandler = (due) => {
  signals.push({ tenantId: due.tenantId, integrationId: due.subjectId, nextDueAt: due.nextDueAt.getTime() });
  return Promise.resolve();
};
const flush = (signal: OutboxHandler = signalPushQueue) =>
  flushOutbox({ database: db.database, handleRow: signal });
const handleRow = (integrationId: string, nextDueAt: Date) =>
  tenant.work((work) => enqueuePush(work, { integrationId, nextDueAt }));
const rowsLeft = async () => (await db.superuser('select * from outbox')).length;

describe('the dispatcher', () => {
  it('sends one signal per lane, with the earliest instant', async () => {
    const [one, other] = [newUuid(), newUuid()];
    for (const minutes of [5, 2, 9]) await handleRow(one, new Date(minutes * 60_000));
    await handleRow(other, new Date(60_000));

    await flush();

    expect(signals.toSorted((a, b) => a.nextDueAt - b.nextDueAt)).toEqual([
      { tenantId: tenant.tenantId, integrationId: other, nextDueAt: 60_000 },
      { tenantId: tenant.tenantId, integrationId: one, nextDueAt: 120_000 },
    ]);
    expect(await rowsLeft()).toBe(0);
  });

  it('loses nothing when Temporal does not answer', async () => {
    await handleRow(newUuid(), new Date());
    await expect(flush(() => Promise.reject(new Error('Temporal is down.')))).rejects.toThrow(
      'Temporal is down.',
    );

    expect(await rowsLeft()).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 3_200)); // the lease of who failed
    await flush();
    expect(signals).toHaveLength(1);
  });

  it('does not let one lane that takes no signal stand before all others', async () => {
    const stuck = newUuid();
    for (let row = 0; row < 600; row += 1) await handleRow(stuck, new Date());
    const others = Array.from({ length: 40 }, () => newUuid());
    for (const integrationId of others) await handleRow(integrationId, new Date());
    const signal = (due: Due) =>
      due.subjectId === stuck ? Promise.reject(new Error('It has too many signals.')) : signalPushQueue(due);

    for (let flushes = 0; flushes < 6; flushes += 1) await flush(signal).catch(() => undefined);

    expect(new Set(signals.map(({ integrationId }) => integrationId))).toEqual(new Set(others));
    expect(await rowsLeft()).toBe(600);
  });

  it('shares the rows with others: each is sent by one of them', async () => {
    const queues = Array.from({ length: 60 }, () => newUuid());
    for (const integrationId of queues) await handleRow(integrationId, new Date());

    await Promise.all([flush(), flush(), flush()]);
    await flush();

    expect(signals.map(({ integrationId }) => integrationId).toSorted()).toEqual(queues.toSorted());
  });
});

describe('the sweep', () => {
  const minutesAgo = (minutes: number) => new Date(Date.now() - minutes * 60_000);
  const overdue = async (settings: Parameters<GivenTenant['integration']>[0] = {}) => {
    const integrationId = await tenant.integration(settings);
    await tenant.accept({ externalId: newUuid(), fields: { name: 'A' } });
    await tenant.work(({ trx }) =>
      trx
        .updateTable('recordSyncs')
        .set({ dueAt: minutesAgo(2) })
        .where('integrationId', '=', integrationId)
        .execute(),
    );
    return integrationId;
  };
  const swept = async () => {
    await sweep({ database: db.database, handleRow: signalPushQueue, log: silent });
    return signals
      .filter(({ tenantId }) => tenantId === tenant.tenantId)
      .map(({ integrationId }) => integrationId);
  };

  it('signals a lane with work overdue by more than a minute', async () => {
    const integrationId = await overdue();

    expect(await swept()).toEqual([integrationId]);
  });

  it('does not signal lanes whose work is not due, or that are paused, blocked, unauthorized or deleted', async () => {
    await tenant.integration();
    await tenant.accept({ externalId: 'e1', fields: { name: 'A' } });
    const [paused, blocked, unauthorized, deleted] = [
      await overdue(),
      await overdue(),
      await overdue(),
      await overdue(),
    ];
    await db.superuser('update record_syncs set due_at = $1 where tenant_id = $2', [
      minutesAgo(2),
      tenant.tenantId,
    ]);
    await db.superuser(
      'update record_syncs set due_at = now() where integration_id not in ($1, $2, $3, $4)',
      [paused, blocked, unauthorized, deleted],
    );
    await db.superuser('update integrations set paused_at = now() where integration_id = $1', [paused]);
    await db.superuser(
      `update integrations set blocked_until = now() + interval '1 hour', blocked_reason = 'outage' where integration_id = $1`,
      [blocked],
    );
    await db.superuser('update integrations set needs_reauthorization_at = now() where integration_id = $1', [
      unauthorized,
    ]);
    await db.superuser('update integrations set deleted_at = now() where integration_id = $1', [deleted]);

    expect(await swept()).toEqual([]);
  });

  it('does not stop at a lane that takes no signal', async () => {
    const [one, other] = [await overdue(), await overdue()];
    const failing = (due: Due) =>
      due.subjectId === one ? Promise.reject(new Error('It has too many signals.')) : signalPushQueue(due);

    await expect(sweep({ database: db.database, handleRow: failing, log: silent })).rejects.toThrow(
      'It has too many signals.',
    );

    expect(signals.map(({ integrationId }) => integrationId)).toContain(other);
  });
});
