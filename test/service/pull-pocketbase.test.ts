/**
 * Pulling from PocketBase, which has no tombstones, numbers its pages, and answers 429 without saying for how
 * long; and keeping records that are changed on both sides.
 */
import { Client, Connection } from '@temporalio/client';
import { Client as PostgresClient } from 'pg';
import { syncRunWorkflowId } from '../../contract/sync-run';
import { fromTypeId } from '../../db/sql/ids';
import { documentedExample } from '../connectors/suite/documented';
import { pocketBaseHarness, type StartedPocketBase } from '../connectors/suite/harness-pocketbase';
import type { Json } from '../support/clients/api-client';
import { type HttpRelay, startHttpRelay } from '../support/servers/http-relay';
import { type Product, type ProductTenant, startProduct } from '../support/environments/product';
import { PullingIntegration } from '../support/environments/pulling-integration';
import { temporalAddress } from '../support/servers/shared-servers';
import { fastForward } from '../support/servers/temporal';
import { until } from '../support/until';

const RECORDS = 'collections/employees/records';
const COUNT = 40;
const [pullExample, pushExample] = [documentedExample('pocketbase-pull'), documentedExample('pocketbase')];

let pocketBase: StartedPocketBase;
let relay: HttpRelay;
let product: Product;
let connection: Connection;
let temporal: Client;
/** One each, for what is pulled from one integration is pushed to the others of the same tenant. */
let tenant: ProductTenant;

const hire = (number: number) =>
  pocketBase.call('POST', RECORDS, {
    external_id: `emp-${number}`,
    email: `emp-${number}@example.com`,
    first_name: `No. ${number}`,
    last_name: 'Kahn',
    grade: 'junior',
  }) as Promise<{ id: string }>;
const rows = async (): Promise<Json[]> =>
  ((await pocketBase.call('GET', `${RECORDS}?perPage=500`)) as { items: Json[] }).items;
const idOf = async (number: number): Promise<string> =>
  (await rows()).find((row) => row.external_id === `emp-${number}`)?.id as string;
const edit = async (id: string, fields: object) =>
  void (await pocketBase.call('PATCH', `${RECORDS}/${id}`, fields));

async function expectEqual(integration: PullingIntegration): Promise<void> {
  const expected = (await rows()).map(({ id, first_name, last_name, email, grade }) => [
    id,
    { first_name, last_name, email, ...(grade === '' ? {} : { level: grade === 'junior' ? '1' : '2' }) },
  ]);
  const held = [...(await integration.held())].map(([id, { first_name, last_name, email, level }]) => [
    id,
    { first_name, last_name, email, ...(['', null, undefined].includes(level) ? {} : { level }) },
  ]);
  expect(Object.fromEntries(held)).toEqual(Object.fromEntries(expected));
}

const withBase = (config: object, size = 15): object =>
  JSON.parse(
    JSON.stringify({ ...config, base_url: `http://127.0.0.1:${relay.port}` }).replace(
      '"size":500',
      `"size":${size}`,
    ),
  ) as object;
const pulling = () => ({
  ...pullExample,
  config: withBase(pullExample.config),
  credentials: pocketBase.credentials,
});

/** Both examples of the page as one: what is read and what is written. */
const both = () => {
  const [reading, writing] = [
    pullExample.config.record_types['employees'],
    pushExample.config.record_types['employees'],
  ];
  const config = { ...pushExample.config, record_types: { employees: { ...writing, ...reading } } };
  return {
    connector: 'rest',
    account_name: 'Both ways',
    config: withBase(config),
    credentials: pocketBase.credentials,
    record_types: {
      employees: { ...pushExample.record_types['employees'], direction: 'both', on_delete: 'leave' },
    },
    grace_period_ms: 500,
    initial_push: 'none',
  };
};

beforeAll(async () => {
  pocketBase = await pocketBaseHarness.start();
  relay = await startHttpRelay(Number(new URL(pocketBase.url).port));
  product = await startProduct();
  connection = await Connection.connect({ address: temporalAddress() });
  temporal = new Client({ connection, namespace: product.namespace });
  for (let number = 1; number <= COUNT; number += 1) await hire(number);
}, 90_000);

afterEach(() => relay.reset());

