/**
 * S17: texts that exist nowhere else go in as credentials, keys and personal data, through a journey with
 * every kind of trouble. Then everything that was kept or written is searched for them: the database,
 * Temporal's file and histories, logs, metrics, answers.
 */
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { Client as TemporalClient, Connection } from '@temporalio/client';
import { Client } from 'pg';
import { startTemporalServer, type TemporalServer } from '../../dev/start/temporal';
import { ApiClient } from '../support/clients/api-client';
import { ledgerIntegration, type LedgerServer, startLedgerServer } from '../support/servers/ledger-server';
import { type Product, type ProductTenant, startProduct } from '../support/environments/product';
import { freePort } from '../support/servers/free-port';
import { temporaryFolder } from '../support/servers/shared-servers';
import { until } from '../support/until';

const canary = (name: string): string => `canary-${name}-${randomBytes(8).toString('hex')}`;
/** Where a person's data has its place. */
const HOMES_OF_RECORDS = new Set(['records', 'pushes', 'record_links', 'record_syncs']);

const secrets: Record<string, string> = {
  token: canary('token'),
  password: canary('password'),
  wrongToken: canary('wrong-token'),
  sessionToken: canary('session'),
};
const personal = { name: canary('name'), email: `${canary('mail')}@example.com` };
let temporal: TemporalServer;
let temporalFolder: string;
let product: Product;
let tenant: ProductTenant;
let metricsPort: number;
let ledger: LedgerServer;
let database: Client;
/** Every answer of the API that was no success, as text. */
const refusals: string[] = [];

async function journey(): Promise<void> {
  const { api } = tenant;
  const call = api.call.bind(api);
  api.call = async (...request) => {
    const answer = await call(...request);
    if (answer.status >= 400) refusals.push(JSON.stringify(answer.body));
    return answer;
  };
  // Third parties that echo what they received, in their errors too.
  let isRefusing = true;
  ledger.decide = ({ account, rev, kind }) => {
    if (account === 'rude' && rev === 1)
      return { kind: 'status', status: 500, body: { message: `Bearer ${secrets.token}` } };
    if (account === 'rude' && rev === 2)
      return {
        kind: 'status',
        status: 422,
        body: {
          message: `No: Bearer ${secrets.token}`,
          errors: [{ field: 'name', message: `token=${secrets.token}` }],
        },
      };
    if (account === 'refused' && isRefusing && kind !== 'check')
      return { kind: 'status', status: 401, body: { message: `Unknown: ${secrets.wrongToken}` } };
    return undefined;
  };
  const link = async (account: string, token: string) =>
    (
      await api.must(
        'POST',
        '/v1/integrations',
        ledgerIntegration(ledger.url, account, { grace_period_ms: 0, credentials: { token } }),
      )
    ).id as string;
  const rude = await link('rude', secrets.token as string);
  const refused = await link('refused', secrets.wrongToken as string);

  for (const rev of [1, 2, 3]) {
    await api.put('person', { ...personal, rev }, { version: rev });
    await until('the push has ended or waits', async () =>
      (await api.list(`/v1/pushes?integration_id=${rude}`)).some(
        (push) => push.record_version === rev && push.attempts > 0,
      ),
    );
  }
  await until('it is synced', async () => (await api.sync('person', rude)).status === 'synced');
  await until(
    'credentials are refused',
    async () => (await api.must('GET', `/v1/integrations/${refused}`)).state === 'needs_reauthorization',
  );
  isRefusing = false;
  await api.must('PUT', `/v1/integrations/${refused}/credentials`, { credentials: { token: secrets.token } });
  for (const integrationId of [rude, refused])
    await api.call('POST', `/v1/integrations/${integrationId}/check`);

  const { key } = await api.must(
    'POST',
    '/v1/api-keys',
    { name: 'second', role: 'viewer' },
    { 'idempotency-key': 'make-a-key' },
  );
  secrets.secondKey = key as string;
  const body = { records: [{ record_type: 'employees', external_id: 'batched', fields: personal }] };
  await api.must('POST', '/v1/records/batch', body, { 'idempotency-key': 'batch' });
  for (const [method, route, refusedBody] of [
    ['PUT', '/v1/records/employees/person', { fields: personal, version: 'x' }],
    ['PUT', '/v1/records/employees/person', { fields: { ...personal, rev: 9 }, version: 3 }],
    ['PUT', `/v1/integrations/${rude}/credentials`, { credentials: { token: { secret: secrets.token } } }],
    [
      'POST',
      '/v1/integrations',
      ledgerIntegration(ledger.url, 'bad', { credentials: { 'no name': secrets.token } }),
    ],
    ['POST', '/v1/integrations', ledgerIntegration(`http://user:${secrets.password}@ledger.example`, 'bad')],
    ['GET', `/v1/records/employees/person?token=${secrets.token}`, undefined],
  ] as const) {
    expect([method, route, (await api.call(method, route, refusedBody)).status >= 400]).toEqual([
      method,
      route,
      true,
    ]);
  }
  await new ApiClient(api.url, `syncline_live_${canary('bad')}`).call('GET', '/v1/integrations');
}

