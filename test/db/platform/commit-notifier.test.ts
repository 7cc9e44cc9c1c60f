/** Notifications of committed changes (db/commit-notifier.ts). */
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, type Notification } from 'pg';
import { appendStreamEvent, STREAM_CHANNEL } from '../../../db/platform/change-feed';
import { enqueuePush, OUTBOX_CHANNEL } from '../../../db/platform/outbox';
import { newUuid } from '../../../db/sql/ids';
import type { TenantWork } from '../../../db/database';
import { until } from '../../support/until';
import { GivenTenant, openTestDb, type TestDb } from '../given';

let db: TestDb;
let listener: Client;
let tenant: GivenTenant;
let received: Notification[];

beforeAll(async () => {
  db = await openTestDb();
  listener = new Client({ connectionString: db.url });
  await listener.connect();
  await listener.query(`listen ${OUTBOX_CHANNEL}`);
  await listener.query(`listen ${STREAM_CHANNEL}`);
});
afterAll(async () => {
  await listener.end();
  await db.end();
});
beforeEach(async () => {
  await db.superuser('truncate outbox');
  tenant = await GivenTenant.create(db);
  received = [];
  listener.removeAllListeners('notification');
  listener.on('notification', (each) => received.push(each));
});

const enqueue = (work: TenantWork) => enqueuePush(work, { integrationId: newUuid(), nextDueAt: new Date() });
const show = (work: TenantWork) => appendStreamEvent(work, { topic: 'integrations', body: {} });
const outboxRows = async () => (await listener.query('select 1 from outbox')).rowCount;

describe('rule 60: writers at the same time do not wait for the lock of NOTIFY (D7)', () => {
  it('the connection that writes a change or a stream event is not the one that notifies', async () => {
    const writers = new Set<unknown>();
    const payloads: unknown[] = [];
    for (const write of [enqueue, show]) {
      await tenant.work(async (work) => {
        await write(work);
        writers.add(
          (await work.trx.selectNoFrom((eb) => eb.fn('pg_backend_pid').as('pid')).execute())[0]?.pid,
        );
      });
      await until('it is announced', () => received.length > 0);
      payloads.push(...received.map(({ payload }) => payload));
      expect(received.filter(({ processId }) => writers.has(processId))).toEqual([]);
      received = [];
    }
    expect(payloads).toEqual(['', tenant.tenantId]);
  });

  it('100 changes at the same time are all announced, with fewer notifications', async () => {
    let seen = 0;
    listener.on('notification', () => void outboxRows().then((rows) => (seen = Math.max(seen, rows ?? 0))));

    await Promise.all(Array.from({ length: 100 }, () => tenant.work(enqueue)));

    await until('a notification finds them all', () => seen === 100);
    expect(received.length).toBeLessThan(100);
  });

  it('a change whose commit is slow is announced after it, although another one was announced before', async () => {
    let commit = (): void => undefined;
    const isHeld = new Promise<void>((resolve) => (commit = resolve));
    let isWritten = (): void => undefined;
    const written = new Promise<void>((resolve) => (isWritten = resolve));
    const slow = tenant.work(async (work) => {
      await enqueue(work);
      isWritten();
      await isHeld;
    });
    await written;
    await tenant.work(enqueue);
    await until('the other change is announced', () => received.length === 1);
    expect(await outboxRows()).toBe(1);

    commit();
    await slow;

    await until('the slow change is announced', () => received.length === 2);
    expect(await outboxRows()).toBe(2);
  });

  it('a change that is rolled back is not announced', async () => {
    const failing = tenant.work(async (work) => {
      await enqueue(work);
      throw new Error('rolled back');
    });
    await expect(failing).rejects.toThrow('rolled back');
    await tenant.work(show);

    await until('the next change is announced', () => received.length > 0);
    await sleep(50);
    expect(received.map(({ channel }) => channel)).toEqual([STREAM_CHANNEL]);
  });

  it('changes are announced again after the connection that notifies was lost', async () => {
    await tenant.work(show);
    await until('the first change is announced', () => received.length === 1);
    await db.superuser('select pg_terminate_backend($1)', [received[0]?.processId]);
    await sleep(50);

    await tenant.work(show);
    await until('the second change is announced', () => received.length === 2);
    expect(received[1]?.payload).toBe(tenant.tenantId);
  });
});