afterAll(async () => {
  await connection?.close();
  await product?.stop();
  await Promise.all([relay?.stop(), pocketBase?.stop()]);
});

describe('records that are only pulled', () => {
  let integration: PullingIntegration;

  beforeAll(async () => {
    tenant = await product.givenTenant('Pulling');
  });

  it('are complete after onboarding, and read-only in Syncline', async () => {
    integration = await PullingIntegration.onboarded(tenant, pulling());

    await expectEqual(integration);
    expect(await integration.status()).toMatchObject({
      total_difference: 0,
      total_syncline: COUNT,
      total_app: COUNT,
    });
    const externalId = integration.externalId(await idOf(1));
    const refused = await tenant.api.call(
      'PATCH',
      `/v1/records/employees/${encodeURIComponent(externalId)}`,
      {
        fields: { first_name: 'Mine' },
      },
    );
    expect([refused.status, refused.body.code]).toEqual([409, 'field_owned_by_third_party']);
    await tenant.api.patch(externalId, { nickname: 'Only here' });
  });

  it('are updated by an incremental run, which requests only later updates', async () => {
    const id = await idOf(3);
    await edit(id, { first_name: 'Third', grade: 'senior' });
    const { id: fresh } = await hire(COUNT + 1);

    const run = await integration.sync('incremental');

    expect(run).toMatchObject({ state: 'succeeded', progress: { records_new: 1, records_changed: 1 } });
    expect((await integration.changes(run.id)).sort()).toEqual([`created ${fresh}`, `updated ${id}`].sort());
    expect((await tenant.api.record(integration.externalId(await idOf(1)))).fields).toMatchObject({
      nickname: 'Only here',
    });
    await expectEqual(integration);
  });

  it('are not deleted by an incremental run; the total differs twice, and a full pass finds them', async () => {
    const id = await idOf(5);
    await pocketBase.call('DELETE', `${RECORDS}/${id}`);
    await edit(await idOf(6), { first_name: 'Sixth' }); // so that there is something to count after

    const run = await integration.sync('incremental');
    await integration.untilQuiet();
    expect((await integration.runs())[0]).toMatchObject({ id: run.id });
    await edit(await idOf(6), { first_name: 'Sixth again' });
    await integration.sync('incremental');
    await integration.untilQuiet();

    const [repair] = await integration.runs();
    expect(run.progress.records_deleted).toBe(0);
    expect(repair).toMatchObject({
      kind: 'drift_repair',
      state: 'succeeded',
      progress: { records_deleted: 1 },
    });
    expect(await integration.changes(repair?.id)).toEqual([`deleted ${id}`]);
    await expectEqual(integration);
  });

  it('are deleted by their absence from a full run', async () => {
    const id = await idOf(8);
    await pocketBase.call('DELETE', `${RECORDS}/${id}`);

    const run = await integration.sync('full');

    expect(await integration.changes(run.id)).toEqual([`deleted ${id}`]);
    await expectEqual(integration);
    expect((await integration.status()).total_difference).toBe(0);
  });

  it('have current picklists: a value that is added later is a change of metadata', async () => {
    const collection = (await pocketBase.call('GET', 'collections/employees')) as {
      fields: { name: string }[];
    };
    const fields = collection.fields.map((field) =>
      field.name === 'grade' ? { ...field, values: ['junior', 'senior', 'principal'] } : field,
    );
    await pocketBase.call('PATCH', 'collections/employees', { fields });

    await integration.sync('full');

    const changes = await tenant.api.list(`/v1/metadata-changes?integration_id=${integration.id}`);
    expect(changes).toMatchObject([{ kind: 'value_added', field: 'grade', detail: { value: 'principal' } }]);
    const { data } = await tenant.api.must('GET', `/v1/integrations/${integration.id}/record-types`);
    expect(data[0].fields.find((field: Json) => field.name === 'grade').values).toEqual([
      'junior',
      'senior',
      'principal',
    ]);
  });

  it('are parked if too many are missing at once, until a person approves', async () => {
    const doomed = (await rows()).slice(0, 22).map((row) => row.id as string);
    const before = await integration.held();
    for (const id of doomed) await pocketBase.call('DELETE', `${RECORDS}/${id}`);

    const run = await integration.sync('full');

    expect(run).toMatchObject({ state: 'succeeded', progress: { records_deleted: 0 } });
    expect((await integration.job(run.id)).deletes_withheld).toBe('needs_review');
    expect((await integration.held()).size).toBe(before.size);
    expect((await integration.status()).total_difference).toBe(22);
    const [review] = await tenant.api.list(
      `/v1/deletion-reviews?integration_id=${integration.id}&state=pending`,
    );
    expect(review).toMatchObject({
      record_type: 'employees',
      records_missing: 22,
      records_before: before.size,
    });
    const missing = await tenant.api.list(`/v1/deletion-reviews/${review?.id}/records`);
    expect(missing.map(({ external_id: externalId }) => externalId as string).sort()).toEqual(
      doomed.map(integration.externalId).sort(),
    );
    expect((await tenant.api.list('/v1/notifications')).map(({ kind }) => kind as string)).toContain(
      'deletions_need_review',
    );

    expect(await tenant.api.must('POST', `/v1/deletion-reviews/${review?.id}/approve`)).toMatchObject({
      state: 'approved',
      records_deleted: 22,
    });
    await expectEqual(integration);
    expect((await tenant.api.call('POST', `/v1/deletion-reviews/${review?.id}/approve`)).body.code).toBe(
      'review_decided',
    );
    await integration.sync('full');
    expect((await integration.status()).total_difference).toBe(0);
  });
});

