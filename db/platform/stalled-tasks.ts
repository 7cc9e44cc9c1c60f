/** Overdue tasks that have a row and a workflow of their own (stalled-work.ts). */
import { sql } from 'kysely';
import { INCOMING_WAIT_MAX_MS } from '../../domain/sync-runs/incoming-window';
import type { Work } from '../database';
import { pageOf, type StalledWorkPage, type StalledWorkSearch } from './stalled-work-page';
import { FIRST_ID } from '../sql/ids';

/** An erasure that waits for third parties changes its row every few seconds. */
export async function findStalledErasures(
  { trx }: Work,
  { overdueSince, after, limit }: StalledWorkSearch,
): Promise<StalledWorkPage> {
  const rows = await trx
    .selectFrom('erasures')
    .select(['tenantId', 'erasureId'])
    .where('finishedAt', 'is', null)
    .where('state', '<>', 'ready')
    .where('updatedAt', '<', overdueSince)
    .where('erasureId', '>', after ?? FIRST_ID)
    .orderBy('erasureId')
    .limit(limit)
    .execute();
  return pageOf(
    rows,
    limit,
    ({ erasureId }) => erasureId,
    (row) => [{ ...row, topic: 'erasure' }],
  );
}

export async function findStalledTasks(
  { trx }: Work,
  { overdueSince, after, limit }: StalledWorkSearch,
): Promise<StalledWorkPage> {
  const rows = await trx
    .selectFrom('backgroundTasks')
    .select(['tenantId', 'backgroundTaskId'])
    .where('finishedAt', 'is', null)
    .where('updatedAt', '<', overdueSince)
    .where('backgroundTaskId', '>', after ?? FIRST_ID)
    .orderBy('backgroundTaskId')
    .limit(limit)
    .execute();
  return pageOf(
    rows,
    limit,
    ({ backgroundTaskId }) => backgroundTaskId,
    (row) => [{ ...row, topic: 'background_task' }],
  );
}

export async function findStalledDeletions(
  { trx }: Work,
  { overdueSince, after, limit }: StalledWorkSearch,
): Promise<StalledWorkPage> {
  const rows = await trx
    .selectFrom('tenantDeletions')
    .select('tenantId')
    .where('finishedAt', 'is', null)
    .where('updatedAt', '<', overdueSince)
    .where('tenantId', '>', after ?? FIRST_ID)
    .orderBy('tenantId')
    .limit(limit)
    .execute();
  return pageOf(
    rows,
    limit,
    ({ tenantId }) => tenantId,
    ({ tenantId }) => [{ tenantId, deletedTenantId: tenantId, topic: 'tenant_deletion' }],
  );
}

/** A rollout that waits for a person or for the end of an observation is fine. */
export async function findStalledRollouts(
  { trx }: Work,
  { overdueSince, after, limit }: StalledWorkSearch,
): Promise<StalledWorkPage> {
  const rows = await trx
    .selectFrom('definitionRollouts')
    .select(['tenantId', 'rolloutId'])
    .where('finishedAt', 'is', null)
    .where('state', '<>', 'planned')
    .where('pausedAt', 'is', null)
    .where('updatedAt', '<', overdueSince)
    .where(({ eb, or }) => or([eb('nextCheckAt', 'is', null), eb('nextCheckAt', '<', overdueSince)]))
    .where('rolloutId', '>', after ?? FIRST_ID)
    .orderBy('rolloutId')
    .limit(limit)
    .execute();
  return pageOf(
    rows,
    limit,
    ({ rolloutId }) => rolloutId,
    (row) => [{ ...row, topic: 'definition_rollout' }],
  );
}

/** Also what a terminated workflow has left behind, or a worker that stopped before its signal. */
export async function findStalledIncoming(
  { trx }: Work,
  { overdueSince, after, limit }: StalledWorkSearch,
): Promise<StalledWorkPage> {
  const { rows } = await sql<{ tenantId: string; integrationId: string; firstAt: Date }>`
    with recursive waiting as (
      (select integration_id, tenant_id, first_at from incoming_changes
       where sync_run_id is null and integration_id > ${after ?? FIRST_ID}
       order by integration_id, first_at limit 1)
      union all
      select next.* from waiting, lateral (
        select integration_id, tenant_id, first_at from incoming_changes other
        where other.sync_run_id is null and other.integration_id > waiting.integration_id
        order by integration_id, first_at limit 1) next)
    select * from waiting limit ${limit}`.execute(trx);
  return pageOf(
    rows,
    limit,
    ({ integrationId }) => integrationId,
    ({ firstAt, ...row }) =>
      firstAt < new Date(overdueSince.getTime() - INCOMING_WAIT_MAX_MS)
        ? [{ ...row, topic: 'incoming_changes' }]
        : [],
  );
}
