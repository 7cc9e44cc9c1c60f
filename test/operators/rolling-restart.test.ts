/**
 * Replicas behind Debian's nginx that are restarted one by one, while callers go on: each step of a change of
 * the encryption key (D8) is such a restart.
 */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { Agent, request } from 'node:https';
import { promisify } from 'node:util';
import { projectFolder } from '../../dev/tools/paths';
import { recordPath } from '../support/clients/api-client';
import { createTestDatabase } from '../support/environments/database';
import { type Product, startProduct } from '../support/environments/product';
import { freePort } from '../support/servers/free-port';
import { ledgerIntegration, type LedgerServer, startLedgerServer } from '../support/servers/ledger-server';
import { type Nginx, startNginx } from '../support/servers/nginx';
import { createNamespace } from '../support/servers/temporal';
import { until } from '../support/until';

const CALLERS = 2;
const byText = (one: string, other: string): number => one.localeCompare(other);
const [first, second] = ['k1', 'k2'].map((id) => `${id}:${randomBytes(32).toString('base64')}`) as [
  string,
  string,
];
const platformKey = `platform-${randomBytes(24).toString('hex')}`;

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let ledger: LedgerServer;
let nginx: Nginx;
let agent: Agent;
let namespace: string;
let ports: number[];
const replicas: Product[] = [];

beforeAll(async () => {
  [database, ledger, namespace] = await Promise.all([
    createTestDatabase(),
    startLedgerServer(),
    createNamespace(),
  ]);
  ports = [await freePort(), await freePort()];
  for (const index of ports.keys()) replicas[index] = await startReplica(index, first);
  const servers = ports.map((port) => `server 127.0.0.1:${port};`).join('\n');
  nginx = await startNginx(ports[0] as number, (conf) =>
    conf.replace(`server 127.0.0.1:${ports[0]};`, servers),
  );
  agent = new Agent({ ca: nginx.cert });
});
afterAll(async () => {
  agent?.destroy();
  await Promise.all(replicas.map((replica) => replica.stop()));
  await Promise.all([nginx?.stop(), ledger?.stop()]);
  await database?.drop();
});

const startReplica = (index: number, encryptionKeys: string): Promise<Product> =>
  startProduct({
    databaseUrl: database.url,
    namespace,
    apiPort: ports[index] as number,
    env: { ENCRYPTION_KEYS: encryptionKeys, PLATFORM_KEY: platformKey, DRAIN_PAUSE_MS: '500' },
  });

async function restartOneByOne(encryptionKeys: string): Promise<void> {
  for (const [index, port] of ports.entries()) {
    nginx.reload((conf) => conf.replace(`:${port};`, `:${port} down;`));
    await replicas[index]?.stop();
    replicas[index] = await startReplica(index, encryptionKeys);
    nginx.reload((conf) => conf);
  }
}

/** The status, or why there was no answer. */
function call(key: string, method: string, path: string, body?: object): Promise<number | string> {
  return new Promise((resolve) => {
    const headers = { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' };
    const sent = request({ host: '127.0.0.1', port: nginx.port, path, method, agent, headers }, (response) =>
      response
        .resume()
        .on('end', () => resolve(response.statusCode ?? 'no status'))
        .on('error', (error) => resolve(error.message)),
    );
    sent.on('error', (error) => resolve(error.message)).end(body === undefined ? '' : JSON.stringify(body));
  });
}

it('no caller sees an error, and each change is pushed once, while the encryption key is changed', async () => {
  const tenant = await (replicas[0] as Product).givenTenant();
  await tenant.api.must(
    'POST',
    '/v1/integrations',
    ledgerIntegration(ledger.url, 'main', {
      grace_period_ms: 0,
      // A fast machine creates more records than the default lets pass without an approval.
      type_settings: {
        employees: { safety_thresholds: { push_create: { count: 1_000_000, share: 1, window_hours: 1 } } },
      },
    }),
  );
  const accepted: string[] = [];
  const refused: (number | string)[] = [];
  let isOver = false;
  const callers = Array.from({ length: CALLERS }, async (_, caller) => {
    for (let count = 0; !isOver; count += 1) {
      const id = `e${caller}-${count}`;
      const stored = await call(tenant.key, 'PUT', recordPath(id), { fields: { name: id } });
      if (stored === 202) accepted.push(id);
      else refused.push(stored);
      const read = await call(tenant.key, 'GET', recordPath(id));
      if (read !== 200) refused.push(read);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  });

  await restartOneByOne(`${first},${second}`);
  await restartOneByOne(`${second},${first}`);
  await promisify(execFile)(process.execPath, ['--import', 'tsx', 'db/rotate-keys.ts'], {
    cwd: projectFolder,
    env: { ...process.env, DATABASE_URL: database.url, ENCRYPTION_KEYS: `${second},${first}` },
  });
  await restartOneByOne(second);
  isOver = true;
  await Promise.all(callers);

  expect(refused).toEqual([]);
  const missing = () => accepted.filter((id) => ledger.person('main', id) === undefined);
  await until('the last change is there', () => missing().length === 0, 180_000).catch((error: Error) => {
    throw new Error(`${error.message} ${missing().length} of ${accepted.length} are missing.`);
  });
  const pushes = ledger.changes('main').map(({ externalId }) => externalId ?? '');
  expect(pushes.toSorted(byText)).toEqual(accepted.toSorted(byText));
}, 400_000);
