/**
 * The claim: takes what is due of one integration, decides per pair what that means, and leases it.
 *
 * Guarantees (semantics.md 4 to 6):
 * - nothing is claimed before its quiet time: the row's deadline is checked again under its lock;
 * - one push per pair at a time: a leased pair is not due, and locked ones are skipped;
 * - a push keeps its id over its retries as long as it sends the same; what changed meanwhile is a new push;
 * - the record is read after its pair was locked, so the newest relevant version is what goes out;
 * - nothing is claimed by an integration that has changed since the caller read it: paused, mapped anew, in trouble.
 *
 * Time is the workflow's (`firedAt`), never the database's.
 */
import { sql } from 'kysely';
import type { JsonObject } from '../domain/json';
import type { MappingError } from '../domain/mapping';
import { pushTarget, type PushTarget } from '../domain/push-target';
import { GIVE_UP_AFTER_MS } from '../domain/retry';
import type { StartedBecause } from '../domain/window';
import type { TenantWork } from './database';
import { newUuid } from './ids';
import { findIntegration, type Integration } from './integrations';
import { lockMappings } from './mapping-lock';
import { hashOfTarget } from './payload-hash';
import { rowsFrom, unseen } from './rows';

export interface ClaimedPush {
  pushId: string;
  claimId: string;
  recordId: string;
  recordType: string;
  externalId: string;
  operation: 'upsert' | 'deactivate' | 'delete';
  payload: JsonObject;
  remoteId: string | null;
  remoteVersion: string | null;
  isDeactivated: boolean;
  /** A creation under another push's id whose answer was lost. */
  unresolvedCreation: { pushId: string; payload: JsonObject } | null;
  refusals: number;
}

export interface Claim {
  pushes: ClaimedPush[];
  /** Rows taken, those included that came to an end without a call. 0 = nothing more is due (or others hold it locked). */
  taken: number;
  /** The integration is not what the caller took it for, and nothing was claimed: read it again. */
  isOutdated: boolean;
}

export interface ClaimOptions {
  integration: Pick<Integration, 'integrationId' | 'recordTypes' | 'mappingVersion' | 'version'>;
  firedAt: Date;
  /** Instant of the claim itself, for the log. */
  now: Date;
  leaseUntil: Date;
  limit: number;
  /** While the third party is blocked only windows are started: they turn into pushes that wait, without a call. */
  onlyWindows: boolean;
}

interface LockedPair {
  recordId: string;
  windowOpenedAt: Date | null;
  dueAt: Date | null;
  windowReason: StartedBecause | null;
  windowFields: string[];
  windowChangedBy: string[];
  heldAt: Date | null;
  pushId: string | null;
  pushHash: string | null;
  pushRefusals: number;
  giveUpAt: Date | null;
  settledStatus: string | null;
  concludedHash: string | null;
  leaseUntil: Date | null;
  unresolvedPushId: string | null;
  discardedAt: Date | null;
}

interface RecordForPush {
  recordId: string;
  recordType: string;
  externalId: string;
  version: number;
  fields: JsonObject;
  deletedAt: Date | null;
  remoteId: string | null;
  remoteVersion: string | null;
  agreed: JsonObject | null;
  isDeactivated: boolean | null;
}

/** What becomes of one claimed pair. */
type Verdict =
  | { kind: 'wait' }
  | { kind: 'push'; pushId: string; isNew: boolean }
  | { kind: 'end'; result: 'no_net_change' | 'left' | 'closed' | 'discarded' }
  | { kind: 'invalid'; errors: MappingError[] };

interface Judged {
  pair: LockedPair;
  record: RecordForPush;
  target: PushTarget;
  hash: string;
  verdict: Verdict;
}

