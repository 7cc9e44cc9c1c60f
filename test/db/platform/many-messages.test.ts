/** rules.md 60: a message costs as much to send, however many others wait. */
import { newUuid } from '../../../db/sql/ids';
import { leaseMessages } from '../../../db/platform/outbox';
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

describe('tenants that are left out of a claim', () => {
  const idsOf = (tenants: number) =>
    db.superuser(`select md5('tenant' || n)::uuid::text as id from generate_series(0, $1 - 1) n`, [tenants]);
  /** Claims as many as 40. @returns what was read, and whose messages were leased. */
  const claim = async (count: number, withoutTenants: string[], afterTenant?: string) => {
    await db.superuser('truncate outbox');
    await db.superuser(
      `insert into outbox (tenant_id, topic, subject_id, next_due_at)
       select md5('tenant' || n % 20)::uuid, 'record_push', gen_random_uuid(), now() from generate_series(1, $1::int) n`,
      [count],
    );
    return db.database.withDispatcher(async (work) => {
      const before = await countRows(work);
      const lease = { topic: 'record_push', limit: 40, leaseSeconds: 3, withoutTenants, afterTenant };
      const messages = await leaseMessages(work, lease);
      const { read } = await countRows(work);
      return { read: read - before.read, tenants: messages.map(({ tenantId }) => tenantId) };
    });
  };

  it.each([0, 1, 7, 16, 20])('%i: the others get their messages, and theirs are not read', async (out) => {
    const ids = (await idsOf(20)).map(({ id }) => id as string);
    const [without, others] = [ids.slice(0, out), ids.slice(out)];

    expect(new Set((await claim(2_000, without)).tenants)).toEqual(new Set(others));
    for (const after of [undefined, ids[3], ids[19]]) {
      const [few, many] = [await claim(2_000, without, after), await claim(20_000, without, after)];

      const taken = new Set(many.tenants);
      expect(without.filter((id) => taken.has(id))).toEqual([]);
      expect(many.tenants.length).toBeGreaterThan(others.length === 0 ? -1 : 20);
      expect(many.read).toBeLessThanOrEqual(1.3 * few.read);
    }
  });
});
