/** State of a dataset between runs: how far it was read, how many records both sides have. */
import { type Selectable, sql } from 'kysely';
import type { TenantWork } from '../database';
import type { SyncDatasetsTable } from '../tables/pull';

export type SyncDataset = Selectable<SyncDatasetsTable>;

interface Place {
  integrationId: string;
  recordType: string;
}

export async function listSyncDatasets(
  { trx, tenantId }: TenantWork,
  { integrationId }: { integrationId: string },
): Promise<SyncDataset[]> {
  return trx
    .selectFrom('syncDatasets')
    .selectAll()
    .where('tenantId', '=', tenantId)
    .where('integrationId', '=', integrationId)
    .orderBy('recordType')
    .execute();
}

export async function findSyncDataset(
  { trx, tenantId }: TenantWork,
  { integrationId, recordType }: Place,
): Promise<SyncDataset | undefined> {
  return trx
    .selectFrom('syncDatasets')
    .selectAll()
    .where('tenantId', '=', tenantId)
    .where('integrationId', '=', integrationId)
    .where('recordType', '=', recordType)
    .executeTakeFirst();
}

/** Datasets queued by linking are initial; later ones are not part of the onboarding lock (rules.md 33). */
export async function addSyncDatasets(
  { trx, tenantId }: TenantWork,
  {
    integrationId,
    recordTypes,
    isInitial,
  }: { integrationId: string; recordTypes: readonly string[]; isInitial: boolean },
): Promise<void> {
  if (recordTypes.length === 0) return;
  await trx
    .insertInto('syncDatasets')
    .values(
      recordTypes.map((recordType) => ({
        tenantId,
        integrationId,
        recordType,
        watermark: null,
        isInitial,
        initialState: null,
        lastSucceededAt: null,
        fullSucceededAt: null,
        localTotal: null,
        remoteTotal: null,
        countedAt: null,
        knownDifference: null,
      })),
    )
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

export interface Success extends Place {
  isFull: boolean;
  /** The next watermark; null leaves it unchanged, and the sync token too. */
  watermark: Date | null;
  syncToken?: string | null;
  /**
   * False: a record may have been missed. The watermark then follows one run behind, so that the next run
   * reads the same again.
   */
  isConfirmed?: boolean;
  /** Counts of both sides; undefined = nothing was counted. */
  counted?: { local: number; remote: number | null } | undefined;
}

export async function markDatasetSucceeded(
  { trx, tenantId, now }: TenantWork,
  { integrationId, recordType, isFull, watermark, isConfirmed = true, syncToken = null, counted }: Success,
): Promise<void> {
  await trx
    .updateTable('syncDatasets')
    .set({
      lastSucceededAt: now,
      ...(isFull ? { fullSucceededAt: now } : {}),
      ...(watermark === null
        ? {}
        : {
            watermark: isConfirmed ? watermark : sql<Date | null>`coalesce(unconfirmed_watermark, watermark)`,
            unconfirmedWatermark: watermark,
            syncToken,
          }),
      ...(counted === undefined
        ? {}
        : {
            localTotal: counted.local,
            remoteTotal: counted.remote,
            countedAt: now,
            grownBy: 0,
            // The right side is the row as it was.
            previousDifference: sql<number | null>`local_total - remote_total`,
          }),
    })
    .where('tenantId', '=', tenantId)
    .where('integrationId', '=', integrationId)
    .where('recordType', '=', recordType)
    .execute();
}

/** The list that was read so far is no longer the one that is read. Until a full run, all of it is read. */
export async function forgetWatermarks(
  { trx, tenantId }: TenantWork,
  { integrationId, recordTypes }: { integrationId: string; recordTypes: readonly string[] },
): Promise<void> {
  if (recordTypes.length === 0) return;
  await trx
    .updateTable('syncDatasets')
    .set({
      watermark: null,
      unconfirmedWatermark: null,
      syncToken: null,
      knownDifference: null,
      previousDifference: null,
    })
    .where('tenantId', '=', tenantId)
    .where('integrationId', '=', integrationId)
    .where('recordType', 'in', recordTypes)
    .execute();
}

/**
 * A token belongs to the account that it was given to. Jobs that have read nothing begin without it, too.
 * They are written before datasets, as at the end of a run.
 */
export async function forgetSyncTokens(
  { trx, tenantId }: TenantWork,
  { integrationId }: { integrationId: string },
): Promise<void> {
  await sql`
    update sync_jobs job set sync_token = null from sync_runs run
    where run.tenant_id = ${tenantId} and run.integration_id = ${integrationId} and run.finished_at is null
      and job.tenant_id = run.tenant_id and job.sync_run_id = run.sync_run_id
      and job.sync_token is not null and job.pages = 0 and job.state in ('queued', 'waiting')`.execute(trx);
  await trx
    .updateTable('syncDatasets')
    .set({ syncToken: null })
    .where('tenantId', '=', tenantId)
    .where('integrationId', '=', integrationId)
    .where('syncToken', 'is not', null)
    .execute();
}

/** Remembers that a repair of the record types was requested. */
export async function markRepaired(
  { trx, tenantId, now }: TenantWork,
  { integrationId, recordTypes }: { integrationId: string; recordTypes: readonly string[] },
): Promise<void> {
  await trx
    .updateTable('syncDatasets')
    .set({ repairedAt: now })
    .where('tenantId', '=', tenantId)
    .where('integrationId', '=', integrationId)
    .where('recordType', 'in', recordTypes)
    .execute();
}