describe('records that are changed on both sides', () => {
  let integration: PullingIntegration;
  let id: string;
  let externalId: string;
  const writes = () =>
    relay.requests.filter(({ method, path }) => method !== 'GET' && path.includes('/records'));
  const untilSynced = () =>
    until(
      'it is synced',
      async () => (await tenant.api.sync(externalId, integration.id)).status === 'synced',
    );
  /**
   * What is read within 5 s of our own writing may be older than that: it is left to the next run, which
   * looks further back.
   */
  const syncUntil = (what: string, isSo: (run: Json) => Promise<boolean> | boolean): Promise<Json> =>
    until(what, async () => {
      const run = await integration.sync('incremental');
      return (await isSo(run)) && run;
    });
  const row = async (): Promise<Json> => (await rows()).find((one) => one.id === id);

  beforeAll(async () => {
    tenant = await product.givenTenant('Both ways');
    const [first] = await rows();
    id = first?.id as string;
    externalId = first?.external_id as string;
    await tenant.api.put(externalId, {
      first_name: first?.first_name,
      last_name: first?.last_name,
      email: first?.email,
      level: '1',
      nickname: 'N',
    });
    integration = await PullingIntegration.onboarded(tenant, both());
  });

  it('are matched by the external id stored in PocketBase, without a write there', async () => {
    expect((await tenant.api.record(externalId)).fields).toMatchObject({
      email: (await row()).email,
      nickname: 'N',
    });
    expect((await integration.held()).has(id)).toBe(false);
    expect((await tenant.api.list('/v1/records/employees')).length).toBe((await rows()).length);
    expect(writes()).toEqual([]);
  });

  it('are pushed when they are edited in Syncline, and their echo is not a change', async () => {
    await tenant.api.patch(externalId, { first_name: 'Here' });
    await untilSynced();
    expect((await row()).first_name).toBe('Here');
    const { version } = await tenant.api.record(externalId);

    const run = await integration.sync('incremental');

    expect(run.progress).toMatchObject({ records_changed: 0, records_new: 0 });
    expect((await tenant.api.record(externalId)).version).toBe(version);
    expect(writes()).toHaveLength(1);
  });

  it('are pulled when they are edited in PocketBase, and not sent back', async () => {
    await edit(id, { last_name: 'There' });
    relay.requests.length = 0;

    await syncUntil('it is here', (run) => run.progress.records_changed === 1);
    await new Promise((resolve) => setTimeout(resolve, 1_500)); // three grace periods

    expect(await tenant.api.record(externalId)).toMatchObject({
      fields: { first_name: 'Here', last_name: 'There' },
      changed_by: expect.stringContaining('int_'),
    });
    expect((await tenant.api.sync(externalId, integration.id)).status).toBe('synced');
    expect(writes()).toEqual([]);
  });

  it('keep the local value on a conflict, which is logged, and take the other remote values', async () => {
    await integration.change({ grace_period_ms: 3_600_000, max_wait_ms: null });
    await tenant.api.patch(externalId, { first_name: 'Local' });
    await edit(id, { first_name: 'Remote', last_name: 'Remote' });

    await syncUntil('the remote change is here', (run) => run.progress.records_changed === 1);

    expect((await tenant.api.record(externalId)).fields).toMatchObject({
      first_name: 'Local',
      last_name: 'Remote',
    });
    expect(await tenant.api.list(`/v1/sync-conflicts?integration_id=${integration.id}`)).toMatchObject([
      {
        kind: 'field_changed_on_both_sides',
        external_id: externalId,
        field: 'first_name',
        ours: 'Local',
        theirs: 'Remote',
        winner: 'ours',
      },
    ]);
    await tenant.api.act('push-now', integration.id, externalId);
    await untilSynced();
    expect(await row()).toMatchObject({ first_name: 'Local', last_name: 'Remote' });
    await new Promise((resolve) => setTimeout(resolve, 5_000));
    await integration.sync('incremental');
    expect(await tenant.api.list(`/v1/sync-conflicts?integration_id=${integration.id}`)).toHaveLength(1);
  });
});