export async function claimDuePushes(work: TenantWork, options: ClaimOptions): Promise<Claim> {
  if (await isOutdated(work, options)) return { pushes: [], taken: 0, isOutdated: true };
  const pairs = await lockDuePairs(work, options);
  if (pairs.length === 0) return { pushes: [], taken: 0, isOutdated: false };
  const records = await readRecords(work, options.integration.integrationId, pairs);
  const judged = pairs.flatMap((pair) => {
    const record = records.get(pair.recordId);
    return record === undefined ? [] : [judge(pair, record, options)];
  });
  const claimId = newUuid();
  const unresolved = await readUnresolvedCreations(work, judged);
  await writePushes(work, judged, options);
  await writePairs(work, judged, options, claimId);
  return { pushes: judged.flatMap((one) => toClaimedPush(one, claimId, unresolved)), taken: pairs.length, isOutdated: false };
}

/** A new mapping waits for claims by the old one, so that its backfill sees what they took; a claim after it goes by the new one. */
async function isOutdated(work: TenantWork, { integration, onlyWindows }: ClaimOptions): Promise<boolean> {
  await lockMappings(work, 'shared');
  const current = await findIntegration(work, integration);
  if (current === undefined || current.version !== integration.version) return true;
  return current.pausedAt !== null || current.needsReauthorizationAt !== null || (!onlyWindows && current.blockedUntil !== null);
}

async function lockDuePairs({ trx, tenantId }: TenantWork, { integration, firedAt, limit, onlyWindows }: ClaimOptions): Promise<LockedPair[]> {
  // An expired lease is taken too: its push is known to wait from then on.
  const windowsOnly = sql`and (window_opened_at is not null or lease_until is not null)`;
  const { rows } = await sql<LockedPair>`
    select record_id, window_opened_at, due_at, window_reason, window_fields, window_changed_by, held_at,
           push_id, push_hash, push_refusals, give_up_at, settled_status, concluded_hash, lease_until, unresolved_push_id, discarded_at
    from record_syncs
    where tenant_id = ${unseen(tenantId)} and integration_id = ${unseen(integration.integrationId)} and wake_at <= ${firedAt} ${onlyWindows ? windowsOnly : sql``}
    order by is_backfill, wake_at limit ${limit} for update skip locked`.execute(trx);
  return rows;
}

/** The creation that may have happened without our hearing of it: an earlier one, or that of a worker that died over it. */
function unresolvedPushId({ pair, record }: Pick<Judged, 'pair' | 'record'>): string | null {
  if (record.remoteId !== null) return null;
  return pair.unresolvedPushId ?? (pair.leaseUntil === null ? null : pair.pushId);
}

/** What those creations sent, by push. */
async function readUnresolvedCreations({ trx, tenantId }: TenantWork, judged: Judged[]): Promise<Map<string, JsonObject>> {
  const pushIds = judged.flatMap((one) => unresolvedPushId(one) ?? []);
  if (pushIds.length === 0) return new Map();
  const { rows } = await sql<{ pushId: string; payload: JsonObject | null }>`
    select push_id, payload from pushes where tenant_id = ${unseen(tenantId)} and push_id = any(${pushIds}::uuid[])`.execute(trx);
  return new Map(rows.flatMap(({ pushId, payload }) => (payload === null ? [] : [[pushId, payload]])));
}

/** A statement of its own, after the lock: its snapshot holds at least what moved those pairs. Record by record through its key (`db/rows.ts`). */
async function readRecords({ trx, tenantId }: TenantWork, integrationId: string, pairs: LockedPair[]): Promise<Map<string, RecordForPush>> {
  const { rows } = await sql<RecordForPush>`
    select record.record_id, record.record_type, record.external_id, record.version, record.fields, record.deleted_at,
           link.remote_id, link.remote_version, link.agreed, link.is_deactivated
    from unnest(${pairs.map((pair) => pair.recordId)}::uuid[]) as wanted(record_id)
    cross join lateral (select * from records where tenant_id = ${unseen(tenantId)} and record_id = wanted.record_id limit 1) record
    left join lateral (select * from record_links where tenant_id = ${unseen(tenantId)} and integration_id = ${unseen(integrationId)} and record_id = wanted.record_id limit 1) link on true`.execute(
    trx,
  );
  return new Map(rows.map((row) => [row.recordId, row]));
}

