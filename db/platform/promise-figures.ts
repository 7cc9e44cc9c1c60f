/**
 * What operators measure Syncline's promise by: pushes that are due, and the age of what was pulled. Every
 * read has a bound of its own, whatever the size of the installation.
 */
import { sql } from 'kysely';
import type { Work } from '../database';
import { openPushQueues } from '../sql/open-push-queues';

/** Of the due pushes of a kind no more are counted. */
export const COUNTED_MAX = 10_000;
/** So many queues with open pushes are looked at; the next read continues behind them. */
const QUEUES_MAX = 5_000;
const OVERDUE_AFTER_SECONDS = 60;
/** Pages of sync_datasets in a sample: some thousand rows. */
const SAMPLED_PAGES = 40;
const ANSWER_WITHIN_MS = 2_000;

export interface PushFigures {
  /** One of PUSH_KINDS. */
  kind: number;
  due: number;
  overdue: number;
  /** Not due yet: a grace period, or a wait until the next attempt. */
  waiting: number;
  leased: number;
  oldestDueSeconds: number;
}

export interface PushFiguresRead {
  kinds: PushFigures[];
  /** Where the next read continues; null = this one has looked at all queues. */
  next: string | null;
}

/**
 * Needs the dispatcher's role. Leaves out integrations that are paused or blocked, or whose credentials are
 * rejected.
 */
export async function readPushFigures(
  { trx }: Work,
  { after }: { after: string | null },
): Promise<PushFiguresRead> {
  await sql`select set_config('statement_timeout', ${String(ANSWER_WITHIN_MS)}, true)`.execute(trx);
  // The expression of the index record_syncs_due_by_kind.
  const ofKind = sql`tenant_id = open.tenant_id and integration_id = open.integration_id
    and (case when is_backfill then 3 else push_priority end) = kind`;
  const most = sql.lit(COUNTED_MAX);
  const dueBefore = (seconds: number) => sql`(select count(*)::int from (
    select from open, lateral (select from record_syncs where ${ofKind}
      and next_due_at <= statement_timestamp() - make_interval(secs => ${sql.lit(seconds)}) limit ${most}) due
    limit ${most}) counted)`;
  const { rows } = await sql<PushFigures & { next: string | null }>`
    with recursive ${openPushQueues(after)},
    page as materialized (select * from queue limit ${sql.lit(QUEUES_MAX)}),
    open as materialized (
      select page.tenant_id, page.integration_id from page, lateral (
        select from integrations integration
        where integration.tenant_id = page.tenant_id and integration.integration_id = page.integration_id
          and deleted_at is null and paused_at is null and needs_reauthorization_at is null
          and (blocked_until is null or blocked_until < statement_timestamp()) limit 1) working)
    select kind, ${dueBefore(0)} as due, ${dueBefore(OVERDUE_AFTER_SECONDS)} as overdue,
      coalesce(extract(epoch from statement_timestamp() - (select min(next_due_at) from open, lateral (
        select next_due_at from record_syncs where ${ofKind} and next_due_at <= statement_timestamp()
        order by next_due_at limit 1) oldest)), 0)::float8 as oldest_due_seconds,
      later.waiting, later.leased,
      (select tenant_id || ' ' || integration_id from page
       where (select count(*) from page) >= ${sql.lit(QUEUES_MAX)}
       order by tenant_id desc, integration_id desc limit 1) as next
    from generate_series(0, 3) as kind, lateral (
      select count(*) filter (where lease_until is null)::int as waiting, count(lease_until)::int as leased
      from (select lease_until from open, lateral (
          select lease_until from record_syncs where ${ofKind} and next_due_at > statement_timestamp()
          limit ${most}) row
        limit ${most}) counted) later
    order by kind`.execute(trx);
  return { kinds: rows, next: rows[0]?.next ?? null };
}

export interface PullFigures {
  connector: string;
  medianSeconds: number;
  maxSeconds: number;
}

/**
 * Needs the dispatcher's role. Age of the last finished pull of lists that are read hourly, or since the
 * integration was linked; in a large installation of a random sample.
 */
export async function readPullFigures({ trx }: Work): Promise<PullFigures[]> {
  await sql`select set_config('statement_timeout', ${String(ANSWER_WITHIN_MS)}, true)`.execute(trx);
  const { rows } = await sql<PullFigures>`
    select connector, percentile_cont(0.5) within group (order by seconds) as median_seconds,
      max(seconds) as max_seconds
    from (
      select integration.connector, extract(epoch from
        statement_timestamp() - coalesce(dataset.last_succeeded_at, integration.created_at))::float8 as seconds
      from sync_datasets dataset tablesample system ((
        select least(100, 100.0 * ${sql.lit(SAMPLED_PAGES)} * current_setting('block_size')::int
          / greatest(1, pg_relation_size('sync_datasets')))::real)), lateral (
        select connector, created_at from integrations
        where tenant_id = dataset.tenant_id and integration_id = dataset.integration_id
          and deleted_at is null and paused_at is null and needs_reauthorization_at is null
          and is_hourly_sync_on
          and record_types -> dataset.record_type ->> 'direction' in ('pull', 'both') limit 1) integration
      where dataset.initial_state is distinct from 'not_supported') read
    group by connector order by connector`.execute(trx);
  return rows;
}
