/**
 * The image without a container engine: what the build context admits is built by the Dockerfile's own
 * instructions, and the programs run with the environment, commands and health checks of docker-compose.yml.
 * Only hosts and ports differ.
 */
import fs from 'node:fs';
import path from 'node:path';
import { Client } from 'pg';
import { freePort } from '../../dev/start/ports';
import { startPostgres } from '../../dev/start/postgres';
import { runToEnd, startProcess, type SupervisedProcess, waitUntilReady } from '../../dev/start/processes';
import { startTemporalServer } from '../../dev/start/temporal';
import { projectFolder } from '../../dev/tools/paths';
import { ApiClient } from '../support/clients/api-client';
import { outsideOfJest } from '../support/environments/checkout';
import { startLinkableScim, type LinkableThirdParty } from '../support/environments/linkable';
import { createRunFolder } from '../support/environments/run-folder';
import { until } from '../support/until';
import {
  type ComposeService,
  environmentOf,
  readCompose,
  readProjectFile,
  SECRETS,
} from './image/compose-file';
import { createBuildContext } from './image/dockerignore';
import { buildImage, type Stage } from './image/dockerfile';

const MINUTE_MS = 60_000;
const compose = readCompose();
const cleanUps: (() => Promise<void>)[] = [];
let folder: string;
let context: string;
let image: Stage;
/** The image with a connector package, by the recipe of the documentation. */
let extended: Stage;
let modules: string;

const filesIn = (root: string): string[] =>
  (fs.readdirSync(root, { recursive: true }) as string[]).toSorted();

beforeAll(async () => {
  folder = createRunFolder();
  context = path.join(folder, 'context');
  createBuildContext(readProjectFile('.dockerignore')).copy(projectFolder, context);
  image = await buildImage({
    dockerfile: fs.readFileSync(path.join(context, 'Dockerfile'), 'utf8'),
    context,
    folder,
    env: outsideOfJest(),
  });
  modules = path.join(folder, 'stage-1/app/node_modules');
  extended = await buildExtended();
}, 12 * MINUTE_MS);

const PACKAGE = '@acme/syncline-people';

async function buildExtended(): Promise<Stage> {
  const own = path.join(folder, 'extended');
  fs.mkdirSync(own);
  const sample = path.join(projectFolder, 'test/connectors/packages/sample');
  const env = outsideOfJest();
  await runToEnd('npm', ['pack', '--silent', '--pack-destination', own, sample], { cwd: own, env });
  const [archive = ''] = fs.readdirSync(own);
  const recipe = /```dockerfile\n([^]*?)```/.exec(readProjectFile('docs/connectors/write-your-own.md'))?.[1];
  const dockerfile = (recipe ?? '')
    .replaceAll('acme-payroll-1.0.0.tgz', archive)
    .replaceAll('acme-payroll', PACKAGE);
  const images = { 'syncline:local': image };
  return buildImage({ dockerfile, context: own, folder: path.join(folder, 'of-extended'), env, images });
}

afterAll(async () => {
  for (const cleanUp of cleanUps.toReversed()) await cleanUp();
  fs.rmSync(folder, { recursive: true, force: true });
}, MINUTE_MS);

/** PostgreSQL with the databases and roles of `deploy/create-databases.sh`. */
async function startDatabase(name = 'postgres'): Promise<number> {
  const port = await freePort();
  const server = await startPostgres({
    dataFolder: path.join(folder, name),
    logFile: path.join(folder, `${name}.log`),
    port,
    superuser: 'postgres',
    password: SECRETS.POSTGRES_PASSWORD as string,
    isThrowaway: true,
  });
  cleanUps.push(() => server.stop());
  const [, script = ''] = /<<'SQL'\n([^]*?)\nSQL\n/.exec(readProjectFile('deploy/create-databases.sh')) ?? [];
  const statements = script
    .replaceAll(":'syncline_password'", `'${SECRETS.SYNCLINE_DATABASE_PASSWORD}'`)
    .replaceAll(":'temporal_password'", `'${SECRETS.TEMPORAL_DATABASE_PASSWORD}'`)
    .split(';')
    .filter((statement) => statement.trim() !== '');
  const client = new Client({ connectionString: server.url });
  await client.connect();
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
  return port;
}

