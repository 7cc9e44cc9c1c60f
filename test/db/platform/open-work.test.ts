/**
 * The sweep and its lease (rules.md 60): history costs it nothing, one process does it, and it stops at once.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { releaseLease, takeLease } from '../../../db/platform/leases';
import { STALLED_WORK, STALLED_WORK_KINDS } from '../../../db/platform/stalled-work';
import { newUuid } from '../../../db/sql/ids';
import { startLeasedLoop } from '../../../worker/leased-loop';
import { sweep } from '../../../worker/stalled-work-sweeper';
import { until } from '../../support/until';
import { givenCopies, GivenTenant, openTestDb, type TestDb } from '../given';
import { countRows } from '../many-rows';

const silent = { info() {}, warn() {}, error() {} };
const CLOSED_ROWS = 20_000;

let db: TestDb;
let tenant: GivenTenant;
let integrationId: string;

beforeAll(async () => {
  db = await openTestDb();
  tenant = await GivenTenant.create(db);
  integrationId = await tenant.integration();
  await addHistory();
}, 60_000);
afterAll(() => db?.end());

/** Rows of work that has ended, of every kind, and none that is open. */
async function addHistory(): Promise<void> {
  const ids = `'${tenant.tenantId}'::uuid as tenant_id, '${integrationId}'::uuid as integration_id`;
  // Ids begin with a time, or the rows would be spread over partitions.
  const id = `overlay(gen_random_uuid()::text placing '019a' from 1)::uuid as id`;
  const rows = `(select ${ids}, ${id} from generate_series(1, ${CLOSED_ROWS})) history`;
  await db.superuser(
    `insert into sync_runs (tenant_id, sync_run_id, integration_id, kind, scope, started_by, requested_at,
       started_at, finished_at, state, stands_for)
     select tenant_id, id, integration_id, 'hourly', 'modified', 'schedule:hourly', now() - interval '1 day',
       now(), now(), 'succeeded', '{hourly}' from ${rows}`,
  );
  await db.superuser(
    `insert into emails (tenant_id, email_id, kind, recipient, content, created_at, sent_at)
     select tenant_id, id, 'test', 'ana@example.com', '{}', now() - interval '3 days', now() from ${rows}`,
  );
  await db.superuser(
    `insert into webhook_deliveries (tenant_id, webhook_delivery_id, webhook_endpoint_id, event_id, state,
       trigger, created_at, finished_at)
     select tenant_id, id, '${newUuid()}', id, 'delivered', 'event', now(), now() from ${rows}`,
  );
  await db.superuser(
    `insert into record_syncs (tenant_id, integration_id, record_id, relevant_version, result_status,
       result_version)
     select tenant_id, integration_id, id, 1, 'synced', 1 from ${rows}`,
  );
  await db.superuser('analyze');
}

/** @returns how many rows are read to find a page of every kind of stalled work. */
async function rowsRead(): Promise<number> {
  return db.database.withDispatcher(async (work) => {
    const search = { overdueSince: work.now, after: undefined, limit: 500 };
    // Includes earlier transactions of this connection that it has not reported yet.
    const before = await countRows(work);
    for (const kind of STALLED_WORK_KINDS) await STALLED_WORK[kind](work, search);
    return (await countRows(work)).read - before.read;
  });
}