beforeAll(async () => {
  temporalFolder = temporaryFolder('temporal');
  temporal = await startTemporalServer({
    logFile: path.join(temporalFolder, 'log'),
    databaseFile: path.join(temporalFolder, 'temporal.db'),
  });
  ledger = await startLedgerServer();
  metricsPort = await freePort();
  product = await startProduct({
    temporalAddress: temporal.address,
    namespace: 'default',
    env: { LOG_LEVEL: 'trace', API_METRICS_PORT: String(metricsPort) },
  });
  tenant = await product.givenTenant();
  Object.assign(secrets, {
    apiKey: tenant.key,
    platformKey: product.platformKey,
    encryptionKey: product.encryptionKeys.split(':')[1],
  });
  database = new Client({ connectionString: product.databaseUrl });
  await database.connect();
  await journey();
});

afterAll(async () => {
  await database?.end();
  await product?.stop();
  await Promise.all([ledger?.stop(), temporal?.stop()]);
});

/** The names of the texts that it contains; their values would only clutter the report. */
const found = (text: string, wanted: Record<string, string | undefined>): string[] =>
  Object.entries(wanted).flatMap(([name, value]) =>
    value !== undefined && text.includes(value) ? [name] : [],
  );

/** Every row of every table, as text. */
async function dump(): Promise<Map<string, string>> {
  const { rows: tables } = await database.query<{ name: string }>(
    `select relname as name from pg_class
     where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition`,
  );
  const texts = new Map<string, string>();
  for (const { name } of tables) {
    const { rows } = await database.query<{ row: string }>(`select t::text as row from "${name}" t`);
    texts.set(name, rows.map(({ row }) => row).join('\n'));
  }
  return texts;
}

it('stores no credential and no key unencrypted in the database, and personal data only in records', async () => {
  const tables = await dump();

  expect(found(tables.get('records') as string, personal)).toEqual(['name', 'email']); // the search finds what is there
  expect(
    [...tables].flatMap(([name, text]) => found(text, secrets).map((secret) => `${secret} in ${name}`)),
  ).toEqual([]);
  expect(
    [...tables].flatMap(([name, text]) =>
      HOMES_OF_RECORDS.has(name) ? [] : found(text, personal).map((field) => `${field} in ${name}`),
    ),
  ).toEqual([]);
});

it("leaves neither in Temporal's file and histories", async () => {
  const connection = await Connection.connect({ address: temporal.address });
  const { workflow } = new TemporalClient({ connection });
  const histories: string[] = [];
  for await (const { workflowId, runId } of workflow.list()) {
    const { events } = await workflow.getHandle(workflowId, runId).fetchHistory();
    histories.push(
      JSON.stringify(events).replaceAll(/"data":"([^"]*)"/g, (_all, base64: string) =>
        Buffer.from(base64, 'base64').toString('utf8'),
      ),
    );
  }
  await connection.close();
  const files = fs
    .readdirSync(temporalFolder)
    .map((name) => fs.readFileSync(path.join(temporalFolder, name)).toString('latin1'));

  expect(histories.length).toBeGreaterThan(0);
  expect(histories.some((history) => history.includes('firedAt'))).toBe(true); // the search reads what is there
  expect(found([...histories, ...files].join('\n'), { ...secrets, ...personal })).toEqual([]);
});

it('writes neither into logs, metrics and refusals', async () => {
  const metrics = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();

  expect([
    product.logs().includes('"msg":"request"'),
    metrics.includes('syncline_http_request_duration_seconds'),
  ]).toEqual([true, true]);
  expect(refusals.length).toBeGreaterThan(5);
  expect(found(product.logs(), { ...secrets, ...personal })).toEqual([]);
  expect(found(metrics, { ...secrets, ...personal })).toEqual([]);
  expect(found(refusals.join('\n'), { ...secrets, ...personal })).toEqual([]);
});

it('never returns a credential', async () => {
  const { api } = tenant;
  const answers = await Promise.all(
    [
      '/v1/integrations',
      '/v1/pushes',
      '/v1/record-syncs',
      '/v1/audit-log',
      '/v1/notifications',
      '/v1/api-keys',
      '/v1/records/employees/person',
    ].map((route) => api.must('GET', route)),
  );

  expect(found(JSON.stringify(answers), secrets)).toEqual([]);
});
