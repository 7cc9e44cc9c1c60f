/** Nothing of a deleted tenant is left in any table (rules.md 62). */
import type { ErasureLimits } from '../../../db/erasures/advance-erasure';
import { advanceTenantDeletion } from '../../../db/erasures/advance-tenant-deletion';
import { describeTenantTables } from '../../../db/erasures/tenant-tables';
import { findTenantDeletion, requestTenantDeletion } from '../../../db/erasures/tenant-deletions';
import { appendAuditEntry } from '../../../db/platform/audit-log';
import { TenantDeleted } from '../../../db/database';
import { GivenTenant, openTestDb, type TestDb } from '../given';
import { countRows, givenRows } from './given-rows';

const LIMITS: ErasureLimits = {
  rowsPerStep: 2,
  recordsPerStep: 1,
  settleMs: 0,
  answersMs: 0,
  thirdPartyMs: 0,
  lastPassMs: 0,
};

let db: TestDb;
let tenant: GivenTenant;
let other: GivenTenant;

beforeAll(async () => {
  db = await openTestDb();
});
afterAll(() => db.end());
beforeEach(async () => {
  [tenant, other] = [await GivenTenant.create(db), await GivenTenant.create(db)];
});

const remove = () => tenant.work((work) => requestTenantDeletion(work, { requestId: 'r' }));
const advance = (limits = LIMITS) => advanceTenantDeletion(db.database, tenant, limits);
const receipt = () => db.database.withPlatform((work) => findTenantDeletion(work, tenant));

async function finish(limits = LIMITS): Promise<void> {
  for (let steps = 0; steps < 1_000; steps += 1) if ((await advance(limits)).state === 'ended') return;
  throw new Error('The deletion does not end.');
}

it('rule 62: a deleted tenant leaves no row in any table, and other tenants keep theirs', async () => {
  const tables = await givenRows(db, tenant.tenantId, { rows: 5 });
  await givenRows(db, other.tenantId, { rows: 2 });
  const [before, ofOther] = [await countRows(db, tenant.tenantId), await countRows(db, other.tenantId)];
  expect(Object.keys(before).toSorted()).toEqual(tables.toSorted());

  await remove();
  await finish();

  expect(await countRows(db, tenant.tenantId)).toEqual({});
  expect(await countRows(db, other.tenantId)).toEqual(ofOther);
  const { rows, ...left } = (await receipt()) ?? { rows: {} };
  expect(left).toMatchObject({ state: 'done', finishedAt: expect.any(Date), progress: null });
  expect(rows).toMatchObject({ ...before, outbox: expect.any(Number) });
});

it('rule 62: no work of a deleted tenant begins, and the platform sees none of its keys and people', async () => {
  await givenRows(db, tenant.tenantId);
  await remove();

  await expect(tenant.accept({ externalId: 'late' })).rejects.toThrow(TenantDeleted);
  for (const table of [
    'tenants',
    'api_keys',
    'people',
    'person_identities',
    'person_tokens',
    'console_sessions',
  ])
    expect([
      table,
      await db.asRole(
        'syncline_platform',
        null,
        `select count(*)::int as count from ${table} where tenant_id = '${tenant.tenantId}'`,
      ),
    ]).toEqual([table, [{ count: 0 }]]);
});

it('rule 62: a request that was under way when the tenant was deleted leaves no row', async () => {
  await givenRows(db, tenant.tenantId);
  let proceed = (): void => undefined;
  const isFree = new Promise<void>((resolve) => (proceed = resolve));
  let begin = (): void => undefined;
  const hasBegun = new Promise<void>((resolve) => (begin = resolve));
  const late = tenant.work(async (work) => {
    begin();
    await isFree;
    const entry = { actor: 'a', action: 'record.put', target: null, detail: {}, ip: null, requestId: 'r' };
    await appendAuditEntry(work, entry);
  });
  await hasBegun;
  await remove();
  const patient = { ...LIMITS, lastPassMs: 3_600_000 };
  await advance(patient);
  while ((await receipt())?.state === 'ending' || (await receipt())?.passBeganAt === null)
    await advance(patient);
  for (let step = await advance(patient); step.state === 'more';) step = await advance(patient);
  expect((await advance(patient)).state).toBe('waiting');
  expect(await countRows(db, tenant.tenantId)).toEqual({});

  proceed();
  await late;
  expect(await countRows(db, tenant.tenantId)).toEqual({ audit_log: 1 });
  await finish();

  expect(await countRows(db, tenant.tenantId)).toEqual({});
});

it('rule 62: a step that failed is repeated, and rows are counted once', async () => {
  await givenRows(db, tenant.tenantId, { rows: 3 });
  const before = await countRows(db, tenant.tenantId);
  await db.superuser(`create function refuse() returns trigger language plpgsql as
    $$ begin raise 'The disk is full.'; end $$`);
  await db.superuser(
    'create trigger refuse before delete on sync_runs for each row execute function refuse()',
  );
  await remove();

  await expect(finish()).rejects.toThrow('The disk is full.');
  await db.superuser('drop trigger refuse on sync_runs');
  await finish();

  expect(await countRows(db, tenant.tenantId)).toEqual({});
  expect((await receipt())?.rows).toMatchObject({ sync_runs: before.sync_runs, records: before.records });
});

it('rule 62: a row that refers to one that is deleted first does not hold the deletion up', async () => {
  await tenant.integration();
  await remove();
  await advance();
  // As a transaction would leave it that had begun before the deletion.
  let isAdded = false;
  for (let steps = 0; steps < 1_000; steps += 1) {
    const { progress } = (await receipt()) ?? { progress: null };
    if (progress?.place === 'integrations' && (await receipt())?.state === 'removing' && !isAdded) {
      isAdded = true;
      await db.superuser(
        `insert into rate_limits select (jsonb_populate_record(null::rate_limits, to_jsonb(integration)
           || '{"tokens": 1, "updated_at": "2026-01-01T00:00:00Z"}')).*
         from integrations integration where tenant_id = $1`,
        [tenant.tenantId],
      );
    }
    if ((await advance({ ...LIMITS, rowsPerStep: 1 })).state === 'ended') break;
  }

  expect(isAdded).toBe(true);
  expect(await countRows(db, tenant.tenantId)).toEqual({});
});

it('rule 62: rows of every table with rows of tenants can be read in the order of a key', async () => {
  const rows = await db.superuser(`select attrelid::regclass::text as "table", attname as "column"
    from pg_attribute where attnum > 0 and attnotnull`);
  const neverNull = new Set(rows.map(({ table, column }) => `${String(table)}.${String(column)}`));
  const tables = await db.database.withPlatform(describeTenantTables);

  const unkeyed = tables.filter(
    ({ name, key }) => key.length === 0 || key.some((column) => !neverNull.has(`${name}.${column.name}`)),
  );
  expect(
    unkeyed.map(({ name }) => `${name} needs a primary key, or a key in db/erasures/personal-data.ts`),
  ).toEqual([]);
});
