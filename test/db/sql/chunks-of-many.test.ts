/**
 * rules.md 60: a chunk of a large tenant reads its own rows. The planner knows small tenants only, as it does
 * after one has loaded its rows.
 */
import { listOverviewItems } from '../../../db/overviews/overview-items';
import { learnNotations } from '../../../db/overviews/compared-links';
import { readLocalRecords } from '../../../db/overviews/overview-pages';
import { parkEdited, releaseSeenAgain } from '../../../db/pull/edited-and-missing';
import { selectReviewedDeletions } from '../../../db/pull/reviewed-items';
import { keepPromisesOf } from '../../../db/pull/references/apply-kept';
import { softDelete } from '../../../db/pull/soft-delete';
import { decideConflicts } from '../../../db/pull/decide-conflicts';
import { listSyncConflicts } from '../../../db/records/conflicts';
import { acceptChanges } from '../../../db/records/accept-changes';
import { decideDrifts } from '../../../db/verify/decide-drifts';
import { replaceDrifts } from '../../../db/verify/drifts';
import { listDrifts } from '../../../db/verify/list-drifts';
import type { TenantWork } from '../../../db/database';
import type { RecordTypeMapping } from '../../../domain/records/mapping';
import { newUuid } from '../../../db/sql/ids';
import { GivenTenant, openTestDb, type TestDb } from '../given';
import { countRows } from '../many-rows';

const CHUNK = 100;
const ROWS = 5_000;
const MAPPING: RecordTypeMapping = {
  direction: 'both',
  fields: [{ name: 'name', to: 'name' }],
  onDelete: 'leave',
};

let db: TestDb;
let tenant: GivenTenant;
let integrationId: string;
const runId = newUuid();
let ids: string[];

/** Of small tenants with four rows each, or of the large one, which is in no statistics. */
beforeAll(async () => {
  db = await openTestDb();
  tenant = await GivenTenant.create(db);
  integrationId = await tenant.integration({ recordTypes: { contacts: MAPPING } });
  await db.superuser(`set session_replication_role = replica`);
  for (const own of [false, true]) {
    const idOf = (id: string, name: string) => (own ? `'${id}'` : `md5('${name}' || n / 4)`);
    const from = `(select n, 'c' || n as name, ${idOf(tenant.tenantId, 'tenant')}::uuid as tenant_id,
      ${idOf(integrationId, 'integration')}::uuid as integration_id, ${idOf(runId, 'run')}::uuid as run_id,
      md5('${own ? 'own' : 'small'}' || n)::uuid as id from generate_series(1, ${ROWS}) n) row`;
    for (const statement of [
      `insert into records (tenant_id, record_id, record_type, external_id, version, fields, occurred_at,
         changed_at, changed_by, created_at)
       select tenant_id, id, 'contacts', name, 1, '{"name": "N"}', now(), now(), 'test', now() from ${from}`,
      `insert into record_links (tenant_id, integration_id, record_id, record_type, remote_id, is_deactivated,
         updated_at)
       select tenant_id, integration_id, id, 'contacts', name, false, now() - interval '1 day' from ${from}`,
      `insert into record_syncs (tenant_id, integration_id, record_id, relevant_version, result_status,
         result_version) select tenant_id, integration_id, id, 1, 'synced', 1 from ${from}`,
      `insert into sync_conflicts (tenant_id, sync_conflict_id, integration_id, record_type, remote_id,
         record_id, kind, field, ours, theirs, detail, at)
       select tenant_id, id, integration_id, 'contacts', name, id, 'field_changed_on_both_sides', 'name', '"N"',
         '"M"', '', now() from ${from}`,
      `insert into drifts (tenant_id, integration_id, record_id, record_type, place, expected, found, found_at,
         seen_at, sync_run_id)
       select tenant_id, integration_id, id, 'contacts', 'name', '"N"', '"M"', now(), now(), run_id from ${from}`,
      `insert into missing_records (tenant_id, sync_run_id, record_type, record_id)
       select tenant_id, run_id, 'contacts', id from ${from}`,
      `insert into overview_items (tenant_id, overview_id, overview_item_id, direction, record_type, action,
         record_id, external_id, remote_id, base_version)
       select tenant_id, run_id, md5(id::text || direction)::uuid, direction, 'contacts', action, id, name, name, 1
       from ${from}, (values ('pull', 'delete'), ('push', 'update')) as item(direction, action)`,
      `insert into reference_promises (tenant_id, integration_id, record_id, field, place, record_type,
         remote_id, value, record_version, sync_run_id)
       select tenant_id, integration_id, id, 'boss', 'boss', 'contacts', 'x' || n, '"x"', 1, run_id from ${from}`,
    ])
      await db.superuser(statement);
    if (!own) await db.superuser('analyze');
  }
  await db.superuser('set session_replication_role = default');
  const rows = await db.superuser(
    `select record_id from records where tenant_id = $1 order by record_id limit $2`,
    [tenant.tenantId, CHUNK],
  );
  ids = rows.map((row) => row['record_id'] as string);
});
afterAll(() => db.end());

