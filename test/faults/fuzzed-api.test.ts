/**
 * The API as its description promises it: Schemathesis sends valid and invalid requests of every route, with
 * a key of each role, to the real processes. `FUZZ_SECONDS=600 npm run test:faults -- -t Schemathesis` sends
 * many more. Then what Schemathesis does not send: bytes that are no proper request.
 */
import path from 'node:path';
import { ApiClient } from '../support/clients/api-client';
import { type Product, type ProductTenant, startProduct } from '../support/environments/product';
import { sendRaw } from '../support/clients/raw-http';
import { oddRequests, type Paths } from '../support/fuzz/odd-requests';
import { type FuzzSettings, runSchemathesis } from '../support/fuzz/schemathesis';
import { testSeed } from '../support/random';
import { ledgerIntegration, type LedgerServer, startLedgerServer } from '../support/servers/ledger-server';

const seconds = Number(process.env.FUZZ_SECONDS ?? 75);
/** One for each route: a machine that is busy sends far fewer in the same time. */
const CASES_MIN = 150;

let product: Product;
let ledger: LedgerServer;

beforeAll(async () => {
  ledger = await startLedgerServer();
  product = await startProduct({
    env: {
      NODE_OPTIONS: `--require "${path.join(__dirname, '../support/loopback-only.cjs')}"`,
      TRUSTED_PROXIES: '127.0.0.0/8',
      OPERATION_WAIT_SECONDS: '1',
    },
  });
});

afterAll(async () => {
  await product?.stop();
  await ledger?.stop();
});

const EMPLOYEES = ['emp-1', 'emp-2', 'emp-3'];

/** Something of each kind; what exists is answered as text, with its ids. */
async function seedTenant({ id, api }: ProductTenant, platform: ApiClient): Promise<string> {
  await api.must('POST', '/v1/webhook-endpoints', { url: `${ledger.url}/hooks` });
  await platform.must('POST', '/v1/platform/webhook-endpoints', { url: `${ledger.url}/hooks` });
  for (const account of ['main', 'other'])
    await api.must(
      'POST',
      '/v1/integrations',
      ledgerIntegration(ledger.url, account, { grace_period_ms: 0 }),
    );
  for (const employee of EMPLOYEES) await api.put(employee, { name: employee });
  await platform.must('POST', `/v1/tenants/${id}/first-admin`, { name: 'Ada', email: 'ada@example.com' });
  const lists = ['integrations', 'people', 'webhook-endpoints', 'webhook-deliveries', 'pushes', 'events'];
  const [tenants, ...own] = await Promise.all([
    platform.must('GET', '/v1/tenants'),
    ...lists.map((list) => api.must('GET', `/v1/${list}`)),
    api.must('GET', '/v1/records/employees'),
  ]);
  return JSON.stringify([tenants, own]);
}

async function givenSettings(): Promise<FuzzSettings> {
  const tenant = await product.givenTenant();
  const platform = new ApiClient(product.apiUrl, product.platformKey);
  const seed = await seedTenant(tenant, platform);
  const [viewer, operator, admin] = await Promise.all(
    ['viewer', 'operator', 'admin'].map((role) =>
      tenant.api.must('POST', '/v1/api-keys', { name: role, role }),
    ),
  );
  const people = await tenant.api.must('GET', '/v1/people');
  return {
    url: product.apiUrl,
    run: 'fuzz',
    keys: { viewer: viewer.key, operator: operator.key, admin: admin.key, platform: product.platformKey },
    own_ids: { psn: people.data[0].id, viewer: viewer.id, operator: operator.id, admin: admin.id },
    seed,
    values: {
      kind: ['rest', 'scim', 'postgres'],
      record_type: ['employees'],
      external_id: EMPLOYEES,
    },
  };
}

it(
  'answers each request of Schemathesis as the description says, and none with 5xx',
  async () => {
    const { isPassed, generated, report } = await runSchemathesis(await givenSettings(), {
      seconds,
      seed: testSeed,
    });

    console.log(
      report
        .split('\n')
        .filter((line) => /^ +(\d+ generated|API Links:|Scenarios:)/.test(line))
        .join('\n'),
    );
    if (!isPassed) throw new Error(report.slice(-20_000));
    expect(generated).toBeGreaterThanOrEqual(CASES_MIN);
    expect(product.logs()).not.toContain('request failed with an internal error');
    expect([product.isApiRunning(), product.isWorkerRunning()]).toEqual([true, true]);
  },
  (seconds + 120) * 1_000,
);

it('refuses what no client library sends, in every route, with a documented status', async () => {
  const tenant = await product.givenTenant('Odd');
  const { paths } = (await tenant.api.must('GET', '/openapi.json')) as { paths: Paths };
  const port = Number(new URL(product.apiUrl).port);
  const wrong: unknown[] = [];
  let sent = 0;

  for (const { what, bytes, isRefused, statuses } of oddRequests(paths, (isForPlatform) =>
    isForPlatform ? product.platformKey : tenant.key,
  )) {
    const { status, headers } = await sendRaw(port, bytes);
    const isProblem = headers.toLowerCase().includes('content-type: application/problem+json');
    const isRight = status < 400 ? !isRefused : status < 500 && isProblem;
    if (!isRight || !statuses.has(status)) wrong.push([what, status]);
    sent += 1;
  }

  expect(wrong).toEqual([]);
  expect(sent).toBeGreaterThan(4_000);
  expect(product.logs()).not.toContain('request failed with an internal error');
});
