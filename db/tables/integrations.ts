import type { ColumnType, Generated, GeneratedAlways } from 'kysely';
import type { JsonObject } from '../../domain/json';
import type { SampledValue } from '../../domain/pull/sampled-values';
import type { RecordTypeMappings } from '../../domain/records/mapping';
import type { MetadataChangeKind } from '../../domain/records/metadata-change';
import type { RecordTypeField } from '../../domain/records/record-type';
import type { TryPlan, TryResult } from '../../domain/third-parties/tries';
import type { StoredTypeSettings } from '../../domain/records/record-type-settings';
import type { Json } from './json-column';
import type { CompanySynchronizedPolicy } from './tenants';

export type CheckFailure = 'unavailable' | 'rate_limited' | 'unauthorized' | 'record_rejected' | 'internal';

/** The result of the last requested check of the connection. */
export interface LastCheck {
  /** RFC 3339. */
  at: string;
  ok: boolean;
  kind: CheckFailure | null;
  /** For people; the third party's words if it sent any. */
  message: string;
  /** Of single settings. Absent in checks of earlier versions. */
  problems?: { pointer: string; code: string; message: string; severity: 'refuse' | 'warn' }[];
}

export interface IntegrationsTable {
  tenantId: string;
  integrationId: string;
  connector: string;
  app: string;
  accountName: string;
  config: Json<JsonObject>;
  /** `auth.app_id` of the configuration, at most 100 characters: an OAuth app, `oap_…`. */
  configAppId: GeneratedAlways<string | null>;
  recordTypes: Json<RecordTypeMappings>;
  typeSettings: Json<StoredTypeSettings>;
  mappingVersion: Generated<number>;
  /** The version of a third-party definition that the settings follow; null = they follow none. */
  definitionKey: string | null;
  definitionVersion: number | null;
  definitionSignIn: string | null;
  definitionParameters: Json<Record<string, string>> | null;
  /** The `version` in which a person last chose definition, sign-in or parameters; null = none did. */
  definitionChosenIn: Generated<number | null>;
  /** Encrypted text of db/platform/encryption.ts. Only a connector gets the decrypted value. */
  credentials: string | null;
  credentialsUpdatedAt: Date | null;
  gracePeriodMs: number;
  maxWaitMs: number | null;
  initialPush: 'all' | 'none';
  pausedAt: Date | null;
  needsReauthorizationAt: Date | null;
  blockedUntil: Date | null;
  blockedReason: 'outage' | 'rate_limit' | null;
  blockedDetail: string | null;
  outageSince: Date | null;
  failedProbes: Generated<number>;
  /** How long the clock of `record_syncs.give_up_at` has not run: paused, or without accepted credentials. */
  retryClockStoppedMs: Generated<number>;
  /** Pushes fail although the check succeeds: one push is the probe, and reads go on. */
  isWriteOutage: Generated<boolean>;
  /** Different records that were answered Unavailable since the last push that succeeded. */
  unavailableRecords: Generated<string[]>;
  /** When to try again what was given up because of an outage; null = nothing was. */
  givenUpProbeAt: Date | null;
  /** Retries of the records after this one become due, because a person has acted; null = of none. */
  liftRetriesAfter: string | null;
  lastCheck: Json<LastCheck | null> | null;
  backfillReason: 'initial' | 'mapping_changed' | null;
  backfillCursor: string | null;
  /** Who edited the mappings last; null = not edited since linking. */
  mappingChangedBy: string | null;
  onboardingStartedAt: Date | null;
  onboardedAt: Date | null;
  onboardingFailedAt: Date | null;
  firstSyncCompletedAt: Date | null;
  companySynchronizedPolicy: CompanySynchronizedPolicy | null;
  /** RFC 3339 by record type: since then its records may be older than in the app. */
  unverifiedTypes: ColumnType<Record<string, string>, never, string>;
  isHourlySyncOn: Generated<boolean>;
  /** `HH:MM` in the tenant's time zone; null = no nightly run. */
  nightlySyncAt: Generated<string | null>;
  version: Generated<number>;
  createdAt: Generated<Date>;
  updatedAt: Generated<Date>;
  deletedAt: Date | null;
}

/** Settings that are tried at the third party before they are stored. */
export interface IntegrationTrialsTable {
  tenantId: string;
  trialId: string;
  integrationId: string;
  connector: string;
  config: Json<JsonObject>;
  recordTypes: Json<RecordTypeMappings>;
  /** Encrypted for the integration; null = those of the integration, if it has any. */
  credentials: string | null;
  /** Single calls to try instead; null = the settings are checked. */
  tries: Json<TryPlan | null> | null;
  result: Json<TrialResult | null> | null;
  /** What a worker has read with these mappings. Absent = none was asked for, or none has finished. */
  samples: ColumnType<MappingSamples | null, never, string>;
  createdAt: Date;
}

/** By record type: a few records of the app. */
export type MappingSamples = Record<
  string,
  {
    records: { remoteId: string; values: SampledValue[] }[];
    /** Why they could not be read; null = they were. */
    problem: string | null;
  }
>;

/** `tried`: absent if a worker of an earlier version, which checks the settings instead, has taken it. */
export type TrialResult = LastCheck & { tried?: TryResult[] | undefined };

export interface RemoteRecordTypesTable {
  tenantId: string;
  integrationId: string;
  recordType: string;
  label: string;
  fields: Json<RecordTypeField[]>;
  readAt: Date;
  removedAt: Date | null;
}

export interface MetadataChangesTable {
  tenantId: string;
  metadataChangeId: string;
  integrationId: string;
  syncRunId: string;
  recordType: string;
  kind: MetadataChangeKind;
  field: string | null;
  detail: Json<JsonObject>;
  at: Date;
}

export interface RateLimitsTable {
  tenantId: string;
  integrationId: string;
  ratePerSecond: number | null;
  ceilingPerSecond: number | null;
  tokens: Generated<number>;
  refilledAt: Date;
  slowedAt: Date | null;
  requestsCounted: Generated<number>;
  countingSince: Date;
  quotaLimit: number | null;
  quotaRemaining: number | null;
  quotaReportedAt: Date | null;
  quotaResetsAt: Date | null;
  pausedUntil: Date | null;
}
