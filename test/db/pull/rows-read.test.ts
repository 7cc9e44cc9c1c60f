/** What a page costs: the rows that applying it reads, counted by PostgreSQL. */
import { sql } from 'kysely';
import type { TenantWork } from '../../../db/database';
import { findIntegration } from '../../../db/integrations/integrations';
import { applyPage } from '../../../db/pull/apply-page';
import { pullTargetOf } from '../../../db/pull/page';
import { remote } from '../../api/support/simulated-worker';
import { GivenTenant, openTestDb, type TestDb } from '../given';
import { givenRunningPass } from './given-pass';

const PAGE_SIZE = 50;
const PAGES = 24;

let db: TestDb;
let tenant: GivenTenant;
beforeAll(async () => {
  db = await openTestDb();
  tenant = await GivenTenant.create(db);
});
afterAll(() => db.end());

/** Since some earlier time: counts of earlier transactions may be among them. */
async function rowsReadBy({ trx }: TenantWork): Promise<number> {
  const { rows } = await sql<{ read: string }>`
    select sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) as read from pg_stat_xact_user_tables
    where relname in ('records', 'record_links', 'record_syncs', 'pushes')`.execute(trx);
  return Number(rows[0]?.read);
}

/** @returns how many rows of the tables of records each page has read. */
async function readInPages(integrationId: string): Promise<number[]> {
  const { syncRunId } = await givenRunningPass(tenant, integrationId);
  const rowsRead: number[] = [];
  for (let page = 0; page < PAGES; page += 1)
    rowsRead.push(
      await tenant.work(async (work) => {
        const integration = await findIntegration(work, { integrationId });
        if (integration === undefined) throw new Error('There is no integration.');
        const records = Array.from({ length: PAGE_SIZE }, (_, index) => {
          const id = `c${page * PAGE_SIZE + index}`;
          return { ...remote(id, { name: id }), remote: { name: id } };
        });
        const before = await rowsReadBy(work);
        const applied = await applyPage(work, {
          ...pullTargetOf(integration, 'contacts'),
          syncRunId,
          overviewId: null,
          pagesBefore: page,
          recordsPerType: 1_000_000,
          records,
          tombstones: [],
          refused: [],
          altered: [],
          nextCursor: String(page + 1),
          asOf: work.now,
          total: null,
          requestedAt: work.now,
        });
        expect(applied.kind).toBe('applied');
        return (await rowsReadBy(work)) - before;
      }),
    );
  return rowsRead;
}

it('D6: pages late in a first pass in both directions read none of the pairs that earlier pages made', async () => {
  const integrationId = await tenant.integration({
    recordTypes: {
      contacts: { direction: 'both', fields: [{ name: 'name', to: 'name' }], onDelete: 'leave' },
    },
  });

  const rowsRead = await readInPages(integrationId);

  // While the tables have a few pages, the planner prefers to read them as a whole.
  expect(Math.max(...rowsRead.slice(PAGES / 2))).toBeLessThan(PAGE_SIZE);
});
