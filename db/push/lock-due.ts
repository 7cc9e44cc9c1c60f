/** Locks the due record syncs of a claim: a share of each kind, the most urgent first (rules.md 59). */
import { type RawBuilder, sql } from 'kysely';
import { PUSH_KINDS, sharesOfClaim } from '../../domain/push/push-kind';
import type { TenantWork } from '../database';
import { opaqueToPlanner } from '../sql/bulk-rows';
import type { ClaimOptions, LockedRecordSync } from './claim';

/** So many due record syncs are looked at for the one that probes a third party. */
const PROBE_CANDIDATES = 1_000;

/** Of the index record_syncs_due_windows. Rows with an expired lease count too: their push waits then. */
export const IS_WINDOW = sql`(window_opened_at is not null or lease_until is not null)`;

/** The expression of the index record_syncs_due_by_kind. */
const KIND = sql`(case when is_backfill then 3 else push_priority end)`;

/** When the first push of each kind is due, the most urgent kind first; null = none waits. */
export const dueOfKinds = (tenantId: string, integrationId: string): RawBuilder<(Date | null)[]> =>
  sql`array[${sql.join(
    Object.values(PUSH_KINDS).map(
      (kind) => sql`(select next_due_at from record_syncs where tenant_id = ${opaqueToPlanner(tenantId)} and
        integration_id = ${opaqueToPlanner(integrationId)} and ${KIND} = ${sql.lit(kind)}
        and next_due_at is not null order by next_due_at limit 1)`,
    ),
  )}]`;

/** For a claim that takes a share of each kind: how many pushes of each are due, counted up to its limit. */
export function countDue({ tenantId }: TenantWork, options: ClaimOptions): RawBuilder<number[]> {
  const counts = Object.values(PUSH_KINDS).map(
    (kind) =>
      sql`(select count(*) from (select from record_syncs
        where ${isDueOf(tenantId, options, kind)} limit ${options.limit}) due)::int`,
  );
  return sql`array[${sql.join(counts)}]`;
}

const ofIntegration = (tenantId: string, { integration }: ClaimOptions) =>
  sql`tenant_id = ${opaqueToPlanner(tenantId)} and integration_id = ${opaqueToPlanner(integration.integrationId)}`;

function isDueOf(tenantId: string, options: ClaimOptions, kind: number): RawBuilder<boolean> {
  const { firedAt, now } = options;
  return sql`${ofIntegration(tenantId, options)} and ${KIND} = ${sql.lit(kind)} and ${
    // What a person asks for meanwhile does not wait for the next execution.
    kind === PUSH_KINDS.manual
      ? sql`next_due_at <= ${now}::timestamptz
        and (window_opened_at is not null or next_due_at <= ${firedAt}::timestamptz)`
      : sql`next_due_at <= ${firedAt}::timestamptz`
  }`;
}

/** `due`: the result of `countDue`. */
export async function lockDueRecordSyncs(
  work: TenantWork,
  options: ClaimOptions,
  { isBackfilling, due }: { isBackfilling: boolean; due: readonly number[] },
): Promise<LockedRecordSync[]> {
  const { limit, onlyWindows, isProbe = false } = options;
  if (isProbe) return lockProbe(work, options, isBackfilling);
  if (onlyWindows) return lockWindows(work, options, isBackfilling);
  // While a backfill counts, its pushes wait (rules.md 53).
  const counted = due.map((count, kind) => (isBackfilling && kind === PUSH_KINDS.backfill ? 0 : count));
  const locked: LockedRecordSync[] = [];
  for (const [kind, share] of sharesOfClaim(counted, limit, Math.random()).entries())
    if (share > 0) locked.push(...(await lockWhere(work, isDueOf(work.tenantId, options, kind), share)));
  return locked;
}

/** A person's retry has an author; that of what was given up in an outage has none. */
export const isAskedAgain = ({ windowReason, windowChangedBy, isRetryUnsent }: LockedRecordSync): boolean =>
  isRetryUnsent || (windowReason === 'retry' && windowChangedBy.length > 0);

async function lockProbe(
  work: TenantWork,
  options: ClaimOptions,
  isBackfilling: boolean,
): Promise<LockedRecordSync[]> {
  // A record that was refused on its own before may be the cause: others are the better probe.
  const isDue = sql`${ofIntegration(work.tenantId, options)} and next_due_at <= ${options.now}::timestamptz`;
  // The windows of a backfill wait until it has counted all of them (rules.md 53).
  const wanted = isBackfilling
    ? sql`and (not is_backfill or window_opened_at is null or lease_until is not null)`
    : sql``;
  const candidates = sql`select record_id from record_syncs where ${isDue} ${wanted}
    order by is_backfill, next_due_at limit ${PROBE_CANDIDATES}::int`;
  return lockWhere(work, sql`${isDue} and record_id = any(array(${candidates}))`, options.limit, [
    sql`push_refusals > 0`,
    sql`is_backfill`,
  ]);
}

async function lockWindows(
  work: TenantWork,
  options: ClaimOptions,
  isBackfilling: boolean,
): Promise<LockedRecordSync[]> {
  const { limit, firedAt, now } = options;
  const locked: LockedRecordSync[] = [];
  // While a backfill counts, its pushes wait (rules.md 53): reading past them would cost more and more.
  for (const isBackfill of isBackfilling ? [false] : [false, true])
    locked.push(
      ...(await lockWhere(
        work,
        sql`${ofIntegration(work.tenantId, options)} and is_backfill = ${sql.lit(isBackfill)} and ${IS_WINDOW}
          and next_due_at <= ${now}::timestamptz and (next_due_at <= ${firedAt}::timestamptz
            or push_priority = ${sql.lit(PUSH_KINDS.manual)})`,
        limit - locked.length,
      )),
    );
  return locked;
}

async function lockWhere(
  { trx }: TenantWork,
  condition: RawBuilder<unknown>,
  limit: number,
  first: RawBuilder<unknown>[] = [],
): Promise<LockedRecordSync[]> {
  const { rows } = await sql<LockedRecordSync>`
    select record_id, next_due_at, window_opened_at, due_at, window_reason, window_fields, window_changed_by,
      window_effect, held_at, push_id, push_hash, push_refusals, give_up_at, result_status, result_hash,
      lease_until, unresolved_push_id, discarded_at, erase_as,
      unresolved_push_id is not null and exists (select from pushes
        where pushes.tenant_id = record_syncs.tenant_id and pushes.effect = 'created'
          and pushes.push_id = unresolved_push_id) as was_created,
      unresolved_push_id is not null and lease_until is null and exists (select from pushes
        where pushes.tenant_id = record_syncs.tenant_id and pushes.push_id = record_syncs.push_id
          and started_because = 'retry' and changed_by <> '{}' and attempts = 0) as is_retry_unsent
    from record_syncs where ${condition}
    order by ${sql.join([...first, sql`next_due_at`])} limit ${limit} for update skip locked`.execute(trx);
  return rows;
}
