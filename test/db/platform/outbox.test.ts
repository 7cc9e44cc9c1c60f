/** From outbox rows to signals, and the sweep that finds stalled work: rules.md R3. */
import type { Client } from '@temporalio/client';
import { newUuid } from '../../../db/sql/ids';
import { countRefusedMessages, type DueMessage, enqueuePush, subjectIdOf } from '../../../db/platform/outbox';
import type { RefusedMessage } from '../../../worker/outbox-flush';
import { flushOutbox } from '../../support/flush-outbox';
import { createOutboxHandlers, type OutboxHandler } from '../../../worker/outbox-handlers';
import { sweep } from '../../../worker/stalled-work-sweeper';
import { TemporalAway } from '../../../worker/temporal-away';
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
const signalPushQueue: OutboxHandler = (message) => {
  const { tenantId, nextDueAt } = message;
  signals.push({ tenantId, integrationId: subjectIdOf(message), nextDueAt: nextDueAt.getTime() });
  return Promise.resolve();
};
const refuse = (integrationId: string) => (message: DueMessage) =>
  subjectIdOf(message) === integrationId
    ? Promise.reject(new Error('It has too many signals.'))
    : signalPushQueue(message);
const flush = (signal: OutboxHandler = signalPushQueue) =>
  flushOutbox({ database: db.database, handleRow: signal });
const enqueue = (integrationId: string, nextDueAt: Date) =>
  tenant.work((work) => enqueuePush(work, { integrationId, nextDueAt }));
const rowsLeft = async () => (await db.superuser('select * from outbox')).length;

describe('the dispatcher', () => {
  it('sends one signal per push queue, with the earliest instant', async () => {
    const [one, other] = [newUuid(), newUuid()];
    for (const minutes of [5, 2, 9]) await enqueue(one, new Date(minutes * 60_000));
    await enqueue(other, new Date(60_000));

    await flush();

    expect(signals.toSorted((a, b) => a.nextDueAt - b.nextDueAt)).toEqual([
      { tenantId: tenant.tenantId, integrationId: other, nextDueAt: 60_000 },
      { tenantId: tenant.tenantId, integrationId: one, nextDueAt: 120_000 },
    ]);
    expect(await rowsLeft()).toBe(0);
  });

  it('loses nothing when Temporal does not answer', async () => {
    await enqueue(newUuid(), new Date());
    const temporalIsDown = () => Promise.reject(new TemporalAway(new Error('14 UNAVAILABLE')));
    await expect(flush(temporalIsDown)).rejects.toThrow(TemporalAway);

    expect(await rowsLeft()).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 3_200)); // until the lease ends
    await flush();
    expect(signals).toHaveLength(1);
  });

  it('sends all other messages while one push queue accepts no signal', async () => {
    const stuck = newUuid();
    for (let row = 0; row < 600; row += 1) await enqueue(stuck, new Date());
    const others = Array.from({ length: 40 }, () => newUuid());
    for (const integrationId of others) await enqueue(integrationId, new Date());
    for (let flushes = 0; flushes < 6; flushes += 1) await flush(refuse(stuck)).catch(() => undefined);

    expect(new Set(signals.map(({ integrationId }) => integrationId))).toEqual(new Set(others));
    expect(await rowsLeft()).toBe(600);
  });

  it('shares the rows with other dispatchers: one of them sends each message', async () => {
    const queues = Array.from({ length: 60 }, () => newUuid());
    for (const integrationId of queues) await enqueue(integrationId, new Date());

    await Promise.all([flush(), flush(), flush()]);
    await flush();

    expect(signals.map(({ integrationId }) => integrationId).toSorted()).toEqual(queues.toSorted());
  });
});

