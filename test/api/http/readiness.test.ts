/** What /readyz says about each thing that the api needs (rule 60). */
import { Client } from 'pg';
import { createTestDatabase } from '../../support/environments/database';
import { createReadiness } from '../../../api/http/readiness';
import { judgeClock } from '../../../domain/health';
import { eventually, expectProblem, type Service, startService } from '../support/service';

let url: string;
let service: Service;
beforeAll(async () => {
  url = (await createTestDatabase()).url;
  service = await startService({ databaseUrl: url });
});
afterAll(() => service.close());

async function run(statement: string): Promise<void> {
  const client = new Client({ connectionString: url, options: '-c default_transaction_read_only=off' });
  await client.connect();
  await client.query(statement).finally(() => void client.end());
}
const ready = () => service.as(undefined).get('/readyz');
const checks = async () => (await ready()).body.context.checks;

it('rule 60: names each check when everything is well', async () => {
  const { body } = await ready().expect(200);

  expect(body).toEqual({
    status: 'ok',
    checks: Object.fromEntries(
      ['process', 'postgresql', 'clock', 'schema', 'roles', 'grants'].map((name) => [name, { status: 'ok' }]),
    ),
  });
});

it('rule 60: many requests at the same time ask PostgreSQL once', async () => {
  const inspect = jest.spyOn(service.database, 'inspect');
  const { report } = createReadiness({ database: service.database });
  const reports = await Promise.all([report(), report(), report()]);
  const again = await report();

  expect(inspect).toHaveBeenCalledTimes(2);
  inspect.mockRestore();
  expect([...reports, again].map(({ postgresql }) => postgresql?.status)).toEqual(['ok', 'ok', 'ok', 'ok']);
});

it('rule 60: a table that lost its row-level security or its grants is named', async () => {
  await run('alter table pushes no force row level security');
  expectProblem(await ready(), 503, 'not_ready');
  expect(await checks()).toMatchObject({
    postgresql: { status: 'ok' },
    grants: { status: 'failed', detail: expect.stringContaining('pushes') },
  });
  await run('alter table pushes force row level security');

  await run('revoke all on sync_runs from syncline_app, syncline_dispatcher');
  expect((await checks()).grants.detail).toContain('sync_runs');
});

it('rule 60: a database that lacks a migration is not ready, and one that takes no writes neither', async () => {
  const other = await startService({ databaseUrl: (await createTestDatabase({ isEmpty: true })).url });
  const answer = await other.as(undefined).get('/readyz');
  await other.close();
  expect(answer.body.context.checks).toMatchObject({
    postgresql: { status: 'ok' },
    schema: { status: 'failed', detail: expect.stringContaining('Run npm run migrate') },
  });

  await run(`alter database ${new URL(url).pathname.slice(1)} set default_transaction_read_only = on`);
  await run(`select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid()`);
  await eventually(async () => expect((await checks()).postgresql.detail).toContain('takes no writes'));
});

it.each([
  [4_000, 'ok', ''],
  [-5_000, 'warning', '5 s behind'],
  [59_000, 'warning', '59 s ahead of'],
  [60_000, 'failed', '60 s ahead of'],
  [-3_600_000, 'failed', '3600 s behind'],
])('rule 60: a clock that is %i ms off is %s', (skewMs, status, words) => {
  const finding = judgeClock(skewMs);

  expect(finding.status).toBe(status);
  expect(finding.detail ?? '').toContain(words);
});
