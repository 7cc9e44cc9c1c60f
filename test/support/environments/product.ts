/**
 * Syncline itself, as two real processes on free ports, given everything by environment variables as in
 * production. Each can be killed and started again. Nothing of it outlives the test process.
 */
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { projectFolder } from '../../../dev/tools/paths';
import {
  answersHttp,
  startProcess,
  type SupervisedProcess,
  waitUntilReady,
} from '../../../dev/start/processes';
import { ApiClient } from '../clients/api-client';
import { createTestDatabase } from './database';
import { freePort } from '../servers/free-port';
import { temporalAddress, temporaryFolder } from '../servers/shared-servers';
import { createNamespace } from '../servers/temporal';

export interface ProductOptions {
  /** A migrated database; a new one of the run's server unless given. */
  databaseUrl?: string;
  /** Where one of them goes instead, through a faulty link for instance. */
  apiDatabaseUrl?: string;
  workerDatabaseUrl?: string;
  /** Of a Temporal server; the run's unless given. */
  temporalAddress?: string;
  /** Of that server; a new one of the run's unless given. */
  namespace?: string;
  /** A free one unless given. */
  apiPort?: number;
  /** Over the usual environment of both. */
  env?: NodeJS.ProcessEnv;
  /** The file of each, ready to run; the sources unless given. */
  programs?: Record<'api' | 'worker', string>;
}

export interface ProductTenant {
  id: string;
  /** An admin's. */
  key: string;
  api: ApiClient;
}

export interface Product {
  apiUrl: string;
  platformKey: string;
  databaseUrl: string;
  /** Of Temporal. */
  namespace: string;
  encryptionKeys: string;
  /** The environment of a further worker. */
  workerEnv: NodeJS.ProcessEnv;
  apiPid(): number;
  workerPid(): number;
  isApiRunning(): boolean;
  isWorkerRunning(): boolean;
  /** Both answer when they are up. */
  startApi(): Promise<void>;
  startWorker(): Promise<void>;
  /** kill -9. */
  killApi(): Promise<void>;
  killWorker(): Promise<void>;
  /** SIGTERM. Answers how it ended: "ended with exit code 0". */
  stopWorker(): Promise<string>;
  givenTenant(name?: string): Promise<ProductTenant>;
  /** What both have written so far. */
  logs(): string;
  stop(): Promise<void>;
}

/** Starts both processes by default. Call `stop()` in afterAll. */
export async function startProduct(options: ProductOptions = {}): Promise<Product> {
  const folder = temporaryFolder('product');
  const database =
    options.databaseUrl === undefined
      ? await createTestDatabase()
      : { url: options.databaseUrl, drop: async () => undefined };
  const namespace = options.namespace ?? (await createNamespace());
  const port = options.apiPort ?? (await freePort());
  const [platformKey, encryptionKeys] = [
    options.env?.['PLATFORM_KEY'] ?? `platform-${randomBytes(24).toString('hex')}`,
    options.env?.['ENCRYPTION_KEYS'] ?? `k1:${randomBytes(32).toString('base64')}`,
  ];
  const env = {
    PATH: process.env.PATH,
    HOME: process.env.HOME,
    TZ: process.env.TZ,
    TEMPORAL_ADDRESS: options.temporalAddress ?? temporalAddress(),
    TEMPORAL_NAMESPACE: namespace,
    ENCRYPTION_KEYS: encryptionKeys,
    EGRESS_ALLOW_CIDRS: '127.0.0.0/8',
    EGRESS_ALLOW_HTTP: 'true',
    PLATFORM_KEY: platformKey,
    API_HOST: '127.0.0.1',
    API_PORT: String(port),
    RATE_LIMIT_PER_SECOND: '100000',
    DRAIN_PAUSE_MS: '0',
    ...options.env,
  };
  const apiUrl = `http://127.0.0.1:${port}`;
  const logFiles = { api: path.join(folder, 'api.log'), worker: path.join(folder, 'worker.log') };
  const processes: { api?: SupervisedProcess; worker?: SupervisedProcess } = {};
  /** What is still starting when everything is to be stopped must not be left behind. */
  const starting = new Set<Promise<unknown>>();
  let isStopping = false;

  async function start(name: 'api' | 'worker', databaseUrl: string): Promise<SupervisedProcess> {
    const { programs } = options;
    const args = programs === undefined ? ['--import', 'tsx', `${name}/main.ts`] : [programs[name]];
    if (isStopping) throw new Error(`${name} is not started any more: the product was stopped.`);
    const beginning = startProcess({
      name,
      command: process.execPath,
      args,
      cwd: projectFolder,
      env: { ...env, DATABASE_URL: databaseUrl },
      logFile: logFiles[name],
    });
    starting.add(beginning);
    try {
      const child = await beginning;
      processes[name] = child;
      return child;
    } finally {
      starting.delete(beginning);
    }
  }

  async function kill(name: 'api' | 'worker'): Promise<void> {
    processes[name]?.kill();
    await processes[name]?.ended;
  }

  const product: Product = {
    apiUrl,
    platformKey,
    databaseUrl: database.url,
    namespace,
    encryptionKeys,
    workerEnv: { ...env, DATABASE_URL: options.workerDatabaseUrl ?? database.url },
    apiPid: () => (processes.api as SupervisedProcess).pid,
    workerPid: () => (processes.worker as SupervisedProcess).pid,
    isApiRunning: () => processes.api?.isRunning() ?? false,
    isWorkerRunning: () => processes.worker?.isRunning() ?? false,
    async startApi() {
      const child = await start('api', options.apiDatabaseUrl ?? database.url);
      await waitUntilReady(child, () => answersHttp(`${apiUrl}/livez`));
    },
    async startWorker() {
      const written = fs.existsSync(logFiles.worker) ? fs.statSync(logFiles.worker).size : 0;
      const child = await start('worker', options.workerDatabaseUrl ?? database.url);
      await waitUntilReady(child, () =>
        fs.readFileSync(logFiles.worker).subarray(written).includes('"worker running"'),
      );
    },
    killApi: () => kill('api'),
    killWorker: () => kill('worker'),
    async stopWorker() {
      await processes.worker?.stop(30_000);
      return (await processes.worker?.ended) ?? 'never ran';
    },
    async givenTenant(name = 'Ada & Sons') {
      const platform = new ApiClient(apiUrl, platformKey);
      const { id } = await platform.must('POST', '/v1/tenants', { name, time_zone: 'Europe/Berlin' });
      const { key } = await platform.must('POST', `/v1/tenants/${id}/api-keys`, {
        name: 'test',
        role: 'admin',
      });
      return { id, key, api: new ApiClient(apiUrl, key) };
    },
    logs: () =>
      Object.values(logFiles)
        .map((file) => (fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : ''))
        .join(''),
    async stop() {
      isStopping = true;
      await Promise.allSettled(starting);
      await Promise.all([processes.api?.stop(), processes.worker?.stop()]);
      await database.drop();
      fs.rmSync(folder, { recursive: true, force: true });
    },
  };
  try {
    await Promise.all([product.startApi(), product.startWorker()]);
  } catch (error) {
    await product.stop();
    throw error;
  }
  return product;
}

/** The same server by another port: through a link. */
export function throughPort(url: string, port: number): string {
  const changed = new URL(url);
  changed.port = String(port);
  return changed.href;
}
