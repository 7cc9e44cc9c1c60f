/**
 * PostgreSQL restarts, hangs, is full or read-only: callers get 503 with Retry-After, and the process lives
 * on (R5, R6).
 */
import net from 'node:net';
import { Client } from 'pg';
import { transientDatabaseError } from '../../../api/http/database-errors';
import { createTestDatabase } from '../../support/environments/database';
import { eventually, expectProblem, type GivenTenant, type Service, startService } from '../support/service';

/** A proxy between the API and PostgreSQL that can block traffic or refuse connections. */
async function startProxy(targetUrl: string) {
  const target = new URL(targetUrl);
  const sockets = new Set<net.Socket>();
  const state = { isHanging: false, isRefusing: false };
  const server = net.createServer((client) => {
    if (state.isRefusing) return void client.destroy();
    const upstream = net.connect({ host: target.hostname, port: Number(target.port) });
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from);
      from.on('data', (chunk) => (state.isHanging ? undefined : to.write(chunk)));
      from.on('close', () => to.destroy());
      from.on('error', () => to.destroy());
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = new URL(targetUrl);
  url.host = `127.0.0.1:${(server.address() as net.AddressInfo).port}`;
  const cut = () => {
    for (const socket of sockets) socket.destroy();
    sockets.clear();
  };
  return {
    url: url.href,
    state,
    cut,
    close: () => {
      cut();
      server.close();
    },
  };
}

let direct: string;
let proxy: Awaited<ReturnType<typeof startProxy>>;
let service: Service;
let tenant: GivenTenant;
beforeAll(async () => {
  direct = (await createTestDatabase()).url;
  proxy = await startProxy(direct);
  service = await startService({ databaseUrl: proxy.url });
  tenant = await service.givenTenant();
});
afterEach(() => Object.assign(proxy.state, { isHanging: false, isRefusing: false }));
afterAll(async () => {
  await service.close();
  proxy.close();
});

const write = () => tenant.operator.put('/v1/records/employees/e-1', { fields: { at: Date.now() } });
async function asSuperuser(statement: string): Promise<void> {
  const client = new Client({ connectionString: direct, options: '-c default_transaction_read_only=off' });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

it('answers 503 with Retry-After while connections are refused, and works again at once afterwards (R5)', async () => {
  proxy.state.isRefusing = true;
  proxy.cut();

  const refused = await write();
  const ready = await service.as(undefined).get('/readyz');
  const alive = await service.as(undefined).get('/livez');
  proxy.state.isRefusing = false;

  expectProblem(refused, 503, 'database_unavailable');
  expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
  expectProblem(ready, 503, 'not_ready');
  expect(alive.status).toBe(200);
  await eventually(async () => expect((await write()).status).toBe(202));
  expect((await service.as(undefined).get('/readyz')).status).toBe(200);
});

it('survives the end of every connection to PostgreSQL, idle ones included (R5)', async () => {
  await Promise.all(Array.from({ length: 5 }, write));

  await asSuperuser(
    'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
  );
  const answers = await Promise.all(Array.from({ length: 5 }, write));

  for (const answer of answers) if (answer.status !== 202) expectProblem(answer, 503, 'database_unavailable');
  await eventually(async () => expect((await write()).status).toBe(202));
});

it('survives the end of a connection to PostgreSQL between two statements of a transaction (R5)', async () => {
  const lost = service.database.withTenant(tenant.uuid, async ({ trx }) => {
    await asSuperuser(
      `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and state = 'idle in transaction'`,
    );
    await new Promise((resolve) => setTimeout(resolve, 100));
    return trx.selectFrom('records').select('recordId').execute();
  });

  await expect(lost).rejects.toThrow(/terminat|not queryable/);
  await eventually(async () => expect((await write()).status).toBe(202));
});

it('answers 503 while PostgreSQL hangs, says that it is not ready, and recovers (R6)', async () => {
  await write().expect(202);
  // Long enough for the key to be asked of the database again.
  await new Promise((resolve) => setTimeout(resolve, 1_100));
  proxy.state.isHanging = true;

  const [answer, ready, alive] = await Promise.all([
    write(),
    service.as(undefined).get('/readyz'),
    service.as(undefined).get('/livez'),
  ]);
  proxy.state.isHanging = false;
  proxy.cut();

  expectProblem(answer, 503, 'database_unavailable');
  expectProblem(ready, 503, 'not_ready');
  expect(alive.status).toBe(200);
  await eventually(async () => expect((await write()).status).toBe(202));
});

it('D2: answers 503 with Retry-After when a statement took too long, and stays ready (R6)', async () => {
  await asSuperuser(`create function linger() returns trigger language plpgsql as
    $$ begin perform pg_sleep(60); return new; end $$`);
  await asSuperuser('create trigger linger before insert on records for each row execute function linger()');

  const [answer, ready] = await Promise.all([
    tenant.operator.put('/v1/records/employees/slow', { fields: {} }),
    service.as(undefined).get('/readyz'),
  ]);
  const readyAfter = await service.as(undefined).get('/readyz');
  await asSuperuser('drop trigger linger on records');

  expectProblem(answer, 503, 'database_unavailable');
  expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
  expect([ready.status, readyAfter.status]).toEqual([200, 200]);
  expect((await tenant.operator.put('/v1/records/employees/slow', { fields: {} })).status).toBe(202);
});

it.each([
  ['57P05', 'terminating connection due to idle-session timeout'],
  ['25P03', 'terminating connection due to idle-in-transaction timeout'],
  ['58030', 'could not read file'],
  ['57014', 'canceling statement due to statement timeout'],
  ['53300', 'sorry, too many clients already'],
])('D2: %s of PostgreSQL is worth a repetition (503)', (code, message) => {
  const error = transientDatabaseError(Object.assign(new Error(message), { code }));

  expect(error).toMatchObject({ status: 503, code: 'database_unavailable' });
});

it.each(['23505', '42703', '22001'])('%s of PostgreSQL is not', (code) => {
  expect(transientDatabaseError(Object.assign(new Error('failed'), { code }))).toBeUndefined();
});

it('reads and does not write while PostgreSQL is read-only', async () => {
  await write().expect(202);
  const name = new URL(direct).pathname.slice(1);
  await asSuperuser(`alter database ${name} set default_transaction_read_only = on`);
  proxy.cut();

  await eventually(async () => expectProblem(await write(), 503, 'database_read_only'));
  expect((await tenant.viewer.get('/v1/records/employees/e-1')).status).toBe(200);

  await asSuperuser(`alter database ${name} set default_transaction_read_only = off`);
  proxy.cut();
  await eventually(async () => expect((await write()).status).toBe(202));
});

it('is not ready before the schema exists', async () => {
  const empty = await startService({ databaseUrl: (await createTestDatabase({ isEmpty: true })).url });

  const ready = await empty.as(undefined).get('/readyz');
  await empty.close();

  expectProblem(ready, 503, 'not_ready');
});
