/**
 * Changing, pausing, resuming and re-authorizing integrations (rules.md 10, 15, 16). The API has
 * validated the input; the push queue opens the debounce windows of existing records in chunks (backfill.ts).
 */
import type { JsonObject } from '../../domain/json';
import { canonicalJson, jsonEquals } from '../../domain/json';
import { stoppedMs } from '../../domain/retry';
import type { TenantWork } from '../database';
import { supersedePushReviews } from '../push/push-reviews';
import { forgetSubscription } from '../integrations/incoming/incoming-addresses';
import { findIntegration, type Integration, lockIntegration } from '../integrations/integrations';
import { endWaits } from '../integrations/lift-waits';
import { endReauthorization } from './checks/save-check';
import { nameApp } from '../integrations/oauth/apps';
import { lockMappings } from '../records/mapping-lock';
import { pulledRecordTypes } from '../../domain/records/mapping-directions';
import { addSyncDatasets, forgetSyncTokens, forgetWatermarks } from './sync-datasets';
import { markListReplaced } from '../pull/pass-state';
import { requestSyncRun, retryWaitingJobs, enqueueSyncRuns } from './sync-run-requests';
import { changedDefinition, type DefinitionColumns } from '../third-parties/definition-columns';
import { updateSchedules } from './sync-schedules';
import { enqueuePush } from '../platform/outbox';
import { appendStreamEvent } from '../platform/change-feed';
import type { RecordTypeMappings } from '../../domain/records/mapping';
import type { StoredTypeSettings } from '../../domain/records/record-type-settings';

export interface IntegrationChange {
  app?: string | undefined;
  accountName?: string | undefined;
  /** The version of the definition, and what is taken from it; null = it follows none any more. */
  definition?: DefinitionColumns | null | undefined;
  /** Otherwise a person chooses the definition, and no rollback undoes that. */
  isByRollout?: boolean;
  config?: JsonObject | undefined;
  /** The record types of which the new configuration reads other records, or reads them differently. */
  readDifferently?: readonly string[] | undefined;
  /**
   * A new mapping raises the mapping version and opens a window for record syncs whose payload differs
   * (rules.md 15).
   */
  recordTypes?: RecordTypeMappings | undefined;
  /** Makes nothing due. */
  typeSettings?: StoredTypeSettings | undefined;
  /** Applies from the next change on (rules.md 16). */
  gracePeriodMs?: number | undefined;
  maxWaitMs?: number | null | undefined;
  isHourlySyncOn?: boolean | undefined;
  nightlySyncAt?: string | null | undefined;
}

/**
 * Changes the given settings only. The caller has compared versions (If-Match) under `lockIntegration`.
 * @throws OAuthAppDeleted
 */
export async function changeIntegration(
  work: TenantWork,
  {
    integrationId,
    change,
    by = 'syncline',
  }: { integrationId: string; change: IntegrationChange; by?: string },
): Promise<Integration> {
  const { trx, tenantId, now } = work;
  const { config } = change;
  const before = await lockIntegration(work, { integrationId });
  const hasNewConfig = before !== undefined && config !== undefined && !jsonEquals(config, before.config);
  // Locked before the mappings, in the order in which a page locks its job and the mappings.
  if (hasNewConfig) {
    await markListReplaced(work, before);
    await forgetSubscription(work, before);
    await retryWaitingJobs(work, before);
  }
  if (change.recordTypes !== undefined) await lockMappings(work, 'alone');
  if (before === undefined) throw new Error(`No integration ${integrationId} to change.`);
  if (config !== undefined && hasNewConfig) await nameApp(work, config);
  const hasNewMapping =
    change.recordTypes !== undefined &&
    canonicalJson(change.recordTypes as never) !== canonicalJson(before.recordTypes as never);
  await trx
    .updateTable('integrations')
    .set({
      ...(change.app === undefined ? {} : { app: change.app }),
      ...(change.accountName === undefined ? {} : { accountName: change.accountName }),
      ...changedDefinition(change, before),
      ...(config === undefined ? {} : { config: JSON.stringify(config) }),
      ...(change.typeSettings === undefined ? {} : { typeSettings: JSON.stringify(change.typeSettings) }),
      ...(change.gracePeriodMs === undefined ? {} : { gracePeriodMs: change.gracePeriodMs }),
      ...(change.maxWaitMs === undefined ? {} : { maxWaitMs: change.maxWaitMs }),
      ...(change.isHourlySyncOn === undefined ? {} : { isHourlySyncOn: change.isHourlySyncOn }),
      ...(change.nightlySyncAt === undefined ? {} : { nightlySyncAt: change.nightlySyncAt }),
      ...(hasNewMapping
        ? {
            recordTypes: JSON.stringify(change.recordTypes),
            mappingVersion: before.mappingVersion + 1,
            backfillReason: before.backfillReason ?? ('mapping_changed' as const),
            backfillCursor: null,
            mappingChangedBy: by,
          }
        : {}),
      version: before.version + 1,
      updatedAt: now,
    })
    .where('tenantId', '=', tenantId)
    .where('integrationId', '=', integrationId)
    .execute();
  if (hasNewMapping) await supersedePushReviews(work, { integrationId });
  // The job of a record type that is no longer synced may wait for hours, and ends at once.
  if (hasNewConfig || hasNewMapping) await enqueueSyncRuns(work, { integrationId });
  if ((hasNewMapping || hasNewConfig) && before.pausedAt === null)
    await enqueuePush(work, { integrationId, nextDueAt: now });
  await readAnew(work, { before, recordTypes: change.recordTypes ?? before.recordTypes, change });
  await updateSchedules(work, { integrationId });
  if (hasNewConfig) await endWaits(work, { integrationId });
  return announceIntegration(work, integrationId);
}