async function startTemporal(): Promise<string> {
  const server = await startTemporalServer({ logFile: path.join(folder, 'temporal.log') });
  cleanUps.push(() => server.stop());
  return server.address;
}

interface Addresses {
  postgresPort: number;
  temporal: string;
  apiPort: number;
  metricsPort: number;
  apiMetricsPort: number;
}

/** Everything on this machine, where the compose file has a network with a host per service. */
function onThisMachine(
  text: string,
  { postgresPort, temporal, apiPort, metricsPort, apiMetricsPort }: Addresses,
): string {
  return text
    .replace('@postgres:5432', `@127.0.0.1:${postgresPort}`)
    .replace(/^temporal:7233$/, temporal)
    .replace(/^0\.0\.0\.0$/, '127.0.0.1')
    .replace('//mail:1025', '//127.0.0.1:1')
    .replace(/\b8080\b/, String(apiPort))
    .replace(/\b9464\b/, String(metricsPort))
    .replace(/\b9465\b/, String(apiMetricsPort));
}

/** A program of the image, as its service in docker-compose.yml runs it. */
function programOf(name: string, addresses: Addresses, of = image) {
  const service = compose.services[name] as ComposeService;
  const variables = {
    ...SECRETS,
    // The third party of this test is on this machine, as one in the operator's own network would be.
    EGRESS_ALLOW_CIDRS: '127.0.0.0/8',
    EGRESS_ALLOW_HTTP: 'true',
    // As the documentation says: the compose file sets both, whatever the image says.
    CONNECTOR_PACKAGES: of.env['CONNECTOR_PACKAGES'] ?? '',
    CONNECTOR_FOLDER: path.join(of.root, of.env['CONNECTOR_FOLDER'] ?? of.workingFolder),
  };
  const environment = Object.entries(environmentOf(service, variables)).map(
    ([variable, value]) => [variable, onThisMachine(value, addresses)] as const,
  );
  const [program, ...args] = service.command ?? of.command;
  expect(program).toBe('node');
  const options = {
    cwd: path.join(of.root, of.workingFolder),
    env: { PATH: process.env.PATH, ...of.env, ...Object.fromEntries(environment) },
  };
  const healthCheck = service.healthcheck?.test.slice(2).map((word) => onThisMachine(word, addresses)) ?? [];
  return { args, options, healthCheck };
}

async function startService(name: string, addresses: Addresses, of = image): Promise<SupervisedProcess> {
  const { args, options, healthCheck } = programOf(name, addresses, of);
  const logFile = path.join(folder, `${name}-${path.basename(path.dirname(of.root))}.log`);
  const child = await startProcess({ name, command: process.execPath, args, logFile, ...options });
  cleanUps.push(() => child.stop());
  await waitUntilReady(child, async () => {
    await runToEnd(process.execPath, healthCheck, options);
    return true;
  });
  return child;
}

async function startScim(): Promise<LinkableThirdParty> {
  const scim = await startLinkableScim();
  cleanUps.push(() => scim.stop());
  return scim;
}

async function linkAndPush(apiUrl: string, scim: LinkableThirdParty): Promise<void> {
  const platform = new ApiClient(apiUrl, SECRETS.PLATFORM_KEY as string);
  const { id } = await platform.must('POST', '/v1/tenants', {
    name: 'Ada & Sons',
    time_zone: 'Europe/Berlin',
  });
  const { key } = await platform.must('POST', `/v1/tenants/${id}/api-keys`, { name: 'test', role: 'admin' });
  const tenant = new ApiClient(apiUrl, key);
  await tenant.must('POST', '/v1/integrations', scim.integration());
  const fields = { first_name: 'Ada', last_name: 'Lovelace', email: 'ada@example.com' };
  await tenant.must('PUT', '/v1/records/employees/emp-1', { fields });
}

