/**
 * Pulling users from scim2-server and tables from PostgreSQL, sign-ins and changes of the last day: what runs
 * promise whatever the third party is. A table that is dropped fails alone, and says so.
 */
import { startPostgresSource, type StartedPostgres } from '../connectors/suite/reading-postgres';
import { scimReading } from '../connectors/suite/reading-scim';
import { documentedExample } from '../connectors/suite/documented';
import type { StartedSource } from '../connectors/suite/reading-harness';
import type { Json } from '../support/clients/api-client';
import { createLatch, type HttpRelay, startHttpRelay } from '../support/servers/http-relay';
import { type Product, type ProductTenant, startProduct } from '../support/environments/product';
import { PullingIntegration } from '../support/environments/pulling-integration';
import { until } from '../support/until';

const TABLES = `
create schema hr;
create table hr.staff (
  id bigint generated always as identity primary key,
  first_name text not null, last_name text not null, email text,
  grade text check (grade in ('junior', 'senior')),
  updated_at timestamptz not null default now(), deleted_at timestamptz);
create index on hr.staff (updated_at, id);
create table hr.sites (code text primary key, city text not null)`;

let product: Product;
let database: StartedPostgres;
let users: StartedSource;
let relay: HttpRelay;

beforeAll(async () => {
  [database, users] = await Promise.all([startPostgresSource(TABLES), scimReading.start()]);
  relay = await startHttpRelay(Number(new URL((users.config as { base_url: string }).base_url).port));
  product = await startProduct();
}, 90_000);

afterEach(() => relay.reset());

afterAll(async () => {
  await product?.stop();
  await Promise.all([relay?.stop(), database?.stop(), users?.stop()]);
});

describe('users of a SCIM service', () => {
  let tenant: ProductTenant;
  let integration: PullingIntegration;
  const body = () => ({
    connector: 'scim',
    account_name: 'Directory',
    config: { ...(users.config as object), base_url: `http://127.0.0.1:${relay.port}/v2` },
    credentials: users.credentials,
    record_types: {
      employees: {
        direction: 'pull',
        fields: [
          { name: 'login', to: '/userName' },
          { name: 'last_name', to: '/name/familyName' },
        ],
      },
    },
  });
  const expectEqual = async (): Promise<void> =>
    expect([...(await integration.held()).keys()].sort()).toEqual((await users.ids()).sort());

  it('are pulled, changed and, by a full run, deleted', async () => {
    tenant = await product.givenTenant('SCIM');
    const [first, second] = await users.create(23);
    integration = await PullingIntegration.onboarded(tenant, body());
    await expectEqual();
    expect(await integration.status()).toMatchObject({
      app: 'SCIM 2.0',
      total_difference: 0,
      total_syncline: 23,
    });

    await users.rename(first as string, 'Byron');
    await users.remove(second as string);
    const [added] = await users.create(1);
    const incremental = await integration.sync('incremental');
    await integration.untilQuiet();

    expect((await integration.changes(incremental.id)).sort()).toEqual(
      [`created ${added}`, `updated ${first}`].sort(),
    );
    expect((await integration.held()).get(first as string)).toMatchObject({ last_name: 'Byron' });
    await integration.sync('full');
    await expectEqual();
    expect((await integration.status()).total_difference).toBe(0);
  });

  it('are read in the background when a person signs in, at most once in ten minutes', async () => {
    const latch = createLatch();
    relay.before = () => latch.wait();
    const answer = await tenant.api.must('POST', '/v1/sign-ins', { user: 'ana@ada.example' });
    const [run] = answer.sync_runs as Json[];
    await until('it reads', () => latch.waiting > 0);
    const again = await tenant.api.must('POST', '/v1/sign-ins', { user: 'ben@ada.example' });
    latch.open();
    const ended = await integration.untilEnded(run?.id);

    expect(answer.left_out).toEqual([]);
    expect(ended).toMatchObject({
      kind: 'sign_in',
      scope: 'modified',
      state: 'succeeded',
      started_by: expect.stringContaining('ana@ada.example'),
    });
    expect(again).toMatchObject({
      sync_runs: [],
      left_out: [{ integration_id: integration.id, reason: 'recent' }],
    });
    expect((await integration.runs()).filter(({ kind }) => kind === 'sign_in')).toHaveLength(1);
  });

  it('are read for the last day without a change of the watermark of incremental runs, and without a deletion', async () => {
    const [gone] = await users.ids();
    await users.remove(gone as string);
    const before = await integration.sync('incremental', { record_types: ['employees'] });
    await integration.untilQuiet();
    const [added] = await users.create(1);

    const run = await integration.sync('last_day');
    await integration.untilQuiet();
    const after = await integration.sync('incremental');

    expect(run).toMatchObject({
      kind: 'last_day',
      scope: 'last_day',
      state: 'succeeded',
      progress: { records_new: 1, records_deleted: 0 },
    });
    expect(await integration.changes(run.id)).toEqual([`created ${added}`]);
    const sinceLastDay = Date.parse((await integration.job(run.id)).modified_since);
    expect(Date.now() - sinceLastDay).toBeGreaterThan(23 * 3_600_000);
    const marks = await Promise.all(
      [before, after].map(async ({ id }) => Date.parse((await integration.job(id)).modified_since)),
    );
    expect(marks[1]).toBeLessThan(Date.parse((await integration.job(run.id)).as_of));
    await integration.sync('full');
    await expectEqual();
  });

  it('wait for new credentials after a refusal: the run fails with the reason and one notification, and a full run recovers', async () => {
    const { api } = tenant;
    await api.must('PUT', `/v1/integrations/${integration.id}/credentials`, {
      credentials: users.wrongCredentials,
    });

    const run = await integration.sync('full');

    expect(run).toMatchObject({ state: 'failed', successful_jobs: 0, is_sync_finished: true });
    expect((await integration.job(run.id)).error).toMatchObject({
      category: 'credentials',
      code: 'unauthorized',
    });
    expect((await integration.show()).state).toBe('needs_reauthorization');
    expect(
      (await api.call('POST', `/v1/integrations/${integration.id}/sync-runs`, { kind: 'full' })).body.code,
    ).toBe('needs_reauthorization');
    const notifications = (await api.list('/v1/notifications')).filter(
      ({ kind }) => kind === 'integration_needs_reauthorization',
    );
    expect(notifications).toHaveLength(1);

    await api.must('PUT', `/v1/integrations/${integration.id}/credentials`, {
      credentials: users.credentials,
    });
    await integration.untilQuiet();
    expect((await integration.sync('full')).state).toBe('succeeded');
    await expectEqual();
  });
});

