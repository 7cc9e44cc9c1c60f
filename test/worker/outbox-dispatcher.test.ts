/** Dispatchers of the outbox beside a slow Temporal, many messages and each other (rules.md 60, F7). */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Database, Work } from '../../db/database';
import { type DueMessage, enqueue, subjectIdOf } from '../../db/platform/outbox';
import { newUuid } from '../../db/sql/ids';
import type { OutboxTopic } from '../../db/tables/platform';
import { type OutboxDispatcher, startOutboxDispatcher } from '../../worker/outbox-dispatcher';
import { flushTopic } from '../../worker/outbox-flush';
import type { OutboxHandler } from '../../worker/outbox-handlers';
import { TemporalAway } from '../../worker/temporal-away';
import { GivenTenant, openTestDb, type TestDb } from '../db/given';
import { countRows } from '../db/many-rows';
import { until } from '../support/until';

let db: TestDb;
let tenant: GivenTenant;
let other: GivenTenant;
let dispatchers: OutboxDispatcher[];
let calls: DueMessage[];

beforeAll(async () => {
  db = await openTestDb();
});
afterAll(() => db.end());
beforeEach(async () => {
  await db.superuser('truncate outbox');
  [tenant, other] = [await GivenTenant.create(db), await GivenTenant.create(db)];
  [dispatchers, calls] = [[], []];
});
afterEach(() => Promise.all(dispatchers.map((each) => each.stop())));

const silent = { info() {}, warn() {}, error() {} };
const start = (handleRow: OutboxHandler) =>
  dispatchers.push(
    startOutboxDispatcher({ database: db.database, databaseUrl: db.url, handleRow, log: silent }),
  );
const temporalIsAway = () => new TemporalAway(new Error('14 UNAVAILABLE'));
const take: OutboxHandler = (message) => {
  calls.push(message);
  return Promise.resolve();
};
/** A Temporal that answers after `ms`. */
const takeIn =
  (ms: number): OutboxHandler =>
  async (message) => {
    calls.push(message);
    await sleep(ms);
  };
const insert = (topic: OutboxTopic, count: number, { tenantId } = tenant) =>
  db.superuser(
    `insert into outbox (tenant_id, topic, subject_id, next_due_at)
     select $1, $2, gen_random_uuid(), now() from generate_series(1, $3::int)`,
    [tenantId, topic, count],
  );
const push = async () => {
  const integrationId = newUuid();
  await tenant.work((work) => enqueue(work, { topic: 'record_push', integrationId, nextDueAt: new Date() }));
  return integrationId;
};
const isEmpty = async () => (await db.superuser('select from outbox')).length === 0;
const callsFor = (subjectId: string) => calls.filter((message) => subjectIdOf(message) === subjectId);

describe('rule 60: a queue per topic', () => {
  it.each<OutboxTopic>(['sync_schedule', 'email', 'webhook_endpoint', 'sync_run'])(
    'a push is sent while 1,000 messages of topic %s wait for a Temporal that does not answer (F7)',
    async (topic) => {
      await insert(topic, 1_000);
      let answer = (): void => undefined;
      const answered = new Promise<void>((resolve) => (answer = resolve));
      start(async (message) => {
        calls.push(message);
        if (message.topic === topic) await answered;
      });
      await until('calls of the topic are under way', () => calls.length > 0);

      const integrationId = await push();

      await until('the push is sent', () => callsFor(integrationId).length > 0);
      expect(calls.filter((message) => message.topic === topic).length).toBeLessThanOrEqual(16);
      answer();
      await until('everything is sent', isEmpty);
    },
  );

  it('the single message of a tenant is sent within a batch although another tenant has 20,000', async () => {
    await insert('record_push', 20_000);
    start(takeIn(2));
    await until('calls are under way', () => calls.length > 600);

    await insert('record_push', 1, other);
    const callsBefore = calls.length;
    const isOfOther = ({ tenantId }: DueMessage) => tenantId === other.tenantId;
    await until('it is sent', () => calls.some(isOfOther));

    expect(calls.findIndex(isOfOther) - callsBefore).toBeLessThan(1_500);
  });

  it('tenants take turns, beginning after the one whose turn it was last', async () => {
    const third = await GivenTenant.create(db);
    const inOrder = [tenant, other, third].map(({ tenantId }) => tenantId).toSorted();
    for (const each of [tenant, other, third]) await insert('email', 3, each);
    await insert('email', 597);
    const flush = (afterTenant?: string) =>
      flushTopic({ database: db.database, topic: 'email', handleRow: take, afterTenant });

    const { lastTenant, isMore } = await flush(inOrder[0]);
    const first = calls.map(({ tenantId }) => tenantId);
    await flush(lastTenant);

    expect(first.slice(0, 6)).toEqual([
      inOrder[1],
      inOrder[2],
      inOrder[0],
      inOrder[1],
      inOrder[2],
      inOrder[0],
    ]);
    expect([lastTenant, isMore]).toEqual([tenant.tenantId, true]);
    expect(calls).toHaveLength(606);
  });

  it('tenants whose messages back off take no room of the others', async () => {
    for (let each = 0; each < 30; each += 1) await insert('email', 2, { tenantId: newUuid() } as GivenTenant);
    await db.superuser(`update outbox set leased_until = now() + interval '1 hour'`);
    await insert('email', 400, other);

    await flushTopic({ database: db.database, topic: 'email', handleRow: take });

    expect(calls).toHaveLength(400);
  });
});

