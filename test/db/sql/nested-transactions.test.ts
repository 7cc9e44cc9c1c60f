/** The database of the tests refuses what would exhaust the pool of the product, and nothing else. */
import path from 'node:path';
import vm from 'node:vm';
import type { Database } from '../../../db/database';
import { projectFolder } from '../../../dev/tools/paths';
import { oneTransactionAtATime } from '../../support/one-transaction-at-a-time';
import { openTestDb, type TestDb } from '../given';

let db: TestDb;
beforeAll(async () => {
  db = await openTestDb();
});
afterAll(() => db.end());

/** As if a file of the product did it. */
const nested = vm.runInThisContext(
  '(database) => database.withDispatcher(() => database.withPlatform(async () => "nested"))',
  { filename: path.join(projectFolder, 'api', 'nested.ts') },
) as (database: Database) => Promise<string>;

it('a transaction of the product within another one is refused', async () => {
  const database = oneTransactionAtATime(db.database);
  await expect(nested(database)).rejects.toThrow('withPlatform needs a second connection');
});

it('a transaction that a test holds open meanwhile is not', async () => {
  const database = oneTransactionAtATime(db.database);
  await expect(database.withDispatcher(() => database.withPlatform(async () => 'nested'))).resolves.toBe(
    'nested',
  );
});
