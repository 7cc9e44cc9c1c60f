/** rules.md 60: pages of conflicts, and decisions about all of a kind, beside any number of others. */
import { decideConflicts } from '../../../db/pull/decide-conflicts';
import { type ConflictFilter, listSyncConflicts } from '../../../db/records/conflicts';
import { GivenTenant, openTestDb, type TestDb } from '../given';
import { disturbed, rowsOf } from '../many-rows';

const ROWS = 20_000;
const OPEN = 400;
const LIMIT = 50;
const EXAMINED_MAX = 2_500;

let db: TestDb;
let tenant: GivenTenant;
let integrationId: string;
beforeAll(async () => {
  db = await openTestDb();
});
afterAll(() => db.end());
beforeEach(async () => {
  tenant = await GivenTenant.create(db);
  integrationId = await tenant.integration();
});

/** Conflicts 1 to `ROWS`, the last one is the newest. `state`: SQL, with the number `n`. */
const given = (state: string) =>
  db.superuser(
    `insert into sync_conflicts (tenant_id, sync_conflict_id, integration_id, record_type, remote_id, record_id,
       kind, field, ours, theirs, winner, detail, at, state, ended_at)
     select $1, ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, $2, 'contacts', 'r' || n,
       gen_random_uuid(), case n when 1 then 'edited_here_deleted_there' else 'field_changed_on_both_sides' end,
       'name', '"A"', '"B"', 'ours', 'Differs', now(), state, case when state <> 'open' then now() end
     from (select n, ${state} as state from generate_series(1, ${ROWS}) n) row`,
    [tenant.tenantId, integrationId],
  );
/** The oldest ones are open. */
const withFewOpen = () => given(`case when n <= ${OPEN} then 'open' else 'ended' end`);

/** All pages. @returns what they list, and the rows that each of them read. */
async function pages(filter: ConflictFilter, limit = LIMIT): Promise<{ listed: string[]; reads: number[] }> {
  const [listed, reads] = [[] as string[], [] as number[]];
  let before: string | undefined;
  do {
    const { read } = await rowsOf(tenant, async (work) => {
      const { conflicts, examinedTo } = await listSyncConflicts(work, { ...filter, before, limit });
      listed.push(...conflicts.map(({ remoteId }) => remoteId));
      before = conflicts.length === limit ? conflicts.at(-1)?.syncConflictId : examinedTo;
    });
    reads.push(read);
  } while (before !== undefined);
  return { listed, reads };
}

const ofIntegration = () => ({ integrationId });
const ofTenant = () => ({});

describe.each([
  ['of an integration', ofIntegration],
  ['of a tenant', ofTenant],
])('a page %s', (_name, scope) => {
  it('of open ones reads none that have ended', async () => {
    await withFewOpen();

    const { listed, reads } = await pages({ ...scope(), state: 'open' });

    expect(listed).toEqual(Array.from({ length: OPEN }, (_, index) => `r${OPEN - index}`));
    expect(reads).toHaveLength(OPEN / LIMIT + 1);
    expect(Math.max(...reads)).toBeLessThanOrEqual(2 * LIMIT);
  });

  it('of all reads its own rows, also near the end', async () => {
    await withFewOpen();
    const nearEnd = '00000000-0000-7000-8000-0000000000c8';

    for (const before of [undefined, nearEnd]) {
      const { read } = await rowsOf(tenant, async (work) => {
        const { conflicts } = await listSyncConflicts(work, { ...scope(), before, limit: LIMIT });
        expect(conflicts[0]?.remoteId).toBe(before === undefined ? `r${ROWS}` : 'r199');
      });
      expect(read).toBeLessThanOrEqual(2 * LIMIT);
    }
  });

  it('of a rare kind is examined in part', async () => {
    await given(`'open'`);

    const { listed, reads } = await pages({
      ...scope(),
      state: 'open',
      kind: 'edited_here_deleted_there',
    });

    expect(listed).toEqual(['r1']);
    expect(Math.max(...reads)).toBeLessThanOrEqual(2 * EXAMINED_MAX + 10);
  });
});

it('a conflict is on a page although newer ones end while the page is read', async () => {
  await given(`case when n <= ${EXAMINED_MAX + 150} then 'open' else 'ended' end`);
  const endSome = () =>
    db.superuser(
      `update sync_conflicts set state = 'ended', ended_at = now()
       where tenant_id = $1 and state = 'open' and sync_conflict_id = any(array(
         select sync_conflict_id from sync_conflicts where tenant_id = $1 and state = 'open'
           and kind <> 'edited_here_deleted_there' order by 1 desc limit 100))`,
      [tenant.tenantId],
    );
  const filter = { integrationId, state: 'open', kind: 'edited_here_deleted_there', limit: LIMIT } as const;
  const listed: string[] = [];
  let before: string | undefined;
  do {
    const page = await tenant.work((work) =>
      listSyncConflicts(disturbed(work, endSome), { ...filter, before }),
    );
    listed.push(...page.conflicts.map(({ remoteId }) => remoteId));
    before = page.examinedTo;
  } while (before !== undefined);

  expect(listed).toEqual(['r1']);
});

it('all of a kind are decided in requests that read their own rows', async () => {
  await given(`'open'`);
  const reads: number[] = [];
  let before: string | undefined;
  for (let request = 0; request < 20; request += 1) {
    const { read } = await rowsOf(tenant, async (work) => {
      const filter = { integrationId, kind: 'field_changed_on_both_sides', state: 'open' } as const;
      const { conflicts } = await listSyncConflicts(work, { ...filter, before, limit: LIMIT });
      await decideConflicts(work, conflicts, 'dismiss', { actor: 'ana', requestId: 'r' });
      before = conflicts.at(-1)?.syncConflictId;
    });
    reads.push(read);
  }

  expect(Math.max(...reads)).toBeLessThanOrEqual(4 * LIMIT);
});
