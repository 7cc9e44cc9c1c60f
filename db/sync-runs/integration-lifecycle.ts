/**
 * Linking, changing, pausing, resuming, re-authorizing and deleting integrations (rules.md 10, 15, 16).
 * Input comes validated from the API; what has to be pushed because of it is opened by the lane, in chunks (backfill.ts).
 */
import { sql } from 'kysely';
import type { JsonObject } from '../../domain/json';
import { canonicalJson } from '../../domain/json';
import { companyEvents, policyToPin } from './company-sync';
import type { TenantWork } from '../database';
import { supersedeReviews } from '../pull/deletion-reviews';
import { emitEvents } from '../webhooks/events';
import { postponeGivingUp, shiftRetryClocks } from '../integrations/availability';
import { findIntegration, type Integration, lockIntegration } from '../integrations/integrations';
import { lockMappings } from '../records/mapping-lock';
import { resolveNotification } from '../notifications/notifications';
import { invalidateOverviewsOf } from '../overviews/invalidate-overviews';
import { pulledRecordTypes } from '../../domain/records/mapping-directions';
import { addSyncDatasets } from './sync-datasets';
import { cancelSyncRun } from './sync-jobs';
import { markListReplaced } from '../pull/pass-state';
import { findUnfinishedRuns, requestSyncRun, enqueueSyncRuns } from './sync-run-requests';
import { enqueueSchedules } from './sync-schedules';
import { enqueuePush } from '../platform/outbox';
import { appendStreamEvent } from '../platform/change-feed';
import type { RecordTypeMappings } from '../../domain/records/mapping';

export interface NewIntegration {
  integrationId: string;
  connector: string;
  app: string;
  accountName: string;
  config: JsonObject;
  recordTypes: RecordTypeMappings;
  /** Sealed already; null = none given yet (a connector that needs none). */
  encryptedCredentials: string | null;
  gracePeriodMs: number;
  maxWaitMs: number | null;
  /** `all`: existing eligible records are pushed behind edits; `none`: only changes from now on. */
  initialPush: 'all' | 'none';
  isPaused: boolean;
  /** Ticks of the schedules; nightly at this local time (`HH:MM`), null = never. Both have defaults. */
  isHourlySyncOn?: boolean | undefined;
  nightlySyncAt?: string | null | undefined;
  /** Who links it. */
  linkedBy?: string | undefined;
  /** From when on the deprecated policy of COMPANY_SYNCHRONIZED is gone (rules.md 42). */
  companySynchronizedSwitchAt?: Date | undefined;
}

export async function createIntegration(work: TenantWork, input: NewIntegration): Promise<Integration> {
  const { trx, tenantId, now } = work;
  const pulled = pulledRecordTypes(input);
  // What goes both ways is pushed once theirs is here and matched (rules.md 17): the end of onboarding sees to that.
  const isBackfilled =
    input.initialPush === 'all' &&
    !Object.values(input.recordTypes).some(({ direction }) => direction === 'both');
  await lockMappings(work, 'alone');
  await trx
    .insertInto('integrations')
    .values({
      tenantId,
      integrationId: input.integrationId,
      connector: input.connector,
      app: input.app,
      accountName: input.accountName,
      config: JSON.stringify(input.config),
      recordTypes: JSON.stringify(input.recordTypes),
      credentials: input.encryptedCredentials,
      credentialsUpdatedAt: input.encryptedCredentials === null ? null : now,
      gracePeriodMs: input.gracePeriodMs,
      maxWaitMs: input.maxWaitMs,
      initialPush: input.initialPush,
      pausedAt: input.isPaused ? now : null,
      needsReauthorizationAt: null,
      blockedUntil: null,
      blockedReason: null,
      blockedDetail: null,
      outageSince: null,
      lastCheck: null,
      backfillReason: isBackfilled ? 'initial' : null,
      backfillCursor: null,
      onboardingStartedAt: pulled.length === 0 ? null : now,
      onboardedAt: null,
      onboardingFailedAt: null,
      firstSyncCompletedAt: null,
      companySynchronizedPolicy: await policyToPin(work, input.companySynchronizedSwitchAt),
      ...(input.isHourlySyncOn === undefined ? {} : { isHourlySyncOn: input.isHourlySyncOn }),
      ...(input.nightlySyncAt === undefined ? {} : { nightlySyncAt: input.nightlySyncAt }),
      createdAt: now,
      updatedAt: now,
      deletedAt: null,
    })
    .execute();
  const { integrationId } = input;
  if (!input.isPaused && isBackfilled) await enqueuePush(work, { integrationId, nextDueAt: now });
  if (pulled.length > 0) {
    await addSyncDatasets(work, { integrationId, recordTypes: pulled, isInitial: true });
    await requestSyncRun(work, {
      integrationId,
      kind: 'onboarding',
      startedBy: input.linkedBy ?? 'syncline',
    });
    await enqueueSchedules(work, { integrationId });
  }
  return announced(work, input.integrationId);
}

