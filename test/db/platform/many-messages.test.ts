/** rules.md 60: a message costs as much to send, however many others wait. */
import { newUuid } from '../../../db/sql/ids';
import { flushTopic } from '../../../worker/outbox-flush';
import type { Database, Work } from '../../../db/database';
import { openTestDb, type TestDb } from '../given';
import { countRows } from '../many-rows';

const SENT = 1_000;
let db: TestDb;
beforeAll(async () => {
  db = await openTestDb();
});
afterAll(() => db.end());
// On a busy machine the upkeep of a flush would write leases once more, and return some.
beforeEach(() => void jest.spyOn(globalThis, 'setInterval').mockReturnValue(undefined as never));
afterEach(() => void jest.restoreAllMocks());

/** @returns the rows that are read and written for each message while the first of them are sent. */
async function costs(count: number, tenants: number): Promise<{ read: number; wrote: number }> {
  await db.superuser('truncate outbox');
  await db.superuser(
    `insert into outbox (tenant_id, topic, subject_id, next_due_at)
     select md5('tenant' || n % $2)::uuid, 'record_push', gen_random_uuid(), now() from generate_series(1, $1::int) n`,
    [count, tenants],
  );
  const rows = { read: 0, wrote: 0 };
  const database: Pick<Database, 'withDispatcher'> = {
    withDispatcher: <T>(run: (work: Work) => Promise<T>) =>
      db.database.withDispatcher(async (work) => {
        const before = await countRows(work);
        const result = await run(work);
        const after = await countRows(work);
        rows.read += after.read - before.read;
        rows.wrote += after.wrote - before.wrote;
        return result;
      }),
  };
  let sent = 0;
  let afterTenant: string | undefined = newUuid();
  while (sent < SENT) {
    const flushed = await flushTopic({
      database,
      topic: 'record_push',
      afterTenant,
      handleRow: async () => void (sent += 1),
    });
    afterTenant = flushed.lastTenant;
  }
  return { read: rows.read / sent, wrote: rows.wrote / sent };
}

it.each([
  ['one tenant', 1],
  ['200 tenants', 200],
  ['2,000 tenants', 2_000],
])('each of 20,000 messages of %s costs as much as each of 2,000', async (_name, tenants) => {
  const ofFew = await costs(2_000, tenants);
  const ofMany = await costs(20_000, tenants);

  expect(ofMany.read).toBeLessThanOrEqual(1.3 * ofFew.read);
  expect(ofMany.wrote).toBeLessThan(1.3 * ofFew.wrote);
});