/** The time of the pauses that all workers keep: 31 s, as the workflow's time. */
async function forwardPauses(): Promise<void> {
  const database = new PostgresClient({ connectionString: product.databaseUrl });
  await database.connect();
  try {
    await database.query("UPDATE rate_limits SET paused_until = paused_until - interval '31 seconds'");
  } finally {
    await database.end();
  }
}

describe('a third party that says "slow down" and not for how long', () => {
  it('is not called for a while; the run waits, continues more slowly, and succeeds', async () => {
    tenant = await product.givenTenant('Limited');
    for (let number = 200; number < 230; number += 1) await hire(number);
    // PocketBase never limits its administrators, so the collection is open to all users.
    await pocketBase.call('PATCH', 'collections/employees', { listRule: '' });
    const describe = { ...pullExample.config.record_types['employees'], describe: undefined };
    const config = withBase(
      {
        ...pullExample.config,
        auth: { type: 'none' },
        check: { path: '/api/health' },
        record_types: { employees: describe },
      },
      4,
    );
    const limit = { label: `/api/${RECORDS}`, maxRequests: 5, duration: 2 };
    await pocketBase.call('PATCH', 'settings', { rateLimits: { enabled: true, rules: [limit] } });

    const integration = await PullingIntegration.link(tenant, {
      ...pulling(),
      account_name: 'Limited',
      config,
      credentials: {},
    });
    const [run] = await integration.runs();
    await integration.untilState(run?.id, 'waiting');
    const waiting = await integration.job(run?.id);
    expect(waiting).toMatchObject({ waiting_reason: 'rate_limit', is_last_attempt_failed: false });
    expect(waiting.pages).toBeGreaterThan(0);
    expect(await integration.show()).toMatchObject({ state: 'blocked', blocked_reason: 'rate_limit' });
    const asked = relay.requests.length;
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect(relay.requests).toHaveLength(asked);

    const workflowId = syncRunWorkflowId({ integrationId: fromTypeId('int', integration.id) as string });
    const ended = await until(
      'the run has ended',
      async () => {
        const now = await integration.run(run?.id);
        if (now.finished_at !== null) return now;
        if (now.state !== 'waiting') return false;
        await forwardPauses();
        await fastForward(temporal, workflowId, 31_000);
        return false;
      },
      40_000,
    );

    expect(ended.state).toBe('succeeded');
    expect((await integration.job(run?.id)).attempts).toBe(1);
    const pages = relay.requests.filter(({ path }) => path.includes('/records'));
    const refused = pages.filter(({ status }) => status === 429);
    // The first refusal, and those that were met while the right pace was looked for.
    expect(refused.length).toBeGreaterThan(0);
    expect(refused.length).toBeLessThanOrEqual(4);
    await expectEqual(integration);
    expect((await integration.status()).total_difference).toBe(0);
  }, 60_000);
});

it('the worker stops cleanly and has logged no error', async () => {
  expect(await product.stopWorker()).toBe('ended with exit code 0');
  expect(product.logs()).not.toMatch(/"level":(50|60)/);
});