export interface IntegrationChange {
  app?: string | undefined;
  accountName?: string | undefined;
  config?: JsonObject | undefined;
  /** A new mapping: its version grows, and pairs whose payload differs get a window (rules.md 15). */
  recordTypes?: RecordTypeMappings | undefined;
  /** Counts from the next change on (rules.md 16). */
  gracePeriodMs?: number | undefined;
  maxWaitMs?: number | null | undefined;
  isHourlySyncOn?: boolean | undefined;
  nightlySyncAt?: string | null | undefined;
}

/** Changes what is given and leaves the rest. The caller has compared versions (If-Match) under `lockIntegration`. */
export async function changeIntegration(
  work: TenantWork,
  { integrationId, change }: { integrationId: string; change: IntegrationChange },
): Promise<Integration> {
  const { trx, tenantId, now } = work;
  const before = await lockIntegration(work, { integrationId });
  // Before the lock of the mappings, which a page takes after that of its job.
  if (
    before !== undefined &&
    change.config !== undefined &&
    canonicalJson(change.config) !== canonicalJson(before.config)
  )
    await markListReplaced(work, before);
  if (change.recordTypes !== undefined) await lockMappings(work, 'alone');
  if (before === undefined) throw new Error(`No integration ${integrationId} to change.`);
  const hasNewMapping =
    change.recordTypes !== undefined &&
    canonicalJson(change.recordTypes as never) !== canonicalJson(before.recordTypes as never);
  await trx
    .updateTable('integrations')
    .set({
      ...(change.app === undefined ? {} : { app: change.app }),
      ...(change.accountName === undefined ? {} : { accountName: change.accountName }),
      ...(change.config === undefined ? {} : { config: JSON.stringify(change.config) }),
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
          }
        : {}),
      version: before.version + 1,
      updatedAt: now,
    })
    .where('tenantId', '=', tenantId)
    .where('integrationId', '=', integrationId)
    .execute();
  if (hasNewMapping && before.pausedAt === null) await enqueuePush(work, { integrationId, nextDueAt: now });
  if (hasNewMapping && change.recordTypes !== undefined)
    await readUnderNewMapping(work, { integrationId, before, recordTypes: change.recordTypes });
  await enqueueSchedules(work, { integrationId });
  return announced(work, integrationId);
}

/** Record types whose mapping reads something else are read as a whole; those that were added have no part in the gate. */
async function readUnderNewMapping(
  work: TenantWork,
  {
    integrationId,
    before,
    recordTypes,
  }: { integrationId: string; before: Integration; recordTypes: RecordTypeMappings },
): Promise<void> {
  const pulled = pulledRecordTypes({ recordTypes });
  const changed = pulled.filter(
    (type) =>
      canonicalJson(recordTypes[type] as never) !==
      canonicalJson((before.recordTypes[type] ?? null) as never),
  );
  if (changed.length === 0) return;
  await addSyncDatasets(work, { integrationId, recordTypes: pulled, isInitial: false });
  // It never had a gate, so it needs none for what is added to it.
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
    startedBy: 'mapping',
    mustFollow: true,
  });
}

/** Windows keep opening, the lane ends at its next wake, retry clocks stand still. Pausing twice is pausing once. */
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
  return announced(work, integrationId);
}

/** Resuming twice is resuming once. */
export async function resumeIntegration(
  work: TenantWork,
  { integrationId }: { integrationId: string },
): Promise<Integration> {
  const before = await lockIntegration(work, { integrationId });
  if (before === undefined || before.pausedAt === null) return announced(work, integrationId);
  // An acceptance that took it for paused tells the lane nothing: it ends before, or it sees that it works again.
  await lockMappings(work, 'alone');
  await shiftRetryClocks(work, { integrationId, byMs: work.now.getTime() - before.pausedAt.getTime() });
  await work.trx
    .updateTable('integrations')
    .set({
      pausedAt: null,
      // An outage that was known before is probed at once, and its quarter of an hour goes on from where it was.
      ...(before.blockedReason === 'outage' ? { blockedUntil: work.now } : {}),
      ...(before.outageSince === null
        ? {}
        : {
            outageSince: new Date(
              before.outageSince.getTime() + work.now.getTime() - before.pausedAt.getTime(),
            ),
          }),
      version: before.version + 1,
      updatedAt: work.now,
    })
    .where('tenantId', '=', work.tenantId)
    .where('integrationId', '=', integrationId)
    .execute();
  if (before.needsReauthorizationAt === null) await enqueuePush(work, { integrationId, nextDueAt: work.now });
  await enqueueSyncRuns(work, { integrationId });
  return announced(work, integrationId);
}

