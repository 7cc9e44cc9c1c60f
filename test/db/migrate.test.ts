/** Migrations: one after the other, by several at once, again: rules.md R25. */
import { Client } from 'pg';
import { isMigrated, migrateToLatest } from '../../db/migrate';
import { migrations } from '../../db/migrations';
import { createTestDatabase, type TestDatabase } from '../support/environments/database';

let empty: TestDatabase;
beforeEach(async () => {
  empty = await createTestDatabase({ isEmpty: true });
});
afterEach(() => empty.drop());

async function withClient<T>(work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: empty.url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

describe('migrations', () => {
  it('are applied once, and running them again changes nothing', async () => {
    expect(await migrateToLatest(empty.url)).toEqual(Object.keys(migrations));

    expect(await migrateToLatest(empty.url)).toEqual([]);
    expect(await withClient(isMigrated)).toBe(true);
  });

  it('are applied by one of several that start at once; the others wait', async () => {
    const applied = await Promise.all(Array.from({ length: 4 }, () => migrateToLatest(empty.url)));

    expect(applied.flat()).toEqual(Object.keys(migrations));
    expect(await withClient(isMigrated)).toBe(true);
  });

  it('leave nothing behind when one fails, and can be repeated', async () => {
    await withClient((client) => client.query('create table outbox (in_the_way int)'));
    await expect(migrateToLatest(empty.url)).rejects.toThrow(/outbox/);
    const left = await withClient((client) =>
      client.query(
        `select tablename from pg_tables where schemaname = 'public' and tablename in ('tenants', 'records')`,
      ),
    );
    expect(left.rows).toEqual([]);

    await withClient((client) => client.query('drop table outbox'));
    expect(await migrateToLatest(empty.url)).toEqual(Object.keys(migrations));
  });

  it('are not taken for applied in a database that has none', async () => {
    await expect(withClient(isMigrated)).rejects.toThrow(/kysely_migration/);
  });
});
