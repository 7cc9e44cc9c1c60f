/**
 * A connector from outside of the repository: a package that imports what `npm run build` publishes, tests
 * itself by the shared suites, and is named in CONNECTOR_PACKAGES of the real api and worker.
 */
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { projectFolder } from '../../dev/tools/paths';
import type { Json } from '../support/clients/api-client';
import { type MainProcess, startMain } from '../support/environments/main-process';
import { type Product, type ProductTenant, startProduct } from '../support/environments/product';
import { PullingIntegration } from '../support/environments/pulling-integration';
import { temporaryFolder } from '../support/servers/shared-servers';
import { until } from '../support/until';

interface Person {
  external_id?: string;
  first_name?: string;
  email: string;
}
interface People {
  url: string;
  token: string;
  people: Map<string, Person>;
  stop(): Promise<void>;
}

const run = promisify(execFile);
const inProject = (name: string): string => path.join(projectFolder, name);
const folder = temporaryFolder('connector-package');
const sample = path.join(folder, 'people');
const esModule = path.join(folder, 'shop');
const modules = path.join(folder, 'node_modules');

let people: People;
let product: Product;
let tenant: ProductTenant;
let integration: PullingIntegration;

/** Syncline as its package holds it: not the copy that runs. */
async function installSyncline(): Promise<void> {
  const home = path.join(modules, 'syncline');
  fs.mkdirSync(home, { recursive: true });
  const program = inProject('node_modules/.bin/tsc');
  await run(program, ['-p', 'tsconfig.published.json', '--outDir', path.join(home, 'dist')], {
    cwd: projectFolder,
  });
  fs.copyFileSync(inProject('package.json'), path.join(home, 'package.json'));
  fs.symlinkSync(inProject('node_modules'), path.join(home, 'node_modules'));
}

/** As `npm link` does. */
function installSample(): void {
  fs.cpSync(inProject('test/connectors/packages/sample'), sample, { recursive: true });
  fs.mkdirSync(path.join(modules, '@acme'), { recursive: true });
  fs.symlinkSync(sample, path.join(modules, '@acme/syncline-people'));
}

/** An ES module, which only `import` reads. */
function writeEsModule(): void {
  fs.mkdirSync(esModule);
  const manifest = { name: 'shop', version: '0.0.1', type: 'module', exports: { import: './index.js' } };
  fs.writeFileSync(path.join(esModule, 'package.json'), JSON.stringify(manifest));
  fs.writeFileSync(
    path.join(esModule, 'index.js'),
    `import { defineConnector, Unavailable, z } from 'syncline/connector';
    export default defineConnector({ interface: 1, connector: {
      kind: 'shop', title: 'Shop', description: 'Shop.', batchSize: 1, onDelete: ['leave'],
      configSchema: z.strictObject({}), credentialsSchema: z.strictObject({}),
      recordTypes: () => [], hosts: () => [], push: async () => [],
      async check() { throw new Unavailable('The shop is closed.'); },
    } });`,
  );
}

beforeAll(async () => {
  await installSyncline();
  installSample();
  writeEsModule();
  const { startPeople } = (await import(path.join(sample, 'people.cjs'))) as {
    startPeople(): Promise<People>;
  };
  people = await startPeople();
  const env = { CONNECTOR_PACKAGES: `@acme/syncline-people, ${esModule}`, CONNECTOR_FOLDER: folder };
  product = await startProduct({ env });
  tenant = await product.givenTenant();
}, 300_000);

afterAll(async () => {
  await product?.stop();
  await people?.stop();
});

const mapping = () => ({
  employees: {
    direction: 'both',
    fields: ['first_name', 'last_name', 'email'].map((name) => ({ name, to: name })),
    on_delete: 'deactivate',
  },
});
const settings = (more: object = {}) => ({
  connector: 'acme-people',
  account_name: 'Acme',
  config: { base_url: people.url },
  credentials: { token: people.token },
  record_types: mapping(),
  grace_period_ms: 200,
  initial_push: 'none',
  ...more,
});
const untilStatus = (externalId: string, status: string): Promise<Json> =>
  until(`${externalId} is ${status}`, async () => {
    const sync = await tenant.api.sync(externalId, integration.id);
    return sync?.status === status && sync;
  });
const there = (externalId: string): Person | undefined =>
  [...people.people.values()].find((person) => person.external_id === externalId);

it('passes the shared suites in its own folder, by its own Jest', async () => {
  const { stderr } = await run(
    process.execPath,
    [inProject('node_modules/jest/bin/jest.js'), '--rootDir', sample, '--testMatch', '**/*.test.cjs'],
    { cwd: sample },
  );

  expect(stderr).toMatch(/Tests: +6\d passed, 6\d total/);
});