/** New credentials: what waited for them goes on (rules.md 10). */
export async function replaceCredentials(
  work: TenantWork,
  { integrationId, encryptedCredentials }: { integrationId: string; encryptedCredentials: string },
): Promise<Integration> {
  const { trx, tenantId, now } = work;
  const before = await lockIntegration(work, { integrationId });
  // They may be those of another account.
  await markListReplaced(work, { integrationId });
  await lockMappings(work, 'alone'); // as in resumeIntegration
  if (before?.needsReauthorizationAt != null)
    await postponeGivingUp(work, {
      integrationId,
      byMs: now.getTime() - before.needsReauthorizationAt.getTime(),
    });
  await trx
    .updateTable('integrations')
    .set((eb) => ({
      credentials: encryptedCredentials,
      credentialsUpdatedAt: now,
      needsReauthorizationAt: null,
      blockedDetail: null,
      version: eb('version', '+', 1),
      updatedAt: now,
    }))
    .where('tenantId', '=', tenantId)
    .where('integrationId', '=', integrationId)
    .execute();
  await resolveNotification(work, { integrationId, kind: 'integration_needs_reauthorization', now });
  const after = await announced(work, integrationId);
  if (after.pausedAt === null) await enqueuePush(work, { integrationId, nextDueAt: now });
  if (before?.needsReauthorizationAt != null) await catchUp(work, after);
  return after;
}

/** What could not be read for want of credentials is read now. */
async function catchUp(work: TenantWork, { integrationId, onboardedAt }: Integration): Promise<void> {
  await requestSyncRun(work, {
    integrationId,
    kind: onboardedAt === null ? 'onboarding' : 'incremental',
    startedBy: 'credentials',
  });
}

/** Its pairs and links go, its push log stays; its overview is no longer valid. What the third party holds is left as it is. */
export async function deleteIntegration(
  work: TenantWork,
  { integrationId, by = 'syncline' }: { integrationId: string; by?: string },
): Promise<void> {
  const { trx, tenantId, now } = work;
  await lockIntegration(work, { integrationId });
  await lockMappings(work, 'alone');
  await trx
    .updateTable('integrations')
    .set({ deletedAt: now, credentials: null, backfillReason: null, updatedAt: now })
    .where('tenantId', '=', tenantId)
    .where('integrationId', '=', integrationId)
    .execute();
  await sql`
    update pushes set result = 'closed', finished_at = ${now} from record_syncs record_sync
    where record_sync.tenant_id = ${tenantId} and record_sync.integration_id = ${integrationId} and pushes.tenant_id = record_sync.tenant_id and pushes.push_id = record_sync.push_id`.execute(
    trx,
  );
  await trx
    .deleteFrom('recordSyncs')
    .where('tenantId', '=', tenantId)
    .where('integrationId', '=', integrationId)
    .execute();
  await trx
    .deleteFrom('recordLinks')
    .where('tenantId', '=', tenantId)
    .where('integrationId', '=', integrationId)
    .execute();
  for (const run of await findUnfinishedRuns(work, { integrationId }))
    await cancelSyncRun(work, { ...run, by });
  await supersedeReviews(work, { integrationId });
  await invalidateOverviewsOf(work, { integrationId, reason: 'integration_deleted', by });
  await enqueueSyncRuns(work, { integrationId });
  await enqueueSchedules(work, { integrationId });
  await sql`update notifications set resolved_at = ${now} where tenant_id = ${tenantId} and integration_id = ${integrationId} and resolved_at is null`.execute(
    trx,
  );
  await appendStreamEvent(work, { topic: 'integrations', body: { integration_id: integrationId } });
  // It was perhaps the last that the others waited for (rules.md 41).
  await emitEvents(work, await companyEvents(work));
}

async function announced(work: TenantWork, integrationId: string): Promise<Integration> {
  const integration = await findIntegration(work, { integrationId });
  if (integration === undefined) throw new Error(`No integration ${integrationId}.`);
  await appendStreamEvent(work, { topic: 'integrations', body: { integration_id: integrationId } });
  return integration;
}
