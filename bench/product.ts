/**
 * Syncline's own processes under test, and a tenant with one integration, made through the API as any
 * client does.
 */
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import { freePort } from '../dev/start/ports';
import { WORKER_FLAGS } from '../dev/start/product';
import { answersHttp, type SupervisedProcess, waitUntilReady } from '../dev/start/processes';
import { fromTypeId } from '../db/sql/ids';
import type { BenchEnvironment } from './environment';

export interface Product {
  url: string;
  worker: SupervisedProcess;
  api: SupervisedProcess;
  /** Answers the JSON of `POST /v1{path}`. Throws with the problem when the API refuses. */
  asPlatform: Caller;
  /** kill -9, and then another one. */
  killWorker(): Promise<void>;
  /** One more, which `worker` then is. `env`: further settings of it. */
  startWorker(env?: NodeJS.ProcessEnv): Promise<void>;
}

type Caller = (
  path: string,
  body: unknown,
  headers?: Record<string, string>,
) => Promise<Record<string, unknown>>;

export interface LinkedTenant {
  tenantId: string;
  integrationId: string;
  /** As on the wire. */
  integration: string;
  /** The headers of a request in the tenant's name. */
  headers: Record<string, string>;
  call: Caller;
}

async function startProduct(
  environment: BenchEnvironment,
  { databaseUrl, temporalAddress }: { databaseUrl: string; temporalAddress: string },
): Promise<Product> {
  const port = await freePort();
  const platformKey = randomBytes(24).toString('hex');
  const env = {
    DATABASE_URL: databaseUrl,
    TEMPORAL_ADDRESS: temporalAddress,
    API_HOST: '127.0.0.1',
    API_PORT: String(port),
    PLATFORM_KEY: platformKey,
    ENCRYPTION_KEYS: `bench:${randomBytes(32).toString('base64')}`,
    EGRESS_ALLOW_CIDRS: '127.0.0.0/8',
    EGRESS_ALLOW_HTTP: 'true',
    DRAIN_PAUSE_MS: '0',
  };
  const url = `http://127.0.0.1:${port}`;
  const startWorker = async (more: NodeJS.ProcessEnv = {}): Promise<SupervisedProcess> => {
    const file = environment.logFile('worker');
    const written = fs.existsSync(file) ? fs.statSync(file).size : 0;
    const worker = await environment.startNode(
      'worker',
      'bench/worker.ts',
      { ...env, ...more },
      [],
      WORKER_FLAGS,
    );
    await waitUntilReady(worker, () => fs.readFileSync(file).subarray(written).includes('"worker running"'));
    return worker;
  };
  const [api, worker] = await Promise.all([environment.startNode('api', 'bench/api.ts', env), startWorker()]);
  await waitUntilReady(api, () => answersHttp(`${url}/readyz`));
  const product: Product = {
    url,
    api,
    worker,
    asPlatform: callerOf(url, headersOf(platformKey)),
    async killWorker() {
      product.worker.kill();
      await product.worker.ended;
    },
    async startWorker(more) {
      product.worker = await startWorker(more);
    },
  };
  return product;
}

const headersOf = (key: string) => ({ authorization: `Bearer ${key}`, 'content-type': 'application/json' });

