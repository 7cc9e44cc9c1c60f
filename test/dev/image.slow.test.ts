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
}, 12 * MINUTE_MS);

afterAll(async () => {
  for (const cleanUp of cleanUps.toReversed()) await cleanUp();
  fs.rmSync(folder, { recursive: true, force: true });
}, MINUTE_MS);

/** PostgreSQL with the databases and roles of `deploy/create-databases.sh`. */
async function startDatabase(): Promise<number> {
  const port = await freePort();
  const server = await startPostgres({
    dataFolder: path.join(folder, 'postgres'),
    logFile: path.join(folder, 'postgres.log'),
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
function programOf(name: string, addresses: Addresses) {
  const service = compose.services[name] as ComposeService;
  // The third party of this test is on this machine, as one in the operator's own network would be.
  const variables = { ...SECRETS, EGRESS_ALLOW_CIDRS: '127.0.0.0/8', EGRESS_ALLOW_HTTP: 'true' };
  const environment = Object.entries(environmentOf(service, variables)).map(
    ([variable, value]) => [variable, onThisMachine(value, addresses)] as const,
  );
  const [program, ...args] = service.command ?? image.command;
  expect(program).toBe('node');
  const options = {
    cwd: path.join(image.root, image.workingFolder),
    env: { PATH: process.env.PATH, ...image.env, ...Object.fromEntries(environment) },
  };
  const healthCheck = service.healthcheck?.test.slice(2).map((word) => onThisMachine(word, addresses)) ?? [];
  return { args, options, healthCheck };
}

async function startService(name: string, addresses: Addresses): Promise<SupervisedProcess> {
  const { args, options, healthCheck } = programOf(name, addresses);
  const logFile = path.join(folder, `${name}.log`);
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
