/** Connects a new integration: its row and the initial sync or initial push (rules.md 15, 17, 33). */
import type { JsonObject } from '../../domain/json';
import { pulledRecordTypes } from '../../domain/records/mapping-directions';
import type { RecordTypeMappings } from '../../domain/records/mapping';
import type { StoredTypeSettings } from '../../domain/records/record-type-settings';
import { spreadNightlyTime } from '../../domain/sync-runs/schedule-ticks';
import type { TenantWork } from '../database';
import type { Integration } from '../integrations/integrations';
import { nameApp } from '../integrations/oauth/apps';
import { enqueuePush } from '../platform/outbox';
import { type DefinitionColumns, definitionColumns } from '../third-parties/definition-columns';
import type { LastCheck } from '../tables/integrations';
import { lockMappings } from '../records/mapping-lock';
import { policyToPin } from './company-sync';
import { announceIntegration } from './integration-lifecycle';
import { addSyncDatasets } from './sync-datasets';
import { requestSyncRun } from './sync-run-requests';
import { updateSchedules } from './sync-schedules';

export interface NewIntegration {
  integrationId: string;
  connector: string;
  /** The version of a third-party definition that the settings follow. */
  definition?: DefinitionColumns | undefined;
  app: string;
  accountName: string;
  config: JsonObject;
  recordTypes: RecordTypeMappings;
  typeSettings?: StoredTypeSettings | undefined;
  /** Already encrypted; null = none given yet (a connector that needs none). */
  encryptedCredentials: string | null;
  gracePeriodMs: number;
  maxWaitMs: number | null;
  /** `all`: existing eligible records are pushed, after users' edits; `none`: only changes from now on. */
  initialPush: 'all' | 'none';
  isPaused: boolean;
  /** The result of trying the settings. */
  check?: LastCheck | undefined;
  /** Schedules: hourly on or off; nightly at this local time (`HH:MM`), null = never. Both have defaults. */
  isHourlySyncOn?: boolean | undefined;
  nightlySyncAt?: string | null | undefined;
  /** The user or API key that links the integration. */
  linkedBy?: string | undefined;
  /** When the deprecated policy of COMPANY_SYNCHRONIZED ends (rules.md 42). */
  companySynchronizedSwitchAt?: Date | undefined;
}

/** @throws OAuthAppDeleted */
export async function createIntegration(work: TenantWork, input: NewIntegration): Promise<Integration> {
  const { trx, tenantId, now } = work;
  const pulled = pulledRecordTypes(input);
  // Record types in both directions are pushed at the end of onboarding, once remote records are matched
  // (rules.md 17).
  const isBackfilled =
    input.initialPush === 'all' &&
    !Object.values(input.recordTypes).some(({ direction }) => direction === 'both');
  await lockMappings(work, 'alone');
  await nameApp(work, input.config);
  await trx
    .insertInto('integrations')
    .values({
      tenantId,
      integrationId: input.integrationId,
      connector: input.connector,
      ...definitionColumns(input.definition),
      app: input.app,
      accountName: input.accountName,
      config: JSON.stringify(input.config),
      recordTypes: JSON.stringify(input.recordTypes),
      typeSettings: JSON.stringify(input.typeSettings ?? {}),
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
      lastCheck: input.check === undefined ? null : JSON.stringify(input.check),
      backfillReason: isBackfilled ? 'initial' : null,
      backfillCursor: null,
      onboardingStartedAt: pulled.length === 0 ? null : now,
      onboardedAt: null,
      onboardingFailedAt: null,
      firstSyncCompletedAt: null,
      companySynchronizedPolicy: await policyToPin(work, input.companySynchronizedSwitchAt),
      ...(input.isHourlySyncOn === undefined ? {} : { isHourlySyncOn: input.isHourlySyncOn }),
      nightlySyncAt:
        input.nightlySyncAt === undefined ? spreadNightlyTime(input.integrationId) : input.nightlySyncAt,
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
  }
  await updateSchedules(work, { integrationId });
  return announceIntegration(work, input.integrationId);
}