describe('messages that are refused', () => {
  const enqueueMany = async (count: number): Promise<string[]> => {
    const ids = Array.from({ length: count }, () => newUuid());
    for (const integrationId of ids) await enqueue(integrationId, new Date());
    return ids;
  };

  it('rule 60: one tenant whose 300 messages are refused delays no other tenant (F3)', async () => {
    const refused = await enqueueMany(300);
    const others = await enqueueMany(100);
    const refuseThem: OutboxHandler = (message) =>
      refused.includes(subjectIdOf(message))
        ? Promise.reject(new Error('unknown time zone europe/berlin'))
        : signalPushQueue(message);

    await flush(refuseThem);
    await flush(refuseThem);

    expect(signals.map(({ integrationId }) => integrationId).toSorted()).toEqual(others.toSorted());
    const rows = await db.superuser('select attempts, last_error from outbox');
    expect(rows).toHaveLength(300);
    expect(new Set(rows.map((row) => JSON.stringify(row)))).toEqual(
      new Set(['{"attempts":1,"last_error":"Error: unknown time zone europe/berlin"}']),
    );
  });

  it('rule 60: one whose error PostgreSQL cannot store delays no other message', async () => {
    const [refused = '', ...others] = await enqueueMany(20);
    const refuseIt: OutboxHandler = (message) =>
      subjectIdOf(message) === refused
        ? Promise.reject(new Error('14 UNAVAILABLE: \0\uD83D'))
        : signalPushQueue(message);

    await flush(refuseIt);

    expect(signals.map(({ integrationId }) => integrationId).toSorted()).toEqual(others.toSorted());
    expect(await db.superuser('select attempts, last_error from outbox')).toEqual([
      { attempts: 1, last_error: 'Error: 14 UNAVAILABLE: \u2400\uFFFD' },
    ]);
  });

  it('rule 60: back off longer each time, are reported by id, and are sent once they are accepted', async () => {
    const [stuck = ''] = await enqueueMany(1);
    const reported: RefusedMessage[] = [];
    const tryAgain = async (handleRow: OutboxHandler) => {
      await db.superuser('update outbox set leased_until = null');
      await flushOutbox({ database: db.database, handleRow, onRefused: (each) => reported.push(each) });
      const rows = await db.superuser(
        'select leased_until - clock_timestamp() > $1::interval as yes from outbox',
        [`${2 ** reported.length - 1} seconds`],
      );
      return rows.map(({ yes }) => yes);
    };

    const waits = [
      await tryAgain(refuse(stuck)),
      await tryAgain(refuse(stuck)),
      await tryAgain(refuse(stuck)),
    ];
    const count = await db.database.withDispatcher((work) => countRefusedMessages(work, { attempts: 3 }));
    await tryAgain(signalPushQueue);

    expect(waits).toEqual([[true], [true], [true]]);
    expect(reported.map(({ subjectId, attempts }) => [subjectId, attempts])).toEqual([
      [stuck, 1],
      [stuck, 2],
      [stuck, 3],
    ]);
    expect(count).toBe(1);
    expect(await rowsLeft()).toBe(0);
    expect(signals).toHaveLength(1);
  });

  it('rule 60: a message of a newer version waits, and the 40 others are sent (F2)', async () => {
    await db.superuser(
      `insert into outbox (tenant_id, topic, subject_id, next_due_at) values ($1, 'of_tomorrow', $2, now())`,
      [tenant.tenantId, newUuid()],
    );
    const others = await enqueueMany(40);
    const started: string[] = [];
    const client = {
      workflow: {
        signalWithStart: async (_: string, call: { workflowId: string }) => started.push(call.workflowId),
      },
    };

    await flush(createOutboxHandlers(client as unknown as Client, { hasSearchAttributes: false }));

    expect(started).toHaveLength(others.length);
    expect(await db.superuser('select topic, last_error from outbox')).toEqual([
      { topic: 'of_tomorrow', last_error: 'Error: This version does not know the topic of_tomorrow.' },
    ]);
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

  it('signals a push queue whose work is overdue by more than a minute', async () => {
    const integrationId = await overdue();

    expect(await swept()).toEqual([integrationId]);
  });

  it('does not signal integrations whose work is not due, or that are paused, blocked, unauthorized or deleted', async () => {
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

  it('signals the other push queues when one accepts no signal', async () => {
    const [one, other] = [await overdue(), await overdue()];

    await expect(sweep({ database: db.database, handleRow: refuse(one), log: silent })).rejects.toThrow(
      'It has too many signals.',
    );

    expect(signals.map(({ integrationId }) => integrationId)).toContain(other);
  });
});