function callerOf(url: string, headers: Record<string, string>): Caller {
  return async (path, body, more) => {
    const response = await fetch(`${url}/v1${path}`, {
      method: 'POST',
      headers: { ...headers, ...more },
      body: JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`POST /v1${path} was answered ${response.status}: ${text}`);
    return JSON.parse(text) as Record<string, unknown>;
  };
}

/** A new tenant that reads contacts from a source, its onboarding begun. */
export async function linkSource(product: Product, sourceUrl: string): Promise<LinkedTenant> {
  const fields = ['first_name', 'last_name', 'email', 'phone', 'company', 'environment', 'revision'].map(
    (name) => ({ name, to: name }),
  );
  const list = {
    path: '/contacts',
    items: '/data',
    paging: { type: 'cursor', parameter: 'cursor', at: '/next', stable: true },
    total: { at: '/total' },
  };
  return link(product, {
    connector: 'rest',
    account_name: 'Benchmark',
    config: {
      app: 'Source',
      base_url: sourceUrl,
      auth: { type: 'none' },
      check: { path: '/hello' },
      record_types: { contacts: { id: '/id', list } },
    },
    credentials: {},
    record_types: { contacts: { direction: 'pull', fields } },
  });
}

/** A new tenant that reads contacts from a table, its onboarding begun. */
export async function linkTable(
  product: Product,
  source: { host: string; port: number; database: string; user: string; password: string },
): Promise<LinkedTenant> {
  const { user, password, ...place } = source;
  const fields = ['first_name', 'last_name', 'email', 'phone', 'company'].map((name) => ({ name, to: name }));
  return link(product, {
    connector: 'postgres',
    account_name: 'Benchmark',
    config: {
      app: 'Source',
      ...place,
      tls: false,
      record_types: { contacts: { table: 'contacts', id: 'id' } },
    },
    credentials: { user, password },
    record_types: { contacts: { direction: 'pull', fields } },
  });
}

/**
 * A new tenant each time: what the planner knows of others is of no help to it, as after a real customer's
 * first import.
 */
export async function linkTenant(
  product: Product,
  integration: {
    graceMs: number;
    config?: object;
    connector?: 'noop' | 'rest' | 'scim';
    credentials?: object;
    fields?: readonly { name: string; to: string }[];
  },
): Promise<LinkedTenant> {
  const { connector = 'noop', config = {}, credentials, fields } = integration;
  return link(product, {
    connector,
    ...(connector === 'rest' ? {} : { app: 'Benchmark' }),
    account_name: 'Benchmark',
    config,
    ...(credentials && { credentials }),
    record_types: {
      employees: {
        on_delete: 'leave',
        fields: fields ?? MAPPED_FIELDS.map((name) => ({ name, to: name })),
      },
    },
    grace_period_ms: integration.graceMs,
    initial_push: 'none',
    // A bulk of first pushes is what is measured, not a mistake.
    type_settings: { employees: { safety_thresholds: { push_create: NEVER, push_overwrite: NEVER } } },
  });
}

async function link(product: Product, settings: object): Promise<LinkedTenant> {
  const tenant = await givenTenant(product);
  const integration = (await tenant.call('/integrations', settings)).id as string;
  return { ...tenant, integrationId: fromTypeId('int', integration) as string, integration };
}

export async function givenTenant(
  product: Product,
): Promise<Pick<LinkedTenant, 'tenantId' | 'headers' | 'call'>> {
  const tenant = (await product.asPlatform('/tenants', { name: 'Benchmark' })).id as string;
  const { key } = await product.asPlatform(`/tenants/${tenant}/api-keys`, { name: 'bench', role: 'admin' });
  const headers = headersOf(key as string);
  return { tenantId: fromTypeId('ten', tenant) as string, headers, call: callerOf(product.url, headers) };
}

const NEVER = { count: 1_000_000_000, share: 1, window_hours: 1 };
const MAPPED_FIELDS = [
  'first_name',
  'last_name',
  'email',
  'job_title',
  'department',
  'manager_email',
  'is_active',
];

/** Resident memory of a process in MB, now and at its highest. */
export function memoryOf({ pid }: SupervisedProcess): { nowMb: number; peakMb: number } {
  const status = fs.readFileSync(`/proc/${pid}/status`, 'utf8');
  const megabytes = (name: string) =>
    Math.round(Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1]) / 1024);
  return { nowMb: megabytes('VmRSS'), peakMb: megabytes('VmHWM') };
}

/** PostgreSQL, Temporal, a database with the product's schema, and the product. */
export async function startServersAndProduct(environment: BenchEnvironment) {
  const [serverUrl, temporalAddress] = await Promise.all([
    environment.startPostgres(),
    environment.startTemporal(),
  ]);
  const databaseUrl = await environment.createDatabase(serverUrl, 'syncline');
  const product = await startProduct(environment, { databaseUrl, temporalAddress });
  return { serverUrl, temporalAddress, databaseUrl, product };
}
