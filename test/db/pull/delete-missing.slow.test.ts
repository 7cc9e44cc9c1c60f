/** What a full pass no longer found is counted exactly, also beyond a million (rules.md 31). */
import { sql } from 'kysely';
import { compareSides } from '../../../db/pull/comparison/compare-sides';
import { deleteMissing, planDeletions } from '../../../db/pull/delete-missing';
import { listReviewSummaries } from '../../../db/pull/deletion-reviews';
import { CONTACTS } from '../../support/environments/crm-integration';
import { GivenTenant, openTestDb, type TestDb } from '../given';
import { givenRunningPass } from './given-pass';

const LINKS_PER_STATEMENT = 100_000;

let db: TestDb;
let tenant: GivenTenant;
beforeAll(async () => {
  db = await openTestDb();
});
beforeEach(async () => {
  tenant = await GivenTenant.create(db);
});
afterAll(() => db.end());

/** A full pass that read nothing of `links` records. */
async function givenPass(links: number) {
  const integrationId = await tenant.integration({ recordTypes: { contacts: CONTACTS } });
  for (let from = 1; from <= links; from += LINKS_PER_STATEMENT)
    await tenant.work(({ trx, tenantId, now }) =>
      sql`
        insert into record_links (tenant_id, integration_id, record_id, record_type, remote_id, is_deactivated,
          updated_at)
        select ${tenantId}, ${integrationId}, uuidv7(), 'contacts', number::text, false,
          ${new Date(now.getTime() - 60_000)}
        from generate_series(${from}::int, ${Math.min(from + LINKS_PER_STATEMENT - 1, links)}::int) as number`.execute(
        trx,
      ),
    );
  return givenRunningPass(tenant, integrationId);
}

describe('rule 31: missing records', () => {
  it('B2: are counted exactly beyond a million, and wait for approval', async () => {
    const pass = await givenPass(1_000_001);

    await compareSides((compare) => tenant.work(compare), pass);
    expect(await tenant.work((work) => planDeletions(work, pass))).toBe('needs_review');
    expect(await tenant.work((work) => listReviewSummaries(work, { limit: 2 }))).toMatchObject([
      { state: 'pending', recordsMissing: 1_000_001, recordsBefore: 1_000_001 },
    ]);
  });

  it('are compared once per pass, and worked off in parts', async () => {
    const pass = await givenPass(20);
    const counts: number[] = [];

    await compareSides((compare) => tenant.work(compare), pass);
    expect(await tenant.work((work) => planDeletions(work, pass))).toBe('delete');
    await tenant.work(({ trx, now }) =>
      trx.updateTable('recordLinks').set({ updatedAt: now }).where('remoteId', '<=', '10').execute(),
    );
    for (let part = 0; part < 3; part += 1)
      counts.push(await tenant.work((work) => deleteMissing(work, { ...pass, limit: 8 })));

    expect(counts).toEqual([8, 8, 4]);
    // Linked again since: '1' and '10'.
    const left = await tenant.work(({ trx }) =>
      trx.selectFrom('recordLinks').select('remoteId').orderBy('remoteId').execute(),
    );
    expect(left.map(({ remoteId }) => remoteId)).toEqual(['1', '10']);
  });
});
