/**
 * The servers that all tests of one run share, started before the first test in Jest's own process: one
 * PostgreSQL with a migrated template database, one Temporal dev server. Test files find them by environment
 * variables (see test/support/servers/shared-servers.ts). The servers end with the run, on Ctrl-C too; after
 * kill -9 the kernel ends them.
 */
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { bundleWorkflowCode } from '@temporalio/worker';
import { Client } from 'pg';
import { migrateToLatest } from '../../../db/migrate';
import { projectFolder } from '../../../dev/tools/paths';
import { freePort } from '../../../dev/start/ports';
import { startPostgres } from '../../../dev/start/postgres';
import { startTemporalServer } from '../../../dev/start/temporal';
import { createRunFolder } from '../environments/run-folder';
import { variables } from '../servers/shared-servers';

interface Shared {
  folder: string;
  stops: (() => Promise<void>)[];
}

/** Setup and teardown are separate modules of one process: they meet here. */
const globals = globalThis as { synclineTestServers?: Shared };

function shared(): Shared {
  if (globals.synclineTestServers) return globals.synclineTestServers;
  const folder = createRunFolder();
  process.env[variables.folder] = folder;
  globals.synclineTestServers = { folder, stops: [] };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => void stopSharedServers().finally(() => process.exit(130)));
  }
  return globals.synclineTestServers;
}

export async function stopSharedServers(): Promise<void> {
  const servers = globals.synclineTestServers;
  if (!servers) return;
  delete globals.synclineTestServers;
  await Promise.all(servers.stops.map((stop) => stop()));
  fs.rmSync(servers.folder, { recursive: true, force: true });
}

async function createTemplate(superuserUrl: string): Promise<void> {
  const client = new Client({ connectionString: superuserUrl });
  await client.connect();
  await client.query('CREATE DATABASE syncline_template');
  const url = new URL(superuserUrl);
  url.pathname = '/syncline_template';
  await migrateToLatest(url.href);
  await client.query('ALTER DATABASE syncline_template WITH is_template true allow_connections false');
  await client.end();
}

export async function ensurePostgres(): Promise<void> {
  if (process.env[variables.postgres]) return;
  const { folder, stops } = shared();
  const server = await startPostgres({
    dataFolder: path.join(folder, 'postgres'),
    logFile: path.join(folder, 'postgres.log'),
    port: await freePort(),
    password: randomBytes(12).toString('hex'),
    settings: { max_connections: '300' },
    isThrowaway: true,
  });
  stops.push(() => server.stop());
  await createTemplate(server.url);
  process.env[variables.postgres] = server.url;
}

/**
 * Bundling takes more than a second: done once, and once more for the time-skipping server, for all workers
 * of all test files.
 */
export async function ensureWorkflowBundle(): Promise<void> {
  const workflowsPath = path.join(projectFolder, 'workflows/index.ts');
  if (process.env[variables.workflowBundle] || !fs.existsSync(workflowsPath)) return;
  const { folder } = shared();
  const quiet = { trace() {}, debug() {}, info() {}, log() {}, warn: console.warn, error: console.error };
  const bundle = async (variable: string, workflowInterceptorModules: string[]): Promise<void> => {
    const { code } = await bundleWorkflowCode({ workflowsPath, workflowInterceptorModules, logger: quiet });
    const file = path.join(folder, `${variable}.js`);
    fs.writeFileSync(file, code);
    process.env[variable] = file;
  };
  await bundle(variables.workflowBundle, []);
  await bundle(variables.timeSkippingBundle, [
    path.join(projectFolder, 'test/support/fakes/uncancelled-timers.ts'),
  ]);
}

export async function ensureTemporal(): Promise<void> {
  if (process.env[variables.temporalAddress]) return;
  const { folder, stops } = shared();
  const server = await startTemporalServer({
    logFile: path.join(folder, 'temporal.log'),
    dynamicConfig: {
      'frontend.WorkflowTimeSkippingEnabled': 'true',
      'system.namespaceCacheRefreshInterval': '"200ms"',
    },
  });
  stops.push(() => server.stop());
  process.env[variables.temporalAddress] = server.address;
}

/**
 * Runs the steps; if one fails, what already runs is stopped, for Jest calls no teardown after a failed
 * setup.
 */
export async function prepare(...steps: (() => Promise<void>)[]): Promise<void> {
  try {
    await Promise.all(steps.map((step) => step()));
  } catch (error) {
    await stopSharedServers();
    throw error;
  }
}
