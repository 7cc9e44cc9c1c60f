/** rules.md 60: a walk over many rows in chunks reads each row a few times, and not once for each chunk. */
import { MovesOfSlice } from '../../../activities/third-parties/moves-of-slice';
import type { Database, TenantWork, Work } from '../../../db/database';
import { beginBackgroundTask, type BackgroundTask } from '../../../db/platform/background-tasks';
import { listAuditEntries } from '../../../db/platform/audit-log';
import { removeIntegrationRows } from '../../../db/integrations/remove-integration-rows';
import { applyEmptied } from '../../../db/pull/apply-emptied';
import { carryOutDeletionReview } from '../../../db/pull/decide-deletion-review';
import { newUuid } from '../../../db/sql/ids';
import { type DriftPosition, listDrifts } from '../../../db/verify/list-drifts';
import type { RecordTypeMapping } from '../../../domain/records/mapping';
import { GivenTenant, openTestDb, type TestDb } from '../given';
import { countRows, rowsOf } from '../many-rows';

const ROWS = 6_000;
const CHUNK = 100;
const MAPPING: RecordTypeMapping = {
  direction: 'pull',
  fields: [{ name: 'name', to: 'name' }],
  onDelete: 'leave',
};

let db: TestDb;
let tenant: GivenTenant;
let integrationId: string;
beforeAll(async () => {
  db = await openTestDb();
});
beforeEach(async () => {
  tenant = await GivenTenant.create(db);
  integrationId = await tenant.integration({ recordTypes: { contacts: MAPPING } });
});
afterAll(() => db.end());

/** As the superuser, without foreign keys. `of` selects `n`, and ids of the tenant and the integration. */
async function insert(statement: (of: string) => string): Promise<void> {
  const of = `(select n, '${tenant.tenantId}'::uuid as tenant_id, '${integrationId}'::uuid as integration_id,
    md5('${integrationId}' || n)::uuid as id from generate_series(1, ${ROWS}) n) row`;
  await db.superuser('set session_replication_role = replica');
  await db.superuser(statement(of));
  await db.superuser('set session_replication_role = default');
}

const givenRecords = async () => {
  await insert(
    (of) => `
      insert into records (tenant_id, record_id, record_type, external_id, version, fields, occurred_at,
        changed_at, changed_by, created_at)
      select tenant_id, id, 'contacts', 'c' || n, 1, '{"name": "N"}', now(), now(), 'test', now() from ${of}`,
  );
  await insert(
    (of) => `
      insert into record_links (tenant_id, integration_id, record_id, record_type, remote_id, is_deactivated,
        updated_at)
      select tenant_id, integration_id, id, 'contacts', 'r' || n, false, now() - interval '1 hour' from ${of}`,
  );
};

describe('drifts', () => {
  const given = (seenAt: string) =>
    insert(
      (of) => `
        insert into drifts (tenant_id, integration_id, record_id, record_type, place, expected, found, found_at,
          seen_at, sync_run_id)
        select tenant_id, integration_id, id, 'contacts', 'name', '"N"', '"M"', now(), ${seenAt}, id from ${of}`,
    );
  const lists: Record<string, (work: TenantWork) => Promise<unknown>> = {
    'of an integration': (work) => listDrifts(work, { integrationId, limit: CHUNK }),
    'of a tenant': (work) => listDrifts(work, { limit: CHUNK }),
    'of another record type': (work) =>
      listDrifts(work, { integrationId, recordType: 'deals', limit: CHUNK }),
  };

  it.each(Object.keys(lists))('that have ended do not make a page %s slow', async (name) => {
    await givenRecords();
    await given(`now() - interval '1 day'`);

    expect((await rowsOf(tenant, lists[name] as (typeof lists)[string])).read).toBeLessThanOrEqual(4 * 2_000);
  });

  it('of one record are found by it', async () => {
    await givenRecords();
    await given('now()');
    const [row] = await db.superuser(
      `select record_id from drifts where tenant_id = $1 order by record_id offset ${ROWS / 2} limit 1`,
      [tenant.tenantId],
    );
    const recordIds = [row?.['record_id'] as string];

    const { read } = await rowsOf(tenant, async (work) => {
      const { drifts } = await listDrifts(work, { recordIds, limit: CHUNK });
      expect(drifts.map(({ recordId }) => recordId)).toEqual(recordIds);
    });

    expect(read).toBeLessThan(20);
  });

  it('are all listed, page by page, behind any number that have ended', async () => {
    await givenRecords();
    await given(`case when n % 1000 = 0 then now() else now() - interval '1 day' end`);
    const found: string[] = [];
    let after: DriftPosition | undefined;
    do {
      const options = { integrationId, limit: CHUNK, after };
      const { drifts, examinedTo } = await tenant.work((work) => listDrifts(work, options));
      found.push(...drifts.map(({ externalId }) => externalId));
      after = examinedTo;
    } while (after !== undefined);

    expect(found.toSorted()).toEqual(['c1000', 'c2000', 'c3000', 'c4000', 'c5000', 'c6000']);
  });

  it('of a deleted integration are all removed, also those that another transaction has just moved', async () => {
    await givenRecords();
    await given('now()');
    const task = { integrationId, step: 'drifts', cursor: null } as BackgroundTask;
    let removing: Promise<unknown> | undefined;
    await tenant.work(async ({ trx }) => {
      await trx.updateTable('drifts').set({ seenAt: new Date() }).execute();
      removing = tenant.work((work) => removeIntegrationRows(work, task, ROWS + 1));
      await new Promise((resolve) => setTimeout(resolve, 200));
    });
    await removing;

    expect(
      await db.superuser('select count(*)::int as left from drifts where integration_id = $1', [
        integrationId,
      ]),
    ).toEqual([{ left: 0 }]);
  });
});