function judge(pair: LockedPair, record: RecordForPush, { integration, firedAt }: ClaimOptions): Judged {
  const mapping = integration.recordTypes[record.recordType];
  const target = pushTarget(mapping, { fields: record.fields, isDeleted: record.deletedAt !== null });
  const hash = hashOfTarget(target);
  return { pair, record, target, hash, verdict: verdictOn(pair, record, target, hash, firedAt) };
}

function verdictOn(pair: LockedPair, record: RecordForPush, target: PushTarget, hash: string, firedAt: Date): Verdict {
  const isWindowOpen = pair.dueAt !== null;
  // The worker that pushed it died, and the record changed meanwhile: the change's own quiet time comes first.
  if (isWindowOpen && (pair.heldAt !== null || (pair.dueAt as Date) > firedAt)) return { kind: 'wait' };

  // Its changes were discarded while an earlier push was under way: that one may not be repeated with them inside.
  if (!isWindowOpen && pair.discardedAt !== null && pair.pushHash !== hash) return { kind: 'end', result: 'discarded' };

  const isCertain = pair.pushId === null && pair.concludedHash !== null;
  if (isCertain && hash === pair.concludedHash && pair.windowReason !== 'retry') return { kind: 'end', result: 'no_net_change' };
  if (target.operation === 'leave') return { kind: 'end', result: 'left' };
  if (target.operation === 'invalid') return { kind: 'invalid', errors: target.errors };
  const wasNeverSent = pair.pushId === null && pair.settledStatus === null && pair.unresolvedPushId === null && record.remoteId === null;
  if (target.operation !== 'upsert' && wasNeverSent) return { kind: 'end', result: 'closed' };
  if (pair.pushId !== null && pair.pushHash === hash) return { kind: 'push', pushId: pair.pushId, isNew: false };
  return { kind: 'push', pushId: newUuid(), isNew: true };
}

function toClaimedPush({ pair, record, target, verdict }: Judged, claimId: string, unresolved: ReadonlyMap<string, JsonObject>): ClaimedPush[] {
  if (verdict.kind !== 'push' || (target.operation !== 'upsert' && target.operation !== 'deactivate' && target.operation !== 'delete')) return [];
  const creationId = unresolvedPushId({ pair, record });
  const creation = creationId === null || creationId === verdict.pushId ? undefined : unresolved.get(creationId);
  return [
    {
      pushId: verdict.pushId,
      claimId,
      recordId: record.recordId,
      recordType: record.recordType,
      externalId: record.externalId,
      operation: target.operation,
      payload: target.operation === 'upsert' ? target.payload : (record.agreed ?? {}),
      remoteId: record.remoteId,
      remoteVersion: record.remoteVersion,
      isDeactivated: record.isDeactivated ?? false,
      unresolvedCreation: creationId === null || creation === undefined ? null : { pushId: creationId, payload: creation },
      refusals: verdict.isNew ? 0 : pair.pushRefusals,
    },
  ];
}

const PUSH_COLUMNS = `push_id uuid, record_id uuid, record_version bigint, operation text, started_because text, changed_fields text[], changed_by text[],
  payload jsonb, result text, errors jsonb, attempts int, finished_at timestamptz`;