describe('tables of a PostgreSQL database', () => {
  let tenant: ProductTenant;
  let integration: PullingIntegration;
  const example = documentedExample('postgresql');
  const body = () => ({
    ...example,
    config: {
      ...(database.config as object),
      record_types: { ...example.config.record_types, sites: { table: 'sites', id: 'code' } },
    },
    credentials: database.credentials,
    record_types: { ...example.record_types, sites: { direction: 'pull' } },
  });
  const remoteRows = async (): Promise<Json[]> =>
    database.query(
      'select id, first_name, last_name, email, grade from hr.staff where deleted_at is null order by id',
    ) as Promise<Json[]>;

  async function expectEqual(): Promise<void> {
    const held = await integration.held();
    const rows = await remoteRows();
    expect(held.size).toBe(rows.length);
    for (const { id, first_name, last_name, email, grade } of rows)
      expect(held.get(String(id))).toEqual({
        first_name,
        last_name,
        email,
        level: grade === null ? null : grade === 'junior' ? '1' : '2',
      });
  }

  it('are copied, one with the mapped fields and one with all fields', async () => {
    tenant = await product.givenTenant('PostgreSQL');
    await database.query(`
      insert into hr.staff (first_name, last_name, email, grade)
      select 'F' || n, 'L' || n, n || '@example.com', case n % 2 when 0 then 'junior' else 'senior' end from generate_series(1, 30) n`);
    await database.query(`insert into hr.sites values ('GNT', 'Gent'), ('LIE', 'Liège')`);

    integration = await PullingIntegration.onboarded(tenant, body());

    await expectEqual();
    expect(Object.fromEntries(await integration.held('sites'))).toEqual({
      GNT: { code: 'GNT', city: 'Gent' },
      LIE: { code: 'LIE', city: 'Liège' },
    });
    expect((await integration.status()).breakdown).toMatchObject([
      { record_type: 'employees', syncline: 30, app: 30, difference: 0 },
      { record_type: 'sites', syncline: 2, app: 2, difference: 0 },
    ]);
  });

  it('are updated by changed rows, rows marked as deleted, and missing rows', async () => {
    await database.rename('4', 'Renamed');
    await database.remove('5');
    const [added] = await database.create(1);
    await database.query(`delete from hr.sites where code = 'LIE'`);

    const run = await integration.sync('incremental');
    await integration.untilQuiet();
    await integration.sync('full');

    expect((await integration.changes(run.id)).sort()).toEqual([`created ${added}`, 'updated 4'].sort());
    await expectEqual();
    expect([...(await integration.held('sites')).keys()]).toEqual(['GNT']);
    expect((await integration.status()).total_difference).toBe(0);
  });

  it('fail separately when they are dropped: the run partially succeeds, names the table, and deletes nothing', async () => {
    await database.query('alter table hr.sites rename to offices');
    await database.rename('7', 'Still read');

    const run = await integration.sync('full');

    // The table itself, and metadata, which cannot say what its columns are.
    expect(run).toMatchObject({
      state: 'partially_succeeded',
      successful_jobs: 1,
      failed_jobs: 2,
      is_sync_finished: true,
      progress: { records_deleted: 0 },
    });
    const [job, metadata] = [await integration.job(run.id, 'sites'), await integration.job(run.id, null)];
    expect(job).toMatchObject({ state: 'failed', is_last_attempt_failed: true });
    for (const { error } of [job, metadata]) expect(error.message).toMatch(/sites/);
    expect(job.error.explanation).toEqual(expect.any(String));
    expect(await integration.job(run.id)).toMatchObject({ state: 'succeeded', records_changed: 1 });
    expect([...(await integration.held('sites')).keys()]).toEqual(['GNT']);
    expect((await integration.show()).state).toBe('active');
    await expectEqual();

    await database.query('alter table hr.offices rename to sites');
    expect((await integration.sync('full')).state).toBe('succeeded');
  });

  it('that are suddenly empty fail their dataset, and nothing is deleted', async () => {
    await database.query('delete from hr.sites');

    const run = await integration.sync('full');

    expect(run.state).toBe('partially_succeeded');
    expect((await integration.job(run.id, 'sites')).error).toMatchObject({ code: 'suspiciously_empty' });
    expect([...(await integration.held('sites')).keys()]).toEqual(['GNT']);
  });
});

