/** What the callers of a transaction learn of a failure of the own database. */
import { sql } from 'kysely';
import { ownFailure } from '../../../db/sql/database-away';
import { openTestDb, type TestDb } from '../given';

let db: TestDb;
beforeAll(async () => {
  db = await openTestDb();
});
afterAll(() => db.end());

it('a transaction with a failed statement is not taken for committed, although the error was caught', async () => {
  const committing = db.database.withDispatcher(({ trx }) =>
    sql`select 1 / 0`.execute(trx).catch(() => undefined),
  );

  await expect(committing).rejects.toThrow('rolled back instead of committed');
});

it('a lost connection is reported as what ended it, not as one that cannot be used any more', async () => {
  const waiting = db.database.withDispatcher(async ({ trx }) => {
    const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(trx);
    const sleeping = sql`select pg_sleep(10)`.execute(trx);
    await db.superuser('select pg_terminate_backend($1)', [rows[0]?.pid]);
    await sleeping;
  });

  await expect(waiting).rejects.toMatchObject({ code: '57P01' });
  await expect(db.database.withDispatcher(async () => 'works')).resolves.toBe('works');
});

it('a failure of the own database is recognized however it is wrapped, and another one is not', async () => {
  const failure: unknown = await db.database
    .withDispatcher(({ trx }) => sql`select 1 / 0`.execute(trx))
    .catch((error: unknown) => error);
  const likeIt = Object.assign(new Error('division by zero'), { code: '22012' });
  const wrapped = (cause: unknown) => new Error('The connector failed.', { cause: new Error('', { cause }) });

  expect(ownFailure(wrapped(failure))).toBe(failure);
  expect(ownFailure(wrapped(likeIt))).toBeUndefined();
  expect(ownFailure(undefined)).toBeUndefined();
});

it('so is a session that was idle for too long between two statements', async () => {
  const idle = db.database.withDispatcher(async ({ trx }) => {
    await sql`set idle_in_transaction_session_timeout = 1`.execute(trx);
    await new Promise((resolve) => setTimeout(resolve, 100));
    await sql`select 1`.execute(trx);
  });

  await expect(idle).rejects.toMatchObject({ code: '25P03' });
});