describe('rule 60: the sweep', () => {
  it('reads as little beside 20,000 closed runs, e-mails, deliveries and records as without them', async () => {
    expect(await rowsRead()).toBeLessThan(5);
  });

  it('signals 1,200 overdue push queues in one turn, a few at a time', async () => {
    const many = await GivenTenant.create(db);
    const first = await many.integration();
    await givenCopies(db, first, 1_199);
    await db.superuser(
      `insert into record_syncs (tenant_id, integration_id, record_id, relevant_version, window_opened_at, due_at)
       select tenant_id, integration_id, gen_random_uuid(), 1, now(), now() - interval '2 minutes'
       from integrations, generate_series(1, 2) where tenant_id = $1`,
      [many.tenantId],
    );
    const signaled: unknown[] = [];
    let [atOnce, atOnceMax] = [0, 0];
    const handleRow = async (message: { tenantId: string; integrationId?: string }): Promise<void> => {
      atOnce += 1;
      atOnceMax = Math.max(atOnceMax, atOnce);
      await sleep(1);
      atOnce -= 1;
      if (message.tenantId === many.tenantId) signaled.push(message.integrationId);
    };
    await sweep({ database: db.database, handleRow, log: silent });

    expect(new Set(signaled).size).toBe(1_200);
    expect(signaled).toHaveLength(1_200);
    expect([atOnceMax > 1, atOnceMax <= 16]).toEqual([true, true]);
    await db.superuser('delete from record_syncs where tenant_id = $1', [many.tenantId]);
  });

  it('still deletes expired rows when a kind of work cannot be read or sent', async () => {
    await db.superuser(
      `insert into idempotency_keys (tenant_id, idempotency_key, fingerprint, status, response, created_at)
       values ($1, 'old', '', 200, '{}', now() - interval '2 days')`,
      [tenant.tenantId],
    );
    await db.superuser('update integrations set backfill_reason = $2 where integration_id = $1', [
      integrationId,
      'initial',
    ]);
    const handleRow = () => Promise.reject(new Error('Temporal accepts nothing.'));
    await expect(sweep({ database: db.database, handleRow, log: silent })).rejects.toThrow('accepts nothing');

    expect(await db.superuser(`select 1 from idempotency_keys where idempotency_key = 'old'`)).toEqual([]);
    await db.superuser('update integrations set backfill_reason = null');
  });
});

describe('rule 60: background work that one process does for all', () => {
  const take = (name: string, holderId: string) =>
    db.database.withDispatcher((work) => takeLease(work, { name, holderId }));
  const age = (name: string, by: string) =>
    db.superuser('update leases set seen_at = seen_at - $2::interval where name = $1', [name, by]);

  it('is taken over when its process has died, and when the clock was set back', async () => {
    const [one, other, third] = [newUuid(), newUuid(), newUuid()];
    expect([await take('a', one), await take('a', other), await take('a', one)]).toEqual([true, false, true]);
    await age('a', '2 minutes');
    expect([await take('a', other), await take('a', one)]).toEqual([true, false]);
    await age('a', '-1 day');
    expect(await take('a', third)).toBe(true);
    await db.database.withDispatcher((work) => releaseLease(work, { name: 'a', holderId: third }));
    expect(await take('a', one)).toBe(true);
  });

  it('runs in one of three workers, and in the next one as soon as that one stops', async () => {
    const turns: number[] = [];
    const loops = [0, 1, 2].map((worker) =>
      startLeasedLoop({
        database: db.database,
        log: silent,
        name: 'b',
        intervalMs: 5,
        run: () => Promise.resolve(turns.push(worker)),
      }),
    );
    await until('ten turns', () => Promise.resolve(turns.length >= 10));
    expect(new Set(turns).size).toBe(1);
    const [holder = 0] = turns;
    await loops[holder]?.stop();
    const before = turns.length;
    await until('more turns', () => Promise.resolve(turns.length >= before + 10));
    expect(new Set(turns.slice(before)).size).toBe(1);
    expect(turns.slice(before)).not.toContain(holder);
    await Promise.all(loops.map((loop) => loop.stop()));
  });

  it('ends between two chunks when the worker stops, and no second turn begins beside a slow one', async () => {
    let [turns, chunks] = [0, 0];
    const loop = startLeasedLoop({
      database: db.database,
      log: silent,
      name: 'c',
      intervalMs: 1,
      async run(mayContinue) {
        turns += 1;
        while (await mayContinue()) {
          chunks += 1;
          await sleep(1);
        }
      },
    });
    await until('some chunks', () => Promise.resolve(chunks > 20));
    await loop.stop();
    const atStop = chunks;
    await sleep(20);
    expect([turns, chunks]).toEqual([1, atStop]);
    expect(await take('c', newUuid())).toBe(true);
  });
});