/** The log: a row per push, made at the claim; what it replaces is closed as superseded. */
async function writePushes({ trx, tenantId }: TenantWork, judged: Judged[], { integration, now }: ClaimOptions): Promise<void> {
  const superseded = judged.flatMap(({ pair, verdict }) => {
    const isReplaced = pair.pushId !== null && (verdict.kind === 'end' || verdict.kind === 'invalid' || (verdict.kind === 'push' && verdict.isNew));
    return isReplaced ? [pair.pushId as string] : [];
  });
  if (superseded.length > 0) {
    await sql`update pushes set result = 'superseded', finished_at = ${now} where tenant_id = ${unseen(tenantId)} and push_id = any(${superseded}::uuid[])`.execute(
      trx,
    );
  }
  const rows = judged.flatMap((one) => pushRow(one, now));
  if (rows.length > 0) {
    await sql`
      insert into pushes (tenant_id, push_id, integration_id, record_id, record_version, mapping_version, operation, started_because, changed_fields, changed_by,
        payload, result, errors, attempts, started_at, finished_at)
      select ${tenantId}::uuid, push_id, ${integration.integrationId}::uuid, record_id, record_version, ${integration.mappingVersion}::int, operation, started_because,
        changed_fields, changed_by, payload, result, errors, attempts, ${now}::timestamptz, finished_at
      from ${rowsFrom(rows, PUSH_COLUMNS)}`.execute(trx);
  }
}

function pushRow({ pair, record, target, verdict }: Judged, now: Date): object[] {
  if (verdict.kind === 'wait' || (verdict.kind === 'push' && !verdict.isNew)) return [];
  const isEnded = verdict.kind !== 'push';
  return [
    {
      push_id: verdict.kind === 'push' ? verdict.pushId : newUuid(),
      record_id: record.recordId,
      record_version: record.version,
      operation: target.operation === 'invalid' ? 'upsert' : target.operation,
      started_because: pair.windowReason ?? 'quiet',
      changed_fields: pair.windowFields,
      changed_by: pair.windowChangedBy,
      payload: target.operation === 'upsert' ? target.payload : null,
      result: verdict.kind === 'end' ? verdict.result : isEnded ? 'failed' : null,
      errors: verdict.kind === 'invalid' ? verdict.errors.map(toSyncError) : null,
      attempts: 0,
      finished_at: isEnded ? now : null,
    },
  ];
}

function toSyncError(error: MappingError) {
  return {
    category: 'config',
    origin: 'us',
    code: 'mapping_failed',
    field: error.field,
    remote_field: error.to,
    message: error.message,
    explanation: `The mapping of ${error.field} cannot express this value. Correct the value or the mapping; the record is pushed again by itself.`,
  };
}

async function writePairs(work: TenantWork, judged: Judged[], options: ClaimOptions, claimId: string): Promise<void> {
  await leasePairs(
    work,
    judged.filter(({ verdict }) => verdict.kind === 'push'),
    options,
    claimId,
  );
  await endPairs(
    work,
    judged.filter(({ verdict }) => verdict.kind === 'end' || verdict.kind === 'invalid'),
    options,
  );
  await letPairsWait(
    work,
    judged.filter(({ verdict }) => verdict.kind === 'wait'),
    options,
  );
}

const NO_WINDOW = sql`window_opened_at = null, due_at = null, window_reason = null, window_fields = '{}', window_changed_by = '{}'`;