it('is loaded by api and worker, which log its version', () => {
  const loaded = product
    .logs()
    .split('\n')
    .filter((line) => line.includes('connector package loaded'))
    .map((line) => JSON.parse(line));

  const versions = loaded.map((line) => `${line.process} ${line.package} ${line.version} ${line.connector}`);
  expect(versions.sort()).toEqual([
    'api @acme/syncline-people 1.2.0 acme-people',
    'api shop 0.0.1 shop',
    'worker @acme/syncline-people 1.2.0 acme-people',
    'worker shop 0.0.1 shop',
  ]);
});

it('is in the catalogue, and its schemas check what is linked', async () => {
  const { data } = await tenant.api.must('GET', '/v1/connectors');
  const shown = await tenant.api.must('GET', '/v1/connectors/acme-people');
  const other = await product.givenTenant('Other');
  const link = (body: object) => other.api.call('POST', '/v1/integrations', body);
  const refused = await link(settings({ config: {} }));
  const wrong = await link(settings({ credentials: { token: 'x' } }));
  const shop = { connector: 'shop', account_name: 'Shop', config: {}, credentials: {}, record_types: {} };
  const closed = await link(shop);

  expect(data).toContainEqual({
    kind: 'acme-people',
    title: 'People',
    description: 'Employees in People of Acme.',
  });
  expect(shown.credentials_schema.required).toEqual(['token']);
  expect(refused.body).toMatchObject({ code: 'invalid_config', errors: [{ pointer: '/config/base_url' }] });
  expect(JSON.stringify(wrong.body)).toContain('does not accept the credentials');
  expect(JSON.stringify(closed.body)).toContain('The shop is closed.');
});

it('pushes and pulls records', async () => {
  const { id } = await tenant.api.must('POST', '/v1/integrations', settings());
  integration = PullingIntegration.of(tenant, id as string);
  await integration.untilOnboarding('complete');

  await tenant.api.put('ada', { first_name: 'Ada', last_name: 'Lovelace', email: 'ada@example.com' });
  await untilStatus('ada', 'synced');
  expect(there('ada')).toMatchObject({ first_name: 'Ada', email: 'ada@example.com', active: true });

  await fetch(`${people.url}/people`, {
    method: 'POST',
    headers: { authorization: `Bearer ${people.token}` },
    body: JSON.stringify({ first_name: 'Grace', last_name: 'Hopper', email: 'grace@example.com' }),
  });
  const ended = await integration.sync('full');
  expect(ended.state).toBe('succeeded');
  const { data } = await tenant.api.must('GET', '/v1/records/employees');
  expect(data.map((record: Json) => record.fields.first_name).sort()).toEqual(['Ada', 'Grace']);

  await tenant.api.put('eve', { first_name: 'Eve', last_name: 'Doe', email: 'nobody' });
  expect((await untilStatus('eve', 'sync_failed')).errors).toMatchObject([
    { field: 'email', message: 'is no e-mail address' },
  ]);
});

describe('a worker without the package', () => {
  let without: MainProcess;

  beforeAll(async () => {
    await product.stopWorker();
    without = await startMain('worker', { ...product.workerEnv, CONNECTOR_PACKAGES: '' });
    await without.untilLogged('"worker running"');
  }, 120_000);

  it('says on the integration what to do, and does not call the change Synced', async () => {
    await tenant.api.put('ada', { first_name: 'Augusta', last_name: 'Lovelace', email: 'ada@example.com' });

    const shown = await until('the integration is blocked', async () => {
      const now = await integration.show();
      return now.state === 'blocked' && now;
    });
    const checked = await tenant.api.call('POST', `/v1/integrations/${integration.id}/check`);

    const words = 'lacks the connector "acme-people". Install the package that holds it';
    expect(shown.blocked_detail).toContain(words);
    expect(JSON.stringify(checked.body)).toContain(words.replaceAll('"', '\\"'));
    expect((await tenant.api.sync('ada', integration.id)).status).not.toBe('synced');
    expect(there('ada')).toMatchObject({ first_name: 'Ada' });
    expect(without.isRunning()).toBe(true);
  });

  it('lets a worker with the package continue by itself', async () => {
    const { id: waiting } = await integration.start('full');
    without.kill();
    await without.ended;
    await product.startWorker();

    await until('the change is there', () => there('ada')?.first_name === 'Augusta');
    await untilStatus('ada', 'synced');
    expect((await integration.untilEnded(waiting)).state).toBe('succeeded');
    expect((await integration.show()).state).toBe('active');
  });
});

it('is refused at the start in plain words, with exit code 2', async () => {
  const env = { ...product.workerEnv, CONNECTOR_PACKAGES: 'absent' };
  for (const name of ['api', 'worker'] as const) {
    const child = await startMain(name, env);

    expect(await child.ended).toBe('ended with exit code 2');
    expect(child.logs()).toContain('CONNECTOR_PACKAGES: the package absent is not installed below');
  }
});
