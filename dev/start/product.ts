/** Starts Syncline's own two processes, api and worker, as production would: by environment variables alone. */
import fs from 'node:fs';
import { projectFolder } from '../tools/paths';
import { answersHttp, startProcess, waitUntilReady, type SupervisedProcess } from './processes';
import { step } from './progress';
import type { Secrets } from './secrets';
import { logFile } from './state';
import type { Stores } from './stores';

interface ProductOptions {
  stores: Stores;
  smtpUrl: string;
  secrets: Secrets;
  apiPort: number;
}

function environment({ stores, smtpUrl, secrets, apiPort }: ProductOptions): NodeJS.ProcessEnv {
  return {
    // Third parties on this machine are the point of `npm start`; in production both stay unset.
    EGRESS_ALLOW_CIDRS: '127.0.0.0/8',
    EGRESS_ALLOW_HTTP: 'true',
    PLATFORM_KEY: secrets.platformKey,
    ENCRYPTION_KEYS: secrets.encryptionKeys,
    API_HOST: '127.0.0.1',
    SMTP_FROM: 'Syncline <syncline@example.com>',
    DRAIN_PAUSE_MS: '0', // no load balancer that has to hear of our end first
    ...process.env,
    DATABASE_URL: stores.databaseUrl,
    TEMPORAL_ADDRESS: stores.temporalAddress,
    SMTP_URL: smtpUrl,
    API_PORT: String(apiPort),
    ...(stores.temporalUiUrl === null ? {} : { TEMPORAL_UI_URL: stores.temporalUiUrl }),
    PUBLIC_URL: process.env.PUBLIC_URL ?? `http://127.0.0.1:${apiPort}`,
  };
}

/** As in docker-compose.yml: a bound for its heap makes Node collect garbage in time. */
export const WORKER_FLAGS = ['--max-old-space-size=1536', '--max-semi-space-size=32'];

const run = (
  name: string,
  main: string,
  env: NodeJS.ProcessEnv,
  flags: readonly string[] = [],
): Promise<SupervisedProcess> =>
  startProcess({
    name,
    command: process.execPath,
    args: [...flags, '--import', 'tsx', main],
    cwd: projectFolder,
    env,
    logFile: logFile(name),
  });

async function startApi(env: NodeJS.ProcessEnv): Promise<string> {
  const url = `http://127.0.0.1:${env.API_PORT}`;
  const api = await run('api', 'api/main.ts', env);
  await waitUntilReady(api, () => answersHttp(`${url}/readyz`));
  return url;
}

async function startWorker(env: NodeJS.ProcessEnv): Promise<void> {
  const worker = await run('worker', 'worker/main.ts', env, WORKER_FLAGS);
  await waitUntilReady(worker, () => fs.readFileSync(worker.logFile, 'utf8').includes('"worker running"'));
}

/** Answers the URL of the API and the platform key it takes. */
export async function startProduct(
  options: ProductOptions,
): Promise<{ apiUrl: string; platformKey: string }> {
  const env = environment(options);
  const [apiUrl] = await Promise.all([
    step('api', () => startApi(env)),
    step('worker', () => startWorker(env)),
  ]);
  return { apiUrl, platformKey: env.PLATFORM_KEY as string };
}