describe('rule 60: two dispatchers and a Temporal that answers after four seconds', () => {
  it('40 push queues get 40 signals, and what one cannot begin is begun by the other (F7)', async () => {
    await insert('record_push', 40);
    start(takeIn(4_000));
    start(takeIn(4_000));

    await until('everything is sent', isEmpty);

    expect(new Set(calls.map(subjectIdOf)).size).toBe(40);
    expect(calls).toHaveLength(40);
  });
});

describe('rule 60: 2,000 messages wait, and Temporal', () => {
  let wrote: number;
  /** Counts the rows that a dispatcher writes. */
  const counting = () =>
    new Proxy(db.database, {
      get: (database, name: keyof Database) =>
        name !== 'withDispatcher'
          ? database[name]
          : (callback: (work: Work) => Promise<unknown>) =>
              database.withDispatcher(async (work) => {
                const before = (await countRows(work)).wrote;
                const result = await callback(work);
                const after = (await countRows(work)).wrote;
                wrote += after - before;
                return result;
              }),
    });
  const startCounting = (handleRow: OutboxHandler) => {
    wrote = 0;
    const options = { database: counting(), databaseUrl: db.url, log: silent };
    dispatchers.push(startOutboxDispatcher({ ...options, handleRow }));
  };

  it('is away: what is tried again is leased, and not all that a flush could send', async () => {
    await insert('email', 2_000);
    let isAway = true;
    startCounting((message) => {
      calls.push(message);
      return isAway ? Promise.reject(temporalIsAway()) : Promise.resolve();
    });
    await until('it was tried several times', () => calls.length >= 5 * 16);

    expect(wrote).toBeLessThanOrEqual(1_000 + 2 * (calls.length - 16) + 32);
    isAway = false;
    await until('everything is sent', isEmpty);
  });

  it('goes away in a flush: the next one leases by the rows that were sent, not by their calls', async () => {
    for (let subjects = 0; subjects < 5; subjects += 1)
      await db.superuser(
        `insert into outbox (tenant_id, topic, subject_id, next_due_at)
         select $1, 'email', $2, now() from generate_series(1, 20)`,
        [tenant.tenantId, newUuid()],
      );
    const limits: number[] = [];
    const flush = (handleRow: OutboxHandler) =>
      flushTopic({
        database: db.database,
        topic: 'email',
        handleRow,
        onNextLimit: (rows) => limits.push(rows),
      });

    const failing = flush((message) => {
      calls.push(message);
      return calls.length > 3 ? Promise.reject(temporalIsAway()) : Promise.resolve();
    });
    await expect(failing).rejects.toThrow(TemporalAway);
    await flush(take);

    expect(limits).toEqual([120, 500]);
  });

  it('is slow: about as much is leased as is sent', async () => {
    await insert('email', 2_000);
    startCounting(takeIn(400));
    await until('some are sent', () => calls.length >= 300);
    const [wroteBefore, callsBefore] = [wrote, calls.length];
    await until('more are sent', () => calls.length >= 500);

    expect(wrote - wroteBefore).toBeLessThanOrEqual(6 * (calls.length - callsBefore) + 200);
    await Promise.all(dispatchers.splice(0).map((each) => each.stop()));
  });
});

describe('a dispatcher that dies between the call and the deletion of the row', () => {
  it('leaves a message that another one sends again, and none is lost', async () => {
    await insert('notification', 3);
    let transactions = 0;
    const dying: Pick<Database, 'withDispatcher'> = {
      withDispatcher: (work) => {
        transactions += 1;
        return transactions === 1
          ? db.database.withDispatcher(work)
          : Promise.reject(new Error('The process is gone.'));
      },
    };
    const options = { topic: 'notification', handleRow: take };
    await expect(flushTopic({ ...options, database: dying })).rejects.toThrow('The process is gone.');
    const sentByFirst = calls.map(subjectIdOf).toSorted();
    calls = [];

    start(take);
    await until('everything is sent', isEmpty);

    expect(calls.map(subjectIdOf).toSorted()).toEqual(sentByFirst);
  });
});

it('an event that comes right after the call for another one gets a call, too', async () => {
  start(take);
  const event = async () => {
    const endpointId = newUuid();
    const nextDueAt = new Date();
    await tenant.work((work) => enqueue(work, { topic: 'webhook_endpoint', endpointId, nextDueAt }));
    await until('it was sent', () => callsFor(endpointId).length > 0);
  };

  for (let events = 0; events < 10; events += 1) await event();
  await until('all rows are deleted', isEmpty);

  expect(new Set(calls.map(subjectIdOf)).size).toBe(10);
});

describe('messages about work that is not due yet', () => {
  it('share a signal a second per push queue, and none is lost', async () => {
    const integrationId = newUuid();
    const inMinutes = new Date(Date.now() + 300_000);
    start(take);
    for (let each = 0; each < 30; each += 1) {
      await tenant.work((work) =>
        enqueue(work, { topic: 'record_push', integrationId, nextDueAt: inMinutes }),
      );
      await sleep(20);
    }
    await until('everything is sent', isEmpty);

    expect(callsFor(integrationId).length).toBeLessThan(15);
  });

  it('do not delay a message about work that is due', async () => {
    const integrationId = newUuid();
    start(take);
    for (const nextDueAt of [new Date(Date.now() + 300_000), new Date(Date.now() + 300_000), new Date()])
      await tenant.work((work) => enqueue(work, { topic: 'record_push', integrationId, nextDueAt }));

    await until('everything is sent', isEmpty);

    expect(callsFor(integrationId).map(({ nextDueAt }) => nextDueAt <= new Date())).toContain(true);
  });
});