/**
 * Record types of which other records or fields are read now are read in full. Added ones are not part of the
 * onboarding lock.
 */
async function readAnew(
  work: TenantWork,
  {
    before,
    recordTypes,
    change: { readDifferently = [] },
  }: { before: Integration; recordTypes: RecordTypeMappings; change: IntegrationChange },
): Promise<void> {
  const { integrationId } = before;
  const pulled = pulledRecordTypes({ recordTypes });
  const isMappedAnew = (type: string): boolean =>
    canonicalJson(recordTypes[type] as never) !== canonicalJson((before.recordTypes[type] ?? null) as never);
  const changed = pulled.filter((type) => readDifferently.includes(type) || isMappedAnew(type));
  if (changed.length === 0) return;
  await addSyncDatasets(work, { integrationId, recordTypes: pulled, isInitial: false });
  await forgetWatermarks(work, { integrationId, recordTypes: readDifferently });
  // The integration never had an onboarding lock, so added record types need none.
  if (before.onboardingStartedAt === null)
    await work.trx
      .updateTable('integrations')
      .set({ onboardingStartedAt: work.now, onboardedAt: work.now })
      .where('tenantId', '=', work.tenantId)
      .where('integrationId', '=', integrationId)
      .execute();
  await requestSyncRun(work, {
    integrationId,
    kind: 'full',
    recordTypes: changed,
    startedBy: changed.some(isMappedAnew) ? 'mapping' : 'config',
    mustFollow: true,
  });
}

/** Idempotent. Changes still open debounce windows; the push queue ends and retry periods stop counting. */
export async function pauseIntegration(
  work: TenantWork,
  { integrationId }: { integrationId: string },
): Promise<Integration> {
  await work.trx
    .updateTable('integrations')
    .set((eb) => ({ pausedAt: work.now, version: eb('version', '+', 1), updatedAt: work.now }))
    .where('tenantId', '=', work.tenantId)
    .where('integrationId', '=', integrationId)
    .where('pausedAt', 'is', null)
    .execute();
  await enqueueSyncRuns(work, { integrationId });
  return announceIntegration(work, integrationId);
}

/**
 * Idempotent. What waits is tried at once. Pushes are given up at the same time of the integration's retry
 * clock as before.
 */
export async function resumeIntegration(
  work: TenantWork,
  { integrationId }: { integrationId: string },
): Promise<Integration> {
  const before = await lockIntegration(work, { integrationId });
  if (before === undefined || before.pausedAt === null) return announceIntegration(work, integrationId);
  await retryWaitingJobs(work, { integrationId });
  // A concurrent acceptance that saw the pause does not enqueue: it ends first, or it sees the resumed
  // integration.
  await lockMappings(work, 'alone');
  const stopped = {
    since: before.pausedAt,
    until: work.now,
    stillStoppedSince: before.needsReauthorizationAt,
  };
  await work.trx
    .updateTable('integrations')
    .set({
      pausedAt: null,
      retryClockStoppedMs: before.retryClockStoppedMs + stoppedMs(stopped),
      // The 15 minutes of an outage continue from their state before the pause, or begin with its end.
      outageSince:
        before.outageSince &&
        new Date(work.now.getTime() - Math.max(before.pausedAt.getTime() - before.outageSince.getTime(), 0)),
      version: before.version + 1,
      updatedAt: work.now,
    })
    .where('tenantId', '=', work.tenantId)
    .where('integrationId', '=', integrationId)
    .execute();
  await endWaits(work, { integrationId });
  if (before.needsReauthorizationAt === null) await enqueuePush(work, { integrationId, nextDueAt: work.now });
  await enqueueSyncRuns(work, { integrationId });
  return announceIntegration(work, integrationId);
}

/** Stores new credentials. What waits, for them or for anything else, is tried at once (rules.md 10). */
export async function replaceCredentials(
  work: TenantWork,
  { integrationId, encryptedCredentials }: { integrationId: string; encryptedCredentials: string },
): Promise<Integration> {
  const { trx, tenantId, now } = work;
  const before = await lockIntegration(work, { integrationId });
  // The credentials may belong to another account.
  await markListReplaced(work, { integrationId });
  await forgetSyncTokens(work, { integrationId });
  await forgetSubscription(work, { integrationId });
  await retryWaitingJobs(work, { integrationId });
  await lockMappings(work, 'alone'); // as in resumeIntegration
  await trx
    .updateTable('integrations')
    .set((eb) => ({
      credentials: encryptedCredentials,
      credentialsUpdatedAt: now,
      blockedDetail: null,
      version: eb('version', '+', 1),
      updatedAt: now,
    }))
    .where('tenantId', '=', tenantId)
    .where('integrationId', '=', integrationId)
    .execute();
  if (before !== undefined) await endReauthorization(work, before);
  await endWaits(work, { integrationId });
  await enqueueSyncRuns(work, { integrationId });
  const after = await announceIntegration(work, integrationId);
  if (after.pausedAt === null) await enqueuePush(work, { integrationId, nextDueAt: now });
  return after;
}

export async function announceIntegration(work: TenantWork, integrationId: string): Promise<Integration> {
  const integration = await findIntegration(work, { integrationId });
  if (integration === undefined) throw new Error(`No integration ${integrationId}.`);
  await appendStreamEvent(work, { topic: 'integrations', body: { integration_id: integrationId } });
  return integration;
}
