/** The Sync Log: runs with their progress, newest first. Kept permanently (rules.md 36). */
import { sql } from 'kysely';
import { estimateEnd } from '../../domain/sync-runs/sync-progress';
import type { RunKind, RunState } from '../../domain/sync-runs/sync-run';
import type { TenantWork } from '../database';
import type { SyncRun } from '../pull/job-rows';

interface RunProgress {
  recordsRead: number;
  recordsNew: number;
  recordsChanged: number;
  recordsDeleted: number;
  recordsUnchanged: number;
  recordsFailed: number;
  recordsHeldBack: number;
  recordsSkipped: number;
  /** null = the third party gives no total, or a dataset has not started. */
  expectedRecords: number | null;
  estimatedEndAt: Date | null;
}
export type ListedSyncRun = Omit<SyncRun, 'tenantId'> & { progress: RunProgress };

export interface SyncRunFilter {
  integrationId?: string | undefined;
  kinds?: readonly RunKind[] | undefined;
  states?: readonly RunState[] | undefined;
  createdAfter?: Date | undefined;
  createdBefore?: Date | undefined;
}

function selectRuns({ trx, tenantId }: TenantWork) {
  return (
    trx
      .selectFrom('syncRuns')
      .select([
        'syncRunId',
        'integrationId',
        'kind',
        'standsFor',
        'isAwaited',
        'scope',
        'recordTypes',
        'startedBy',
        'followsSyncRunId',
        'overviewId',
        'requestedAt',
        'startedAt',
        'finishedAt',
        'cancelRequestedAt',
        'canceledBy',
        'state',
        'successfulJobs',
        'failedJobs',
        'isSyncFinished',
        'milestones',
      ])
      // A date, not an instant: as text, because the driver would read it as midnight in the local zone.
      .select(sql<string | null>`local_date::text`.as('localDate'))
      .where('tenantId', '=', tenantId)
  );
}

/** Newest first, before `before` (a run's id). */
export async function listSyncRuns(
  work: TenantWork,
  {
    integrationId,
    kinds,
    states,
    createdAfter,
    createdBefore,
    limit,
    before,
  }: SyncRunFilter & { limit: number; before?: string | undefined },
): Promise<ListedSyncRun[]> {
  let query = selectRuns(work);
  if (integrationId !== undefined) query = query.where('integrationId', '=', integrationId);
  if (kinds !== undefined) query = query.where('kind', 'in', [...kinds]);
  if (states !== undefined) query = query.where('state', 'in', [...states]);
  if (createdAfter !== undefined) query = query.where('requestedAt', '>=', createdAfter);
  if (createdBefore !== undefined) query = query.where('requestedAt', '<', createdBefore);
  if (before !== undefined) query = query.where('syncRunId', '<', before);
  return withProgress(work, await query.orderBy('syncRunId', 'desc').limit(limit).execute());
}

export async function showSyncRun(
  work: TenantWork,
  { syncRunId }: { syncRunId: string },
): Promise<ListedSyncRun | undefined> {
  const [run] = await withProgress(work, await selectRuns(work).where('syncRunId', '=', syncRunId).execute());
  return run;
}

/** The runs in the order of their ids. */
export async function showSyncRuns(
  work: TenantWork,
  { syncRunIds }: { syncRunIds: readonly string[] },
): Promise<ListedSyncRun[]> {
  if (syncRunIds.length === 0) return [];
  return withProgress(
    work,
    await selectRuns(work)
      .where('syncRunId', 'in', [...syncRunIds])
      .orderBy('syncRunId')
      .execute(),
  );
}

type Sums = Omit<RunProgress, 'estimatedEndAt'> & {
  syncRunId: string;
  recordsLeft: number | null;
  isWaiting: boolean;
};
const NOTHING: Omit<Sums, 'syncRunId'> = {
  recordsRead: 0,
  recordsNew: 0,
  recordsChanged: 0,
  recordsDeleted: 0,
  recordsUnchanged: 0,
  recordsFailed: 0,
  recordsHeldBack: 0,
  recordsSkipped: 0,
  expectedRecords: null,
  recordsLeft: null,
  isWaiting: false,
};

async function withProgress(
  work: TenantWork,
  runs: readonly Omit<ListedSyncRun, 'progress'>[],
): Promise<ListedSyncRun[]> {
  const sums = await sumJobs(
    work,
    runs.map(({ syncRunId }) => syncRunId),
  );
  return runs.map((run) => {
    const {
      syncRunId: _syncRunId,
      recordsLeft,
      isWaiting,
      ...counts
    } = sums.get(run.syncRunId) ?? { ...NOTHING, syncRunId: run.syncRunId };
    const facts = {
      startedAt: run.startedAt,
      isFinished: run.isSyncFinished,
      isWaiting,
      recordsRead: counts.recordsRead,
      recordsLeft,
    };
    return { ...run, progress: { ...counts, estimatedEndAt: estimateEnd(facts, work.now) } };
  });
}

/** Of the datasets; metadata has no records. Totals are null where one part is. */
async function sumJobs(
  { trx, tenantId }: TenantWork,
  syncRunIds: readonly string[],
): Promise<Map<string, Sums>> {
  if (syncRunIds.length === 0) return new Map();
  const { rows } = await sql<Sums>`
    select sync_run_id,
      sum(records_read)::bigint as records_read, sum(records_new)::bigint as records_new, sum(records_changed)::bigint as records_changed,
      sum(records_deleted)::bigint as records_deleted, sum(records_unchanged)::bigint as records_unchanged, sum(records_failed)::bigint as records_failed,
      sum(records_held_back)::bigint as records_held_back, sum(records_skipped)::bigint as records_skipped,
      case when bool_and(expected is not null) then sum(expected)::bigint end as expected_records,
      case when bool_and(is_read or expected is not null) then sum(case when is_read then 0 else expected - records_read end)::bigint end as records_left,
      bool_or(state = 'waiting') as is_waiting
    from (
      select *, finished_at is not null or read_finished_at is not null as is_read,
        case when state = 'succeeded' then records_read when state = 'not_supported' then 0
             when expected_records is not null then greatest(expected_records, records_read) end as expected
      from sync_jobs where tenant_id = ${tenantId} and sync_run_id = any(${[...syncRunIds]}::uuid[]) and record_type <> '') job
    group by sync_run_id`.execute(trx);
  return new Map(rows.map((row) => [row.syncRunId, row]));
}