const pass = () => ({ integrationId, syncRunId: runId, recordType: 'contacts' });
const changesTo = (name: string) =>
  Array.from({ length: CHUNK }, (_, n) => ({
    kind: 'put' as const,
    recordType: 'contacts',
    externalId: `c${n + 1}`,
    fields: { name },
  }));
const author = { actor: 'test', requestId: 'test' };

const chunks: Record<string, (work: TenantWork) => Promise<unknown>> = {
  'edited records that are missing': (work) => parkEdited(work, pass(), ids),
  'records that are listed again': (work) => releaseSeenAgain(work, pass(), ids),
  'deleted records': (work) => softDelete(work, { ...pass(), recordIds: ids, linkedBefore: new Date() }),
  'reviewed deletions': (work) =>
    selectReviewedDeletions(work, { ...pass(), overviewId: runId, linkedBefore: new Date() }, ids),
  'decided conflicts': async (work) =>
    decideConflicts(
      work,
      (await listSyncConflicts(work, { integrationId, kind: 'field_changed_on_both_sides', limit: CHUNK }))
        .conflicts,
      'theirs',
      author,
    ),
  'learned notations': (work) =>
    learnNotations(work, {
      integrationId,
      requestedAt: new Date(),
      learned: ids.map((recordId) => ({ recordId, notation: {} as never })),
    }),
  'records of an overview': (work) => readLocalRecords(work, ids),
  'items of an overview': (work) => listOverviewItems(work, { overviewId: runId, limit: CHUNK }),
  'new drifts': (work) =>
    replaceDrifts(work, pass(), {
      recordIds: ids,
      drifts: ids.map((recordId) => ({ recordId, place: 'email', expected: 'a', found: 'b' })),
    }),
  'listed drifts': (work) => listDrifts(work, { integrationId, limit: CHUNK }),
  'decided drifts': async (work) =>
    decideDrifts(
      work,
      { integrationId, recordType: 'contacts', mapping: MAPPING },
      (await listDrifts(work, { integrationId, limit: CHUNK })).drifts,
      { decision: 'accept', author },
    ),
  'promises that are over': (work) => keepPromisesOf(work, integrationId, ids),
  'edited records': (work) => acceptChanges(work, changesTo('A'), author),
  'repeated records': (work) => acceptChanges(work, changesTo('N'), author),
  'undone edits': async (work) => {
    await acceptChanges(work, changesTo('A'), author);
    await acceptChanges(work, changesTo('N'), author);
  },
};

class Undo extends Error {}

/** Rows that a chunk reads, of all tables. What it writes is rolled back. */
async function readBy(chunk: (work: TenantWork) => Promise<unknown>): Promise<number> {
  let read = 0;
  await tenant
    .work(async (work) => {
      const before = (await countRows(work)).read;
      await chunk(work);
      read = (await countRows(work)).read - before;
      throw new Undo();
    })
    .catch((error: unknown) => {
      if (!(error instanceof Undo)) throw error;
    });
  return read;
}

it.each(Object.keys(chunks))('a chunk of %s reads its own rows', async (name) => {
  const read = await readBy(chunks[name] as (typeof chunks)[string]);
  expect(read).toBeLessThanOrEqual(12 * CHUNK + (name === 'reviewed deletions' ? ROWS : 0));
});