describe('the audit log', () => {
  it('is examined in part for an action that is rare in it', async () => {
    await insert(
      (of) => `
        insert into audit_log (tenant_id, audit_id, actor, action, target, detail, ip, request_id, at)
        select tenant_id, id, 'test', case n when 1 then 'rare' else 'frequent' end, null, '{}', null, 'r', now()
        from ${of}`,
    );
    const found: string[] = [];
    const reads: number[] = [];
    let before: string | undefined;
    do {
      const { read } = await rowsOf(tenant, async (work) => {
        const page = await listAuditEntries(work, { limit: CHUNK, action: 'rare', before });
        found.push(...page.entries.map(({ action }) => action));
        before = page.examinedTo;
      });
      reads.push(read);
    } while (before !== undefined);

    expect(found).toEqual(['rare']);
    expect(Math.max(...reads)).toBeLessThanOrEqual(2 * 2_500 + 10);
  });
});

describe('fields that are suddenly empty', () => {
  const remote = `jsonb_build_object('remoteId', 'r' || n, 'fields', '{"name": null}'::jsonb, 'text',
    '{"name": null}', 'hash', 'h' || n, 'unfitting', '[]'::jsonb)`;

  /** Records of which a field waits to be emptied. */
  async function givenEmptied(): Promise<void> {
    await givenRecords();
    await insert(
      (of) => `
        insert into emptied_records (tenant_id, integration_id, record_type, record_id, fields, remote, at)
        select tenant_id, integration_id, 'contacts', id, '{name}', ${remote}, now() from ${of}`,
    );
  }

  it('are applied by steps that do not read again what was applied before', async () => {
    await givenEmptied();
    const pass = { integrationId, syncRunId: newUuid(), recordType: 'contacts' };
    const steps: number[] = [];
    let after: string | null = null;
    for (let step = 0; step < 8; step += 1) {
      const { read } = await rowsOf(tenant, async (work) => {
        const { handled, last } = await applyEmptied(work, pass, { limit: CHUNK, after });
        expect(handled).toBe(CHUNK);
        after = last;
      });
      steps.push(read);
    }

    expect(steps.at(-1)).toBeLessThan(1.2 * (steps[0] ?? 0));
  });

  it('are discarded by steps that read their own rows', async () => {
    await givenEmptied();
    const deletionReviewId = newUuid();
    await db.superuser(
      `insert into deletion_reviews (tenant_id, deletion_review_id, integration_id, sync_run_id, record_type,
         state, record_ids, records_missing, records_before, created_at, kind, fields)
       values ($1, $2, $3, $2, 'contacts', 'discarded', '{}', 1, 1, now(), 'empty', '{name}')`,
      [tenant.tenantId, deletionReviewId, integrationId],
    );
    const task = await tenant.work((work) =>
      beginBackgroundTask(
        work,
        { integrationId, kind: 'decide_deletion_review', subjectId: deletionReviewId, requestedBy: 'test' },
        carryOutDeletionReview,
      ),
    );
    let place = { cursor: task.cursor };
    for (let step = 0; step < 5; step += 1) {
      const { read } = await rowsOf(tenant, async (work) => {
        const { next } = await carryOutDeletionReview(work, { ...task, ...place }, CHUNK);
        place = { cursor: next?.cursor ?? null };
      });
      expect(read).toBeLessThanOrEqual(4 * CHUNK);
    }
  });
});

describe('integrations of a rollout', () => {
  const rolloutId = newUuid();
  let read = 0;
  /** Counts the rows that its transactions read. */
  const counting = {
    withPlatform: <T>(work: (context: Work) => Promise<T>) =>
      db.database.withPlatform(async (context) => {
        const before = await countRows(context);
        const result = await work(context);
        read += (await countRows(context)).read - before.read;
        return result;
      }),
  } as unknown as Database;

  it('are looked at in turn, and counted once for a step', async () => {
    await insert(
      (of) => `
        insert into definition_rollout_integrations (tenant_id, rollout_id, integration_id, place, state,
          from_version, checked_at, updated_at)
        select tenant_id, '${rolloutId}', id, n, case n % 2 when 0 then 'changed' else 'planned' end, 1,
          now() - interval '1 hour', now()
        from ${of}`,
    );
    await db.superuser('analyze definition_rollout_integrations');
    const moves = new MovesOfSlice(counting, rolloutId);
    const checkedBefore = new Date();
    let looked = 0;
    for (;;) {
      const found = await moves.pick({ state: 'changed', limit: CHUNK, checkedBefore });
      if (found.length === 0) break;
      looked += found.length;
      await db.superuser(
        `update definition_rollout_integrations set checked_at = now() where integration_id = any($1::uuid[])`,
        [found.map((move) => move.integrationId)],
      );
      const wanted = ROWS;
      moves.noteChanges(0, await moves.progressOf(0), { count: 1, wanted });
    }

    expect(looked).toBe(ROWS / 2);
    // Once in turn, once from the front at the end, and once to count them.
    expect(read).toBeLessThan(3 * ROWS);
  });
});
