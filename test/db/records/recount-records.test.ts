/** Counts of records heal (rules.md 60), while records are created and erased. */
import { removeRecords } from '../../../db/erasures/remove-records';
import { IN_A_SNAPSHOT, recountType } from '../../../db/records/recount-records';
import { newUuid } from '../../../db/sql/ids';
import { recountRecords } from '../../../worker/schedules/record-recounts';
import { Random } from '../../support/random';
import { GivenTenant, openTestDb, type TestDb } from '../given';

let db: TestDb;
let tenant: GivenTenant;
let now: Date;
beforeAll(async () => {
  db = await openTestDb(() => now);
});
beforeEach(async () => {
  now = new Date();
  await db.superuser('update tenants set records_counted_at = now()');
  tenant = await GivenTenant.create(db);
});
afterAll(() => db.end());

const TYPES = ['contacts', 'employees'];

async function counts(): Promise<Record<string, { records: number; counted: number }>> {
  const rows = await db.superuser(
    `select type, (select count(*) from records where tenant_id = $1 and record_type = type)::int as records,
       (select sum(records) from record_counts where tenant_id = $1 and record_type = type)::int as counted
     from unnest($2::text[]) type`,
    [tenant.tenantId, TYPES],
  );
  return Object.fromEntries(rows.map(({ type, ...count }) => [type, count])) as never;
}

/** As a version without counts. */
const storeUncounted = (recordType: string, count: number) =>
  db.superuser(
    `insert into records (tenant_id, record_id, record_type, external_id, version, fields, occurred_at,
       changed_at, changed_by, created_at)
     select $1, gen_random_uuid(), $2, gen_random_uuid()::text, 1, '{}', now(), now(), 'test', now()
     from generate_series(1, $3::int)`,
    [tenant.tenantId, recordType, count],
  );

async function recountAll() {
  const warnings: unknown[] = [];
  let corrected = 0;
  await recountRecords({
    database: db.database,
    log: { warn: (warning: unknown) => warnings.push(warning) } as never,
    onCorrected: () => (corrected += 1),
  });
  return { warnings, corrected };
}

describe('a count that was wrong once', () => {
  it('is right the day after an old version has stored records, and says what it was', async () => {
    await tenant.accept({ externalId: 'a' }, { externalId: 'b' });
    await storeUncounted('employees', 3);
    await storeUncounted('contacts', 2);

    const first = await recountAll();
    const second = await recountAll();
    await storeUncounted('employees', 1);
    const sameDay = await recountAll();
    now = new Date(now.getTime() + 25 * 3_600_000);
    const nextDay = await recountAll();

    const { tenantId } = tenant;
    expect(first).toEqual({
      warnings: [
        { tenantId, recordType: 'contacts', records: 2, counted: 0 },
        { tenantId, recordType: 'employees', records: 5, counted: 2 },
      ],
      corrected: 2,
    });
    expect(second).toEqual({ warnings: [], corrected: 0 });
    expect(sameDay).toEqual({ warnings: [], corrected: 0 });
    expect(nextDay).toMatchObject({ warnings: [{ records: 6, counted: 5 }], corrected: 1 });
    expect(await counts()).toEqual({
      contacts: { records: 2, counted: 2 },
      employees: { records: 6, counted: 6 },
    });
  });

  it('is corrected downwards too, for a type without records, and beside a tenant that fails', async () => {
    await db.superuser(`insert into record_counts values ($1, 'contacts', 3, 7)`, [tenant.tenantId]);
    const failing = await GivenTenant.create(db);
    await db.superuser(`insert into record_counts values ($1, 'contacts', 16, $2)`, [
      failing.tenantId,
      '9223372036854775807',
    ]);
    await db.superuser(`insert into record_counts values ($1, 'contacts', 1, 1)`, [failing.tenantId]);

    await expect(recountAll()).rejects.toThrow('bigint out of range');
    await db.superuser('delete from record_counts where tenant_id = $1', [failing.tenantId]);

    expect((await counts())['contacts']).toEqual({ records: 0, counted: 0 });
  });
});

describe('recounts at the same time as writers', () => {
  const random = new Random();
  const erasureId = newUuid();

  async function write(): Promise<void> {
    const recordType = random.pick(TYPES);
    const names = Array.from({ length: random.between(1, 5) }, () => `r${random.between(1, 400)}`);
    await tenant.accept(...names.map((externalId) => ({ externalId, recordType })));
  }

  async function erase(): Promise<void> {
    const rows = await db.superuser(
      'select record_id from records where tenant_id = $1 order by md5(record_id::text) limit $2',
      [tenant.tenantId, random.between(1, 3)],
    );
    const ids = rows.map(({ record_id: recordId }) => recordId as string);
    if (ids.length === 0) return;
    await db.database.withEraser(tenant.tenantId, (work) => removeRecords(work, { erasureId }, ids));
  }

  async function recountOnce(found: number[]): Promise<void> {
    const recordType = random.pick(TYPES);
    const recount = await db.database.withTenant(
      tenant.tenantId,
      (work) => recountType(work, { recordType, limit: 7, mayContinue: async () => true }),
      IN_A_SNAPSHOT,
    );
    found.push((recount?.records ?? 0) - (recount?.counted ?? 0));
  }

  async function times(count: number, work: () => Promise<unknown>): Promise<void> {
    for (let round = 0; round < count; round += 1) await work();
  }

  it('find no difference where everybody counts', async () => {
    await db.superuser(
      `insert into erasures (tenant_id, erasure_id, state, search, requested_by, requested_at, updated_at)
       values ($1, $2, 'erasing', '{}', 'test', now(), now())`,
      [tenant.tenantId, erasureId],
    );
    const found: number[] = [];
    await Promise.all([
      ...[1, 2, 3].map(() => times(40, write)),
      times(20, erase),
      ...[1, 2].map(() => times(30, () => recountOnce(found))),
    ]);

    expect(found).toEqual(found.map(() => 0));
    expect(Object.values(await counts()).map(({ records, counted }) => counted - records)).toEqual([0, 0]);
  });

  it('correct each record that was not counted once, although several recounts find it', async () => {
    let uncounted = 0;
    const found: number[] = [];
    await Promise.all([
      ...[1, 2].map(() => times(30, write)),
      times(15, async () => {
        const count = random.between(1, 9);
        await storeUncounted(random.pick(TYPES), count);
        uncounted += count;
      }),
      ...[1, 2, 3].map(() => times(30, () => recountOnce(found))),
    ]);
    for (const recordType of TYPES)
      await db.database
        .withTenant(
          tenant.tenantId,
          (work) => recountType(work, { recordType, mayContinue: async () => true }),
          IN_A_SNAPSHOT,
        )
        .then((last) => found.push((last?.records ?? 0) - (last?.counted ?? 0)));

    expect(Object.values(await counts()).map(({ records, counted }) => counted - records)).toEqual([0, 0]);
    expect(found.reduce((sum, difference) => sum + difference, 0)).toBe(uncounted);
  });
});