async function leasePairs({ trx, tenantId }: TenantWork, judged: Judged[], { integration, firedAt, leaseUntil }: ClaimOptions, claimId: string): Promise<void> {
  const rows = judged.flatMap((one) => {
    const { pair, record, hash, verdict } = one;
    if (verdict.kind !== 'push') return [];
    const kept = verdict.isNew
      ? { push_refusals: 0, give_up_at: new Date(firedAt.getTime() + GIVE_UP_AFTER_MS) }
      : { push_refusals: pair.pushRefusals, give_up_at: pair.giveUpAt };
    return [
      {
        record_id: record.recordId,
        push_id: verdict.pushId,
        push_version: record.version,
        push_hash: hash,
        unresolved_push_id: unresolvedPushId(one),
        ...kept,
      },
    ];
  });
  if (rows.length === 0) return;
  await sql`
    insert into record_syncs as pair (tenant_id, integration_id, record_id, relevant_version, push_id, push_version, push_hash, push_refusals, give_up_at, claim_id, lease_until, unresolved_push_id)
    select ${tenantId}::uuid, ${integration.integrationId}::uuid, record_id, push_version, push_id, push_version, push_hash, push_refusals, give_up_at, ${claimId}::uuid, ${leaseUntil}::timestamptz, unresolved_push_id
    from ${rowsFrom(rows, 'record_id uuid, push_id uuid, push_version bigint, push_hash text, push_refusals int, give_up_at timestamptz, unresolved_push_id uuid')}
    on conflict (tenant_id, integration_id, record_id) do update set
      push_id = excluded.push_id, push_version = excluded.push_version, push_hash = excluded.push_hash, push_refusals = excluded.push_refusals, give_up_at = excluded.give_up_at,
      claim_id = excluded.claim_id, lease_until = excluded.lease_until, last_push_id = excluded.push_id, unresolved_push_id = excluded.unresolved_push_id, next_attempt_at = null, ${NO_WINDOW}`.execute(
    trx,
  );
}

/** Leaving a record as it is concludes well; a mapping that cannot express it concludes badly; an undone edit changes nothing. */
async function endPairs({ trx, tenantId }: TenantWork, judged: Judged[], { integration }: ClaimOptions): Promise<void> {
  const rows = judged.map(({ pair, record, hash, verdict }) => ({
    record_id: record.recordId,
    unresolved_push_id: unresolvedPushId({ pair, record }),
    version: record.version,
    concluded_hash: verdict.kind === 'end' && verdict.result === 'discarded' ? null : hash,
    settled_status: verdict.kind === 'invalid' ? 'sync_failed' : verdict.kind === 'end' && verdict.result === 'left' ? 'synced' : pair.settledStatus,
    errors: verdict.kind === 'invalid' ? verdict.errors.map(toSyncError) : null,
  }));
  if (rows.length === 0) return;
  await sql`
    insert into record_syncs as pair (tenant_id, integration_id, record_id, relevant_version, concluded_version, concluded_hash, settled_status, errors, unresolved_push_id)
    select ${tenantId}::uuid, ${integration.integrationId}::uuid, record_id, version, version, concluded_hash, settled_status, errors, unresolved_push_id
    from ${rowsFrom(rows, 'record_id uuid, version bigint, concluded_hash text, settled_status text, errors jsonb, unresolved_push_id uuid')}
    on conflict (tenant_id, integration_id, record_id) do update set
      concluded_version = excluded.concluded_version, concluded_hash = excluded.concluded_hash, settled_status = excluded.settled_status, errors = coalesce(excluded.errors, pair.errors),
      unresolved_push_id = excluded.unresolved_push_id, push_id = null, push_version = null, push_hash = null, push_refusals = 0, is_push_failing = false, give_up_at = null,
      claim_id = null, lease_until = null, next_attempt_at = null, is_backfill = false, ${NO_WINDOW}`.execute(trx);
}

async function letPairsWait({ trx, tenantId }: TenantWork, judged: Judged[], { integration, firedAt }: ClaimOptions): Promise<void> {
  if (judged.length === 0) return;
  const lostCreations = judged.filter((one) => unresolvedPushId(one) !== null).map(({ record }) => record.recordId);
  await sql`
    update record_syncs pair set push_refusals = 0, is_push_failing = is_push_failing and push_id is not null, give_up_at = case when push_id is not null then give_up_at end,
      claim_id = null, lease_until = null, next_attempt_at = ${firedAt}::timestamptz, last_push_id = coalesce(push_id, last_push_id), is_backfill = false,
      unresolved_push_id = case when record_id = any(${lostCreations}::uuid[]) then coalesce(unresolved_push_id, push_id) else unresolved_push_id end
    where tenant_id = ${tenantId} and integration_id = ${integration.integrationId} and record_id = any(${judged.map(({ record }) => record.recordId)}::uuid[])`.execute(
    trx,
  );
}
