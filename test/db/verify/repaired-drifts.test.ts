/** The safety threshold of repairs (rules.md 53, 54), and how urgent they are (rules.md 59). */
import { repairDrifts } from '../../../db/verify/decide-drifts';
import { PUSH_KINDS } from '../../../domain/push/push-kind';
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
async function repairPulled(count: number, isBraked: boolean): Promise<{ pushed: number; kind: unknown }> {
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
  const [sync] = await db.superuser('select push_priority from record_syncs where tenant_id = $1 limit 1', [
    tenant.tenantId,
  ]);
  const { pushes } = await tenant.claim(integrationId, new Date(Date.now() + 60_000), 1_000);
  return { pushed: pushes.length, kind: sync?.['push_priority'] };
}

it('a repair of too many records waits for approval, also if none of them was pushed before', async () => {
  expect(await repairPulled(300, true)).toMatchObject({ pushed: 0 });
});

it('a repair of fewer records, or one that a person has asked for, does not wait', async () => {
  expect(await repairPulled(200, true)).toMatchObject({ pushed: 200 });
  expect(await repairPulled(300, false)).toMatchObject({ pushed: 300 });
});

it('a repair by a nightly run is bulk work, however few records it repairs; one by a person is not', async () => {
  expect(await repairPulled(2, true)).toEqual({ pushed: 2, kind: PUSH_KINDS.bulk });
  expect(await repairPulled(2, false)).toEqual({ pushed: 2, kind: PUSH_KINDS.manual });
});
