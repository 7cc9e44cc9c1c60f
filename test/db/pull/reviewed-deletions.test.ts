/** Reviewed deletions beside edits of the same records (rules.md 17, 21). */
import { sql } from 'kysely';
import { compareSides } from '../../../db/pull/comparison/compare-sides';
import { deleteMissing } from '../../../db/pull/delete-missing';
import { newUuid } from '../../../db/sql/ids';
import { externalIdPrefixOf } from '../../../db/pull/page';
import { acceptChanges } from '../../../db/records/accept-changes';
import { BOTH_WAYS } from '../../support/environments/crm-integration';
import { GivenTenant, openTestDb, type TestDb } from '../given';
import { givenRunningPass } from './given-pass';
import { untilWaiting } from '../many-rows';

let db: TestDb;
let tenant: GivenTenant;
beforeAll(async () => {
  db = await openTestDb();
});
beforeEach(async () => {
  tenant = await GivenTenant.create(db);
});
afterAll(() => db.end());

/** A pass that found none of the linked records `c1` and `c2`, both reviewed for deletion. */
async function givenReviewed() {
  const integrationId = await tenant.integration({ recordTypes: { contacts: BOTH_WAYS } });
  const overviewId = newUuid();
  await tenant.work(async ({ trx, tenantId, now }) => {
    await sql`update integrations set onboarded_at = ${now}, first_sync_completed_at = ${now}
      where tenant_id = ${tenantId}`.execute(trx);
    const earlier = new Date(now.getTime() - 60_000);
    await sql`insert into records (tenant_id, record_id, record_type, external_id, version, fields, occurred_at,
        changed_at, changed_by, created_at)
      select ${tenantId}, uuidv7(), 'contacts', ${externalIdPrefixOf(integrationId)} || 'c' || number, 1, '{"name": "Old"}', ${earlier}, ${earlier}, 'test',
        ${earlier}
      from generate_series(1, 2) as number`.execute(trx);
    await sql`insert into record_links (tenant_id, integration_id, record_id, record_type, remote_id,
        is_deactivated, updated_at)
      select tenant_id, ${integrationId}::uuid, record_id, 'contacts', right(external_id, 2), false, ${earlier}
      from records where tenant_id = ${tenantId}`.execute(trx);
    await sql`insert into overview_items (tenant_id, overview_id, overview_item_id, direction, record_type, action,
        record_id, external_id, remote_id, base_version)
      select tenant_id, ${overviewId}::uuid, uuidv7(), 'pull', 'contacts', 'delete', record_id, external_id,
        right(external_id, 2), 1
      from records where tenant_id = ${tenantId}`.execute(trx);
  });
  const pass = await givenRunningPass(tenant, integrationId);
  await compareSides((compare) => tenant.work(compare), pass);
  return { ...pass, overviewId, limit: 10 };
}

const records = async () => {
  const rows = await db.superuser(
    `select item.remote_id, record.deleted_at is not null as is_deleted, item.outcome from records record
     join overview_items item using (tenant_id, record_id) where tenant_id = $1 order by 1`,
    [tenant.tenantId],
  );
  return rows.map((row) => [row['remote_id'], row['is_deleted'] ? 'deleted' : 'kept', row['outcome']]);
};

it('a record that is edited while its reviewed deletion begins is kept, and its item is not applied', async () => {
  const reviewed = await givenReviewed();
  const externalId = `${externalIdPrefixOf(reviewed.integrationId)}c1`;
  const change = { kind: 'put' as const, recordType: 'contacts', externalId, fields: { name: 'New' } };

  const { deleting } = await tenant.work(async (work) => {
    await acceptChanges(work, [change], { actor: 'test', requestId: 'test' });
    const begun = tenant.work((other) => deleteMissing(other, reviewed));
    await untilWaiting(db);
    return { deleting: begun };
  });

  expect(await deleting).toBe(2);
  expect(await records()).toEqual([
    ['c1', 'kept', null],
    ['c2', 'deleted', 'applied'],
  ]);
});

it('a record that is pushed while its reviewed deletion begins is kept, and its item is not applied', async () => {
  const reviewed = await givenReviewed();

  const { deleting } = await tenant.work(async ({ trx, tenantId, now }) => {
    await sql`select from records where tenant_id = ${tenantId} and external_id like '%:c2' for update`.execute(
      trx,
    );
    await sql`update record_links set updated_at = ${new Date(now.getTime() + 60_000)}
      where tenant_id = ${tenantId} and remote_id = 'c2'`.execute(trx);
    const begun = tenant.work((other) => deleteMissing(other, reviewed));
    await untilWaiting(db);
    return { deleting: begun };
  });

  expect(await deleting).toBe(2);
  expect(await records()).toEqual([
    ['c1', 'deleted', 'applied'],
    ['c2', 'kept', null],
  ]);
});
