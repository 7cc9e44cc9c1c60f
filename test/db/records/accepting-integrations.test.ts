/** What an acceptance reads of the integrations of a tenant, and what it answers about its record syncs. */
import { pushTarget, type RecordTypeMapping } from '../../../domain/records/mapping';
import type { TenantWork } from '../../../db/database';
import { findAcceptingIntegrations } from '../../../db/records/accepting-integrations';
import { hashOfTarget } from '../../../db/records/payload-hash';
import { Random } from '../../support/random';
import { givenCopies, GivenTenant, openTestDb, type TestDb } from '../given';

let db: TestDb;
let tenant: GivenTenant;

beforeAll(async () => {
  db = await openTestDb();
});
afterAll(() => db.end());
beforeEach(async () => {
  tenant = await GivenTenant.create(db);
});

const mapping: RecordTypeMapping = {
  direction: 'push',
  fields: [{ name: 'name', to: 'name' }],
  onDelete: 'deactivate',
};
const find = (recordTypes: string[], except?: string) =>
  tenant.work((work) => findAcceptingIntegrations(work, { recordTypes, ...(except && { except }) }));

describe('rule 60: a change reads only what maps its record type (F18)', () => {
  it('one integration of 1,000, and of its mappings only the one of the type', async () => {
    const both = await tenant.integration({ recordTypes: { employees: mapping, departments: mapping } });
    await givenCopies(
      db,
      both,
      999,
      `jsonb_build_object('record_types', jsonb_build_object(
         'contacts_' || number, record_types -> 'employees', 'departments', record_types -> 'employees'))`,
    );

    const found = await find(['employees']);

    expect(found).toMatchObject([
      { integrationId: both, isWorking: true, recordTypes: { employees: mapping } },
    ]);
    expect(Object.keys(found[0]?.recordTypes ?? {})).toEqual(['employees']);
    expect(await find(['employees', 'departments'])).toHaveLength(1_000);
    expect(await find(['contacts_7', 'contacts_8'])).toHaveLength(2);
    expect(await find(['employees'], both)).toEqual([]);
    expect(await find(['constructor', 'name', '%', ''])).toEqual([]);
  });

  it('a mapping or a pause that changed a moment ago is what the next change sees', async () => {
    const integrationId = await tenant.integration();
    const change = async (text: string) => {
      await db.superuser(`update integrations set ${text} where integration_id = $1`, [integrationId]);
      const [found] = await find(['employees']);
      return found;
    };

    const { mappingVersion = 0 } = (await find(['employees']))[0] ?? {};
    expect(await change('mapping_version = mapping_version + 1')).toMatchObject({
      mappingVersion: mappingVersion + 1,
    });
    expect(await change('paused_at = now()')).toMatchObject({ isWorking: false });
    expect(await change('paused_at = null, needs_reauthorization_at = now()')).toMatchObject({
      isWorking: false,
    });
    expect(await change(`record_types = '{}'`)).toBeUndefined();
  });
});

it('the answer to each change shows its record syncs as they are stored, in batches of any mixture', async () => {
  const random = new Random();
  await tenant.integration();
  await tenant.integration();
  await tenant.integration({
    recordTypes: { employees: { ...mapping, filter: { name: ['A'] } } },
  });
  const state = { version: 1, occurredAt: new Date(), fields: { name: 'A' }, isDeleted: false };
  const stored = async ({ trx }: TenantWork) =>
    trx
      .selectFrom('recordSyncs')
      .select(['recordId', 'integrationId', 'status', 'dueAt'])
      .orderBy('integrationId')
      .execute();

  const statuses = new Set<string | null>();
  for (let batch = 0; batch < 12; batch += 1) {
    if (batch === 6)
      await db.superuser(
        `update record_syncs set window_opened_at = null, due_at = null, window_reason = null,
           result_version = relevant_version, result_status = 'synced', result_hash = $2
         where tenant_id = $1`,
        [tenant.tenantId, hashOfTarget(pushTarget(mapping, state))],
      );
    const results = await tenant.accept(
      ...Array.from({ length: 8 }, () => ({
        externalId: `e${random.between(0, 5)}`,
        kind: random.pick(['put', 'patch', 'delete'] as const),
        fields: { name: random.pick(['A', 'B']) },
      })),
    );
    const rows = await tenant.work(stored);
    for (const { syncs } of results) for (const { status } of syncs) statuses.add(status);
    for (const { recordId, syncs } of results)
      expect(syncs).toEqual(
        rows
          .filter((row) => row.recordId === recordId)
          .map(({ integrationId, status, dueAt }) => ({ integrationId, status, dueAt })),
      );
  }
  expect(statuses).toEqual(new Set(['sync_pending', 'synced']));
});
