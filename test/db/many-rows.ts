/** Many rows of one tenant, and what a transaction reads and writes of them. */
import { sql } from 'kysely';
import type { TenantWork, Work } from '../../db/database';
import { opaqueToPlanner } from '../../db/sql/bulk-rows';
import { until } from '../support/until';
import type { GivenTenant, TestDb } from './given';

interface Rows {
  wrote: number;
  read: number;
}

/** Runs `work` in one transaction. @returns the rows that it wrote and read. */
export const rowsOf = (tenant: GivenTenant, work: (context: TenantWork) => Promise<unknown>): Promise<Rows> =>
  tenant.work(async (context) => {
    const before = await countRows(context);
    await work(context);
    const after = await countRows(context);
    return { wrote: after.wrote - before.wrote, read: after.read - before.read };
  });

/** Of this connection, since it last reported its counts. */
export async function countRows({ trx }: Pick<Work, 'trx'>): Promise<Rows> {
  const { rows } = await sql<Rows>`
    select coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0)::int as wrote,
      coalesce(sum(seq_tup_read + coalesce(idx_tup_fetch, 0)), 0)::int as read
    from pg_stat_xact_user_tables`.execute(trx);
  return rows[0] ?? { wrote: 0, read: 0 };
}

/** As another transaction would do between the statements of this one: `between` runs after each. */
export const disturbed = (work: TenantWork, between: () => Promise<unknown>): TenantWork => ({
  ...work,
  trx: work.trx.withPlugin({
    transformQuery: ({ node }) => node,
    async transformResult({ result }) {
      await between();
      return result;
    },
  }),
});

/** Until so many transactions wait for the lock of another one. */
export async function untilWaiting(db: TestDb, count = 1): Promise<void> {
  await until(`${count} wait for a lock`, async () => {
    const [row] = await db.superuser(
      `select count(distinct pid)::int as count from pg_locks lock join pg_stat_activity using (pid)
       where not lock.granted and datname = current_database()`,
    );
    return Number(row?.['count']) >= count;
  });
}

/** Linked records `w1` to `w{count}`, each with a push that failed and waits for its next attempt. */
export async function givenWaitingPushes(
  tenant: GivenTenant,
  { integrationId, count }: { integrationId: string; count: number },
): Promise<void> {
  await tenant.work(async ({ trx, tenantId, now }) => {
    await sql`
      insert into records (tenant_id, record_id, record_type, external_id, version, fields, occurred_at,
        changed_at, created_at, changed_by)
      select ${tenantId}::uuid, gen_random_uuid(), 'employees', 'w' || n, 1, '{"name": "A"}',
        ${now}::timestamptz, ${now}::timestamptz, ${now}::timestamptz, 'test'
      from generate_series(1, ${count}::int) n`.execute(trx);
    await sql`
      insert into record_syncs (tenant_id, integration_id, record_id, relevant_version, push_id, push_version,
        push_hash, is_push_failing, next_attempt_at, give_up_at)
      select tenant_id, ${integrationId}::uuid, record_id, 1, gen_random_uuid(), 1, 'hash', true,
        ${now}::timestamptz, ${now}::timestamptz + interval '72 hours'
      from records where tenant_id = ${opaqueToPlanner(tenantId)} and external_id ~ '^w[0-9]+$'`.execute(trx);
    await sql`
      insert into pushes (tenant_id, push_id, integration_id, record_id, record_version, mapping_version,
        operation, started_because, changed_fields, changed_by, attempts, started_at)
      select tenant_id, push_id, integration_id, record_id, 1, 1, 'upsert', 'quiet', '{name}', '{test}', 1,
        ${now}::timestamptz
      from record_syncs
      where tenant_id = ${opaqueToPlanner(tenantId)} and integration_id = ${integrationId}`.execute(trx);
    await sql`
      insert into record_links (tenant_id, integration_id, record_id, record_type, remote_id, is_deactivated,
        updated_at)
      select tenant_id, ${integrationId}::uuid, record_id, 'employees', external_id, false,
        ${now}::timestamptz
      from records where tenant_id = ${opaqueToPlanner(tenantId)} and external_id ~ '^w[0-9]+$'`.execute(trx);
  });
  await tenant.db.superuser('analyze records, record_syncs, record_links, pushes');
}
