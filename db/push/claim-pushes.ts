/**
 * Claims the due record syncs of one integration, decides what each of them needs, and leases it.
 *
 * Guarantees (rules.md 4 to 6):
 * - nothing is claimed before its deadline, which is checked again under the row's lock;
 * - one push per record sync at a time: a leased row is not due, and locked rows are skipped;
 * - a push keeps its id over retries as long as it sends the same payload; a changed payload is a new push;
 * - the record is read after its record sync was locked, so the newest relevant version is pushed;
 * - nothing is claimed if the integration was changed since the caller read it (paused, new mapping,
 *   blocked).
 *
 * Time is the workflow's (`firedAt`), never the database's.
 */
import { sql } from 'kysely';
import type { JsonObject } from '../../domain/json';
import { decidePush } from '../../domain/push/push-decision';
import { pushTarget, type PushTarget } from '../../domain/records/mapping';
import { knownFrom, withEmptiedFields } from '../../domain/records/notation';
import { type Picklists, unlistedValues } from '../../domain/records/picklists';
import type { TenantWork } from '../database';
import { newUuid } from '../sql/ids';
import { picklistsOf, selectPicklists } from '../integrations/metadata';
import type { Integration } from '../integrations/integrations';
import { countLeaving, parkAboveThreshold } from './brakes/outbound-brakes';
import { leaveToBackfill } from './backfill-windows';
import { lockMappings } from '../records/mapping-lock';
import { PUSH_RECORDED_WITHIN_MS } from '../pull/page';
import { hashOfTarget } from '../records/payload-hash';
import type { Claim, ClaimedPush, ClaimOptions, DecidedPush, LockedRecordSync, RecordForPush } from './claim';
import { announceRecordSyncs, emitFailedPushes } from '../records/record-events';
import { countDue, isAskedAgain, lockDueRecordSyncs } from './lock-due';
import { decideReferences } from './references/claim-references';
import { writeReferences } from './references/write-references';
import { giveUpAtOf, logClaim, toSyncError, writeClaimedRecordSyncs } from './write-claim';
import { idList, opaqueToPlanner, rowsFrom } from '../sql/bulk-rows';
import { runTogether } from '../sql/run-together';

export async function claimDuePushes(work: TenantWork, options: ClaimOptions): Promise<Claim> {
  const current = await findIfCurrent(work, options);
  if (current === undefined) return { pushes: [], taken: 0, waiting: [], isOutdated: true };
  const isBackfilling = current.backfillReason !== null;
  const recordSyncs = await lockDueRecordSyncs(work, options, { isBackfilling, due: current.due ?? [] });
  if (recordSyncs.length === 0) return { pushes: [], taken: 0, waiting: [], isOutdated: false };
  const records = await readRecords(work, options.integration.integrationId, recordSyncs);
  const picklists = picklistsOf(current.lists ?? []);
  const due = recordSyncs.flatMap((recordSync) => {
    const record = records.get(recordSync.recordId);
    if (record === undefined) return [];
    return [decideDue(recordSync, record, picklists.get(record.recordType), options)];
  });
  const waiting = new Set([
    ...(isBackfilling ? await leaveToBackfill(work, options.integration, due) : []),
    ...(await parkAboveThreshold(work, options.integration, due, options)),
  ]);
  const leaving = due.filter(({ record }) => !waiting.has(record.recordId));
  const named = await decideReferences(work, options, leaving);
  const claimId = newUuid();
  const earlier = await readEarlierPayloads(work, named);
  const decided = named.map((one) => withoutLeftovers(one, earlier, options));
  await writeReferences(work, options.integration.integrationId, decided);
  // As late as possible: other claims of the integration wait for the counted rows until the commit.
  await runTogether(work, [
    ...logClaim(work, decided, options),
    ...writeClaimedRecordSyncs(work, decided, options, claimId),
    ...countLeaving(work, options.integration, decided),
    // Followers see Syncing at once.
    ...announceRecordSyncs(
      work,
      options.integration.integrationId,
      decided.map(({ record }) => record),
    ),
  ]);
  await emitInvalid(work, options.integration.integrationId, decided);
  return {
    pushes: decided.flatMap((one) => toClaimedPush(one, { claimId, earlier, options })),
    taken: recordSyncs.length,
    waiting: decided.filter(isUnsettled).map(({ record }) => record.recordId),
    isOutdated: false,
  };
}

const isUnsettled = ({ references }: DecidedPush): boolean =>
  references?.rows.some(({ state }) => state !== 'sent') ?? false;

/** A record that cannot be mapped fails as any other one. */
async function emitInvalid(
  work: TenantWork,
  integrationId: string,
  decided: readonly DecidedPush[],
): Promise<void> {
  const invalid = decided.flatMap(({ record, decision, pushId }) =>
    decision.kind === 'invalid' ? [{ ...record, pushId, errors: decision.errors.map(toSyncError) }] : [],
  );
  await emitFailedPushes(work, integrationId, invalid);
}

