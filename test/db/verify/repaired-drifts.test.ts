/** The safety threshold of repairs (rules.md 53, 54). */
import { repairDrifts } from '../../../db/verify/decide-drifts';
import type { RecordTypeMapping } from '../../../domain/records/mapping';
import { GivenTenant, openTestDb, type TestDb } from '../given';
import { givenWaitingPushes } from '../many-rows';

let db: TestDb;
beforeAll(async () => {
  db = await openTestDb();
});
afterAll(() => db.end());

const mapping: RecordTypeMapping = {
  direction: 'both',
  fields: [{ name: 'name', to: 'name' }],
  onDelete: 'deactivate',
};

/** Records that a pull has linked, and that were never pushed. */
async function repairPulled(count: number, isBraked: boolean): Promise<number> {
  const tenant = await GivenTenant.create(db);
  const integrationId = await tenant.integration({ recordTypes: { employees: mapping } });
  await givenWaitingPushes(tenant, { integrationId, count });
  await db.superuser('delete from record_syncs where tenant_id = $1', [tenant.tenantId]);
  const rows = await db.superuser('select record_id, external_id from records where tenant_id = $1', [
    tenant.tenantId,
  ]);
  const changed = rows.map((row) => ({
    recordId: row['record_id'] as string,
    externalId: row['external_id'] as string,
    version: 1,
    found: { name: 'theirs' },
  }));
  await tenant.work((work) =>
    repairDrifts(
      work,
      { integrationId, recordType: 'employees', mapping },
      { changed },
      { actor: 'syncline', isBraked },
    ),
  );
  const { pushes } = await tenant.claim(integrationId, new Date(Date.now() + 60_000), 1_000);
  return pushes.length;
}

it('a repair of too many records waits for approval, also if none of them was pushed before', async () => {
  expect(await repairPulled(300, true)).toBe(0);
});

it('a repair of fewer records, or one that a person has asked for, does not wait', async () => {
  expect(await repairPulled(200, true)).toBe(200);
  expect(await repairPulled(300, false)).toBe(300);
});