it(
  'builds from the admitted context; its api and worker push a change to a third party and do not modify the image',
  async () => {
    const [postgresPort, temporal, scim, apiPort, metricsPort, apiMetricsPort] = await Promise.all([
      startDatabase(),
      startTemporal(),
      startScim(),
      freePort(),
      freePort(),
      freePort(),
    ]);
    const addresses = { postgresPort, temporal, apiPort, metricsPort, apiMetricsPort };
    const shipped = filesIn(image.root);
    const migrate = programOf('migrate', addresses);

    await runToEnd(process.execPath, migrate.args, migrate.options);
    await Promise.all([startService('api', addresses), startService('worker', addresses)]);
    const apiUrl = `http://127.0.0.1:${apiPort}`;
    await linkAndPush(apiUrl, scim);

    const pushed = await until('the employee is at the third party', () => scim.find('emp-1'));
    expect(pushed).toMatchObject({ externalId: 'emp-1' });
    const console = await fetch(`${apiUrl}/console/`, { headers: { accept: 'text/html' } });
    expect([console.status, await console.text()]).toEqual([
      200,
      expect.stringContaining('<title>Syncline</title>'),
    ]);
    const metricsOf = async (port: number) => (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    expect(await metricsOf(apiMetricsPort)).toContain('syncline_outbox_age_seconds');
    expect(await metricsOf(metricsPort)).toContain('temporal_');
    expect(filesIn(image.root)).toEqual(shipped);
  },
  3 * MINUTE_MS,
);

it(
  'with a connector package, as the documentation says: api and worker load it, and the api offers it',
  async () => {
    const [postgresPort, temporal, apiPort, metricsPort, apiMetricsPort] = await Promise.all([
      startDatabase('postgres-extended'),
      startTemporal(),
      freePort(),
      freePort(),
      freePort(),
    ]);
    const addresses = { postgresPort, temporal, apiPort, metricsPort, apiMetricsPort };
    const migrate = programOf('migrate', addresses, extended);

    await runToEnd(process.execPath, migrate.args, migrate.options);
    const processes = await Promise.all(
      ['api', 'worker'].map((name) => startService(name, addresses, extended)),
    );

    for (const { logFile } of processes)
      expect(fs.readFileSync(logFile, 'utf8')).toMatch(/"package":"@acme\/syncline-people"/);
    const platform = new ApiClient(`http://127.0.0.1:${apiPort}`, SECRETS.PLATFORM_KEY as string);
    const { id } = await platform.must('POST', '/v1/tenants', { name: 'Ada & Sons', time_zone: 'UTC' });
    const { key } = await platform.must('POST', `/v1/tenants/${id}/api-keys`, {
      name: 'test',
      role: 'viewer',
    });
    const tenant = new ApiClient(`http://127.0.0.1:${apiPort}`, key);
    const { data } = await tenant.must('GET', '/v1/connectors');
    expect((data as { kind: string }[]).map(({ kind }) => kind)).toContain('acme-people');
  },
  3 * MINUTE_MS,
);

it(
  'does not build without a folder that api and worker import',
  async () => {
    const incomplete = path.join(folder, 'incomplete');
    const ignored = `${readProjectFile('.dockerignore')}\nruntime\n`;
    createBuildContext(ignored).copy(projectFolder, incomplete);
    fs.symlinkSync(modules, path.join(incomplete, 'node_modules'));

    const build = runToEnd('/bin/sh', ['-c', 'exec 1>&2; npm run build'], {
      cwd: incomplete,
      env: outsideOfJest(),
    });

    await expect(build).rejects.toThrow(/TS2307: Cannot find module '\.\.\/runtime/);
  },
  MINUTE_MS,
);