interface Current extends Pick<
  Integration,
  'version' | 'pausedAt' | 'needsReauthorizationAt' | 'blockedUntil' | 'backfillReason'
> {
  due: number[] | null;
  lists: Parameters<typeof picklistsOf>[0] | null;
}

/**
 * A new mapping waits for claims under the old one, so that its backfill sees them; later claims use the new
 * mapping. In one statement with what else a claim reads before it locks rows.
 */
async function findIfCurrent(work: TenantWork, options: ClaimOptions): Promise<Current | undefined> {
  const { integration, onlyWindows, isProbe } = options;
  await lockMappings(work, 'shared');
  const due = onlyWindows || isProbe ? sql`null` : countDue(work, options);
  const { rows } = await sql<Current>`
    select version, paused_at, needs_reauthorization_at, blocked_until, backfill_reason, ${due} as due,
      (select json_agg(listed) from (${selectPicklists(work, integration)}) listed) as lists
    from integrations where tenant_id = ${work.tenantId} and integration_id = ${integration.integrationId}
      and deleted_at is null`.execute(work.trx);
  const [current] = rows;
  if (current === undefined || current.version !== integration.version) return undefined;
  const mayPush =
    current.pausedAt === null &&
    current.needsReauthorizationAt === null &&
    (onlyWindows || isProbe || current.blockedUntil === null);
  return mayPush ? current : undefined;
}

/** A creation without an answer or an id, or of a worker that died. Those of linked records are noted. */
function unresolvedPushIdOf(recordSync: LockedRecordSync, { remoteId }: RecordForPush): string | null {
  const hasDied = recordSync.leaseUntil !== null && remoteId === null;
  return recordSync.unresolvedPushId ?? (hasDied ? recordSync.pushId : null);
}

/** A push of a linked record that this one replaces: it may have been applied there, too. */
const replacedPushIdOf = ({ recordSync, record, decision }: DecidedPush): string | null =>
  record.remoteId !== null && decision.kind === 'push' && decision.isNew ? recordSync.pushId : null;

/** The payloads of earlier pushes whose outcome is not known, by push id. */
async function readEarlierPayloads(
  { trx, tenantId }: TenantWork,
  decided: DecidedPush[],
): Promise<Map<string, JsonObject>> {
  const pushIds = decided.flatMap((one) => one.unresolvedPushId ?? replacedPushIdOf(one) ?? []);
  if (pushIds.length === 0) return new Map();
  const { rows } = await sql<{ pushId: string; payload: JsonObject | null }>`
    select push_id, payload from pushes where tenant_id = ${opaqueToPlanner(tenantId)} and
      push_id = any(${idList(pushIds)})`.execute(trx);
  return new Map(rows.flatMap(({ pushId, payload }) => (payload === null ? [] : [[pushId, payload]])));
}

/**
 * A separate statement after the lock, so that its snapshot contains whatever changed those rows. Each record
 * is found by its key (db/sql/bulk-rows.ts).
 */
async function readRecords(
  { trx, tenantId }: TenantWork,
  integrationId: string,
  recordSyncs: LockedRecordSync[],
): Promise<Map<string, RecordForPush>> {
  const wanted = recordSyncs.map(({ recordId }) => ({ record_id: recordId }));
  const { rows } = await sql<RecordForPush>`
    select record.record_id, record.record_type, record.external_id, record.version, record.fields,
      record.occurred_at, record.field_versions, record.deleted_at,
           link.remote_id, link.remote_version, link.agreed, link.notation, link.is_deactivated,
           link.updated_at as linked_at
    from ${rowsFrom(wanted, 'record_id uuid')}
    cross join lateral (select * from records
      where tenant_id = ${opaqueToPlanner(tenantId)} and record_id = row.record_id limit 1) record
    left join lateral (select * from record_links
      where tenant_id = ${opaqueToPlanner(tenantId)} and
        integration_id = ${opaqueToPlanner(integrationId)} and record_id = row.record_id
          limit 1) link on true`.execute(trx);
  return new Map(rows.map((row) => [row.recordId, row]));
}

function decideDue(
  recordSync: LockedRecordSync,
  record: RecordForPush,
  picklists: Picklists | undefined,
  { integration, firedAt, now }: ClaimOptions,
): DecidedPush {
  const mapping = integration.recordTypes[record.recordType];
  const state = { fields: record.fields, isDeleted: record.deletedAt !== null };
  const mapped = eraseTarget(recordSync) ?? pushTarget(mapping, state, knownFrom(record.notation, picklists));
  const hash = hashOfTarget(mapped);
  const target: PushTarget =
    mapped.operation === 'upsert' && mapping !== undefined
      ? { ...mapped, payload: withEmptiedFields(mapped.payload, mapping, record) }
      : mapped;
  const { dueAt } = recordSync;
  const at = dueAt !== null && dueAt > firedAt ? now : firedAt;
  const decision = decidePush(recordSync, { target, hash, isLinked: record.remoteId !== null }, at);
  const isRepeated = decision.kind === 'push' && !decision.isNew;
  const pushId = isRepeated ? (recordSync.pushId as string) : newUuid();
  return {
    recordSync,
    record,
    target,
    unlisted:
      target.operation === 'upsert' && mapping !== undefined
        ? unlistedValues(mapping, target.payload, picklists)
        : [],
    hash,
    decision,
    pushId,
    unresolvedPushId: unresolvedPushIdOf(recordSync, record),
  };
}

