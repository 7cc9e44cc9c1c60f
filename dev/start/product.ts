/**
 * Starts Syncline's own two processes, api and worker, as production would: by environment variables alone.
 */
import fs from 'node:fs';
import path from 'node:path';
import { onFreePorts, type Ports } from './addresses';
import { projectFolder } from '../tools/paths';
import { answersHttp, startProcess, waitUntilReady, type SupervisedProcess } from './processes';
import { note, step } from './progress';
import type { Secrets } from './secrets';
import { logFile } from './state';
import type { Stores } from './stores';

interface ProductOptions {
  stores: Stores;
  smtpUrl: string;
  secrets: Secrets;
  ports: Ports;
  /** Restarts api and worker when their code changes, and lets a debugger attach. */
  isWatching: boolean;
}

function environment({ stores, smtpUrl, secrets, ports }: ProductOptions): NodeJS.ProcessEnv {
  const apiPort = ports.API_PORT;
  return {
    // Third parties on this machine are the point of `npm start`; in production both stay unset.
    EGRESS_ALLOW_CIDRS: '127.0.0.0/8',
    EGRESS_ALLOW_HTTP: 'true',
    PLATFORM_KEY: secrets.platformKey,
    ENCRYPTION_KEYS: secrets.encryptionKeys,
    API_HOST: '127.0.0.1',
    SMTP_FROM: 'Syncline <syncline@example.com>',
    DRAIN_PAUSE_MS: '0', // no load balancer has to notice the end first
    ...process.env,
    DATABASE_URL: stores.databaseUrl,
    TEMPORAL_ADDRESS: stores.temporalAddress,
    SMTP_URL: smtpUrl,
    API_PORT: String(apiPort),
    ...(stores.temporalUiUrl === null ? {} : { TEMPORAL_UI_URL: stores.temporalUiUrl }),
    PUBLIC_URL: process.env.PUBLIC_URL ?? `http://127.0.0.1:${apiPort}`,
  };
}

/** As in docker-compose.yml: with a limit for its heap, Node collects garbage in time. */
export const WORKER_FLAGS = ['--max-old-space-size=1536', '--max-semi-space-size=32'];

interface Program {
  name: string;
  main: string;
  flags: readonly string[];
  /** Where a debugger attaches while watching; `.vscode/launch.json` names the same ports. */
  inspectPort: number;
  /** Files that the program reads without importing them: the worker bundles the workflows. */
  alsoWatched: readonly string[];
}

const API: Program = { name: 'api', main: 'api/main.ts', flags: [], inspectPort: 9229, alsoWatched: [] };
const WORKER: Program = {
  name: 'worker',
  main: 'worker/main.ts',
  flags: WORKER_FLAGS,
  inspectPort: 9230,
  alsoWatched: ['workflows/**/*.ts', 'contract/**/*.ts', 'domain/**/*.ts'],
};

function watchArguments({ main, flags, inspectPort, alsoWatched }: Program): string[] {
  const tsx = path.join(path.dirname(require.resolve('tsx/package.json')), 'dist/cli.mjs');
  const included = alsoWatched.flatMap((files) => ['--include', files]);
  const inspect = `--inspect=127.0.0.1:${inspectPort}`;
  return [tsx, 'watch', '--clear-screen=false', ...included, ...flags, inspect, main];
}

function run(
  program: Program,
  env: NodeJS.ProcessEnv,
  { isWatching, ports }: ProductOptions,
): Promise<SupervisedProcess> {
  const { name, main, flags } = program;
  return startProcess({
    name,
    command: process.execPath,
    args: isWatching ? watchArguments(program) : [...flags, '--import', 'tsx', main],
    cwd: projectFolder,
    env,
    logFile: logFile(name),
    ports: program === API ? [ports.API_PORT] : [],
  });
}

/** Starts the api on a port that is free. @returns the environment with that port, once the api listens. */
function startApi(options: ProductOptions): Promise<{ env: NodeJS.ProcessEnv; api: SupervisedProcess }> {
  return onFreePorts(options.ports, ['API_PORT'], note, async () => {
    const env = environment(options);
    const api = await run(API, env, options);
    await waitUntilReady(api, () => answersHttp(`http://127.0.0.1:${env.API_PORT}/livez`));
    return { env, api };
  });
}

async function startWorker(env: NodeJS.ProcessEnv, options: ProductOptions): Promise<void> {
  const worker = await run(WORKER, env, options);
  await waitUntilReady(worker, () => fs.readFileSync(worker.logFile, 'utf8').includes('"worker running"'));
}

/** @returns the URL of the API, the address that it has for others, and the platform key that it accepts. */
export async function startProduct(
  options: ProductOptions,
): Promise<{ apiUrl: string; publicUrl: string; platformKey: string }> {
  const starting = startApi(options);
  const apiUrl = async (): Promise<string> => {
    const { env, api } = await starting;
    const url = `http://127.0.0.1:${env.API_PORT}`;
    await waitUntilReady(api, () => answersHttp(`${url}/readyz`));
    return url;
  };
  // The worker is given the address of the console, so it starts when the api listens there.
  const [url, { env }] = await Promise.all([
    step('api', apiUrl),
    starting,
    step('worker', async () => startWorker((await starting).env, options)),
  ]);
  return { apiUrl: url, publicUrl: env.PUBLIC_URL as string, platformKey: env.PLATFORM_KEY as string };
}