describe('an integration of which nothing can be read', () => {
  it('keeps its onboarding lock and shows it, until a full run succeeds', async () => {
    const tenant = await product.givenTenant('Failing');
    await database.query('alter table hr.staff rename to people');
    const integration = await PullingIntegration.link(tenant, {
      ...documentedExample('postgresql'),
      config: database.config,
      credentials: database.credentials,
    });
    await integration.untilOnboarding('failed');
    await integration.untilQuiet(); // its metadata may still be read

    const refused = await tenant.api.call('PUT', '/v1/records/employees/new', {
      fields: { first_name: 'N' },
    });
    const { data } = await tenant.api.must('GET', '/v1/onboarding');
    const [run] = await integration.runs();
    expect([refused.status, refused.body.code]).toEqual([409, 'onboarding_in_progress']);
    expect(data).toMatchObject([
      { state: 'failed', datasets: [{ record_type: 'employees', state: 'failed' }] },
    ]);
    expect(run).toMatchObject({ kind: 'onboarding', is_sync_finished: true });
    expect((await tenant.api.list('/v1/notifications')).map(({ kind }) => kind as string)).toContain(
      'onboarding_failed',
    );

    await database.query('alter table hr.people rename to staff');
    expect((await integration.sync('full')).state).toBe('succeeded');
    expect((await integration.show()).onboarding.state).toBe('complete');
    expect(
      (await tenant.api.call('PUT', '/v1/records/employees/new', { fields: { first_name: 'N' } })).status,
    ).toBe(202);
  });
});

it('the worker stops cleanly and has logged no error', async () => {
  expect(await product.stopWorker()).toBe('ended with exit code 0');
  expect(product.logs()).not.toMatch(/"level":(50|60)/);
});