/** An erasure decides what happens to its records there, whatever the mapping says (rules.md 62). */
function eraseTarget({ eraseAs }: LockedRecordSync): PushTarget | undefined {
  if (eraseAs === null) return undefined;
  return { operation: eraseAs === 'keep' ? 'leave' : eraseAs };
}

/** An earlier push may have set there what the record lacks now, although its answer was lost. */
function withoutLeftovers(
  one: DecidedPush,
  earlier: ReadonlyMap<string, JsonObject>,
  { integration }: ClaimOptions,
): DecidedPush {
  const { record, target } = one;
  const mapping = integration.recordTypes[record.recordType];
  const agreed = earlier.get(one.unresolvedPushId ?? replacedPushIdOf(one) ?? '');
  if (agreed === undefined || mapping === undefined || target.operation !== 'upsert') return one;
  const { fields } = record;
  const payload = withEmptiedFields(target.payload, mapping, { fields, agreed, notation: null });
  return { ...one, target: { ...target, payload } };
}

function toClaimedPush(
  one: DecidedPush,
  {
    claimId,
    earlier,
    options,
  }: { claimId: string; earlier: ReadonlyMap<string, JsonObject>; options: ClaimOptions },
): ClaimedPush[] {
  const { recordSync, record, target, unlisted, decision, pushId, unresolvedPushId } = one;
  if (
    decision.kind !== 'push' ||
    (target.operation !== 'upsert' && target.operation !== 'deactivate' && target.operation !== 'delete')
  )
    return [];
  const creation =
    unresolvedPushId === null || unresolvedPushId === pushId ? undefined : earlier.get(unresolvedPushId);
  const giveUpAt = new Date(giveUpAtOf(one, options).getTime() + options.integration.retryClockStoppedMs);
  const firstAttemptAt = new Date(giveUpAt.getTime() - options.giveUpAfterMs);
  return [
    {
      pushId,
      claimId,
      recordId: record.recordId,
      recordType: record.recordType,
      externalId: record.externalId,
      operation: target.operation,
      payload: target.operation === 'upsert' ? target.payload : (record.agreed ?? {}),
      fields: record.fields,
      notation: record.notation,
      agreement: agreementOf(one, earlier, options),
      remoteIds: one.references?.remoteIds ?? {},
      leftOut: one.references?.leftOut ?? [],
      unlisted,
      remoteId: record.remoteId,
      remoteVersion: record.remoteVersion,
      isDeactivated: record.isDeactivated ?? false,
      unresolvedCreation:
        unresolvedPushId === null || creation === undefined
          ? null
          : { pushId: unresolvedPushId, payload: creation },
      wasCreated: recordSync.wasCreated,
      mayCreateAgain: isAskedAgain(recordSync),
      refusals: decision.isNew ? 0 : recordSync.pushRefusals,
      dueAt: recordSync.nextDueAt,
      firstDueAt: recordSync.dueAt ?? firstAttemptAt,
      acceptedAt: recordSync.windowOpenedAt ?? firstAttemptAt,
      giveUpAt,
    },
  ];
}

/**
 * null for records that are not pulled or not linked, or about which nothing was agreed on. Right after
 * another push, the third party may still show older values, so null too, unless that push left an unread
 * edit there.
 */
function agreementOf(
  one: DecidedPush,
  earlier: ReadonlyMap<string, JsonObject>,
  { integration, now }: ClaimOptions,
): ClaimedPush['agreement'] {
  const { recordType, agreed, notation, remoteId, linkedAt, isDeactivated } = one.record;
  if (integration.recordTypes[recordType]?.direction !== 'both' || isDeactivated !== false) return null;
  if (remoteId === null || agreed === null || linkedAt === null) return null;
  const isJustPushed = now.getTime() - linkedAt.getTime() < PUSH_RECORDED_WITHIN_MS;
  if (isJustPushed && !Object.values(notation ?? {}).some(({ isUnread }) => isUnread)) return null;
  const replaced = replacedPushIdOf(one);
  const own = one.target.operation === 'upsert' ? one.target.payload : null;
  return { agreed, notation, isJustPushed, pushed: replaced === null ? own : (earlier.get(replaced) ?? own) };
}
