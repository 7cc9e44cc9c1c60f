import type { Generated, GeneratedAlways } from 'kysely';
import type { BackgroundTaskKind } from '../../domain/platform/background-task';
import type { WorkKind } from '../../domain/running-work';
import type { JsonObject } from '../../domain/json';
import type { Json } from './json-column';

export interface TenantKeysTable {
  tenantId: string;
  tenantKeyId: string;
  wrappedKey: string;
  createdAt: Generated<Date>;
}

export interface IdempotencyKeysTable {
  tenantId: string;
  idempotencyKey: string;
  fingerprint: Buffer;
  status: number;
  response: Json<unknown>;
  createdAt: Generated<Date>;
}

/** OutboxMessage (db/platform/outbox.ts) says what each topic asks for and which id it carries. */
export type OutboxTopic =
  | 'record_push'
  | 'sync_run'
  | 'sync_schedule'
  | 'email'
  | 'webhook_endpoint'
  | 'overview'
  | 'erasure'
  | 'notification'
  | 'notification_viewed'
  | 'background_task'
  | 'tenant_deletion'
  | 'definition_rollout'
  | 'incoming_changes';

export interface OutboxTable {
  outboxId: GeneratedAlways<number>;
  tenantId: string;
  topic: OutboxTopic;
  subjectId: string;
  nextDueAt: Date;
  /** Until then another dispatcher, or a back-off after a refusal, keeps the row. */
  leasedUntil: Date | null;
  attempts: Generated<number>;
  lastError: string | null;
  createdAt: Generated<Date>;
}

export interface BackgroundTasksTable {
  tenantId: string;
  backgroundTaskId: string;
  integrationId: string;
  kind: BackgroundTaskKind;
  subjectId: string | null;
  requestedBy: string;
  step: Generated<string>;
  cursor: string | null;
  doneRows: Generated<number>;
  createdAt: Date;
  updatedAt: Date;
  finishedAt: Date | null;
}

export interface AuditLogTable {
  tenantId: string;
  auditId: string;
  actor: string;
  action: string;
  target: string | null;
  detail: Json<JsonObject>;
  ip: string | null;
  requestId: string;
  at: Generated<Date>;
}

export interface StreamEventsTable {
  tenantId: string;
  streamEventId: GeneratedAlways<number>;
  transactionId: Generated<string>;
  position: Generated<number | null>;
  topic: string;
  body: Json<JsonObject>;
  createdAt: Generated<Date>;
}

/** One row (db/platform/installation.ts). */
export interface InstallationsTable {
  installationId: string;
  markedAt: Date;
  server: string | null;
}

/** What is wrong with the installation (db/notifications/operator-findings.ts). */
export interface OperatorFindingsTable {
  finding: string;
  detail: string;
  appearedAt: Date;
  seenAt: Date;
  endedAt: Date | null;
  told: 'appeared' | 'over' | null;
  toldAt: Date | null;
}

/** Background work of one process (db/platform/leases.ts). */
export interface LeasesTable {
  name: string;
  holderId: string;
  seenAt: Date;
}

/** What a worker executes and may take it down with (db/platform/running-work.ts). */
export interface RunningWorkTable {
  tenantId: string;
  workId: string;
  kind: WorkKind;
  /** An integration, a sync run, an overview or an endpoint. */
  subjectId: string;
  /** The job of a sync run; '' for other work. */
  job: string;
  integrationId: string | null;
  workerId: string | null;
  seenAt: Date;
  /** It was under way when a worker died. */
  isSuspect: Generated<boolean>;
  /** Deaths of workers for which it was the only candidate. */
  deaths: Generated<number>;
  parkedAt: Date | null;
}
