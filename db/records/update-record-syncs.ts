/**
 * What accepted changes mean for the pairs (record, integration): windows opened or moved, edits that were undone,
 * pairs that end before they began. Decides by `domain/records/record-sync-decision.ts`, writes in sets.
 */
import { sql } from 'kysely';
import { jsonEquals } from '../../domain/json';
import type { RecordTypeMapping } from '../../domain/records/mapping';
import {
  decideRecordSync,
  type RecordSyncDecision,
  type RecordSyncState,
} from '../../domain/records/record-sync-decision';
import type { TenantWork } from '../database';
import { newUuid } from '../sql/ids';
import { enqueueAll } from '../platform/outbox';
import { hashOfTarget } from './payload-hash';
import type { ChangeAuthor, RecordDraft } from './record-draft';
import { rowsFrom, opaqueToPlanner } from '../sql/bulk-rows';
import { appendStreamEvent } from '../platform/change-feed';
import type { RecordTypeMappings } from '../../domain/records/mapping';

export interface IntegrationForAcceptance {
  integrationId: string;
  recordTypes: RecordTypeMappings;
  mappingVersion: number;
  gracePeriodMs: number;
  maxWaitMs: number | null;
  pausedAt: Date | null;
  onboardingStartedAt: Date | null;
  onboardedAt: Date | null;
  isWorking: boolean;
}

interface PairRow {
  integrationId: string;
  recordId: string;
  windowOpenedAt: Date | null;
  dueAt: Date | null;
  heldAt: Date | null;
  pushId: string | null;
  resultStatus: string | null;
  unresolvedPushId: string | null;
  resultHash: string | null;
}

/** One pair and what this batch means for it. */
interface RecordSyncChange {
  integration: IntegrationForAcceptance;
  draft: RecordDraft;
  decision: Exclude<RecordSyncDecision, { kind: 'irrelevant' }>;
}

/** Runs in the transaction that wrote the records, whose rows it holds locked. @returns whether any pair is concerned, and somebody told of it. */
export async function writeRecordSyncs(
  work: TenantWork,
  integrations: readonly IntegrationForAcceptance[],
  drafts: RecordDraft[],
  by: ChangeAuthor,
): Promise<boolean> {
  if (drafts.length === 0 || integrations.length === 0) return false;
  const recordSyncs = await lockRecordSyncs(work, drafts);
  const changes = integrations.flatMap((integration) =>
    drafts.flatMap((draft) =>
      recordSyncChange(integration, draft, recordSyncs.get(`${integration.integrationId} ${draft.recordId}`)),
    ),
  );

  await writeWindows(work, changes.flatMap(ofKind('window')), by);
  await closeWithoutNetChange(work, changes.flatMap(ofKind('no_net_change')), recordSyncs, by);
  await clearRecordSyncs(work, changes.flatMap(ofKind('forget')));
  await announce(work, changes);
  return changes.length > 0;
}

const ofKind =
  <K extends RecordSyncChange['decision']['kind']>(kind: K) =>
  (change: RecordSyncChange) =>
    change.decision.kind === kind
      ? [{ ...change, decision: change.decision as Extract<RecordSyncChange['decision'], { kind: K }> }]
      : [];

function recordSyncChange(
  integration: IntegrationForAcceptance,
  draft: RecordDraft,
  recordSync: PairRow | undefined,
): RecordSyncChange[] {
  const mapping: RecordTypeMapping | undefined = integration.recordTypes[draft.recordType];
  const change = { before: draft.before, after: draft.after, changedFields: netChangedFields(draft) };
  const decision = decideRecordSync(
    mapping,
    integration,
    change,
    recordSync === undefined ? null : toRecordSyncState(recordSync),
    hashOfTarget,
    draft.changedAt,
  );
  return decision.kind === 'irrelevant' ? [] : [{ integration, draft, decision }];
}

/** Fields that differ between the record before the batch and after it, in a batch that may change it several times. */
function netChangedFields(draft: RecordDraft): string[] {
  const { before, after } = draft;
  if (before === null) return [...draft.changedFields];
  return [...draft.changedFields].filter((field) => !jsonEquals(before.fields[field], after.fields[field]));
}

function toRecordSyncState(recordSync: PairRow): RecordSyncState {
  return {
    window:
      recordSync.windowOpenedAt === null || recordSync.dueAt === null
        ? null
        : { openedAt: recordSync.windowOpenedAt, dueAt: recordSync.dueAt },
    isHeld: recordSync.heldAt !== null,
    isPushOpen: recordSync.pushId !== null,
    // A creation whose answer was lost may have happened, whatever became of the push since.
    hasResult: recordSync.resultStatus !== null || recordSync.unresolvedPushId !== null,
    resultHash: recordSync.resultHash,
  };
}

/** `except`: what was pulled is a change for every integration but the one it came from (rules.md 17). */
export async function findIntegrationsForAcceptance(
  { trx, tenantId }: TenantWork,
  { except }: { except?: string } = {},
): Promise<IntegrationForAcceptance[]> {
  const rows = await trx
    .selectFrom('integrations')
    .select([
      'integrationId',
      'recordTypes',
      'mappingVersion',
      'gracePeriodMs',
      'maxWaitMs',
      'pausedAt',
      'needsReauthorizationAt',
      'onboardingStartedAt',
      'onboardedAt',
    ])
    .where('tenantId', '=', tenantId)
    .where('deletedAt', 'is', null)
    .orderBy('integrationId')
    .execute();
  return rows
    .filter(({ integrationId }) => integrationId !== except)
    .map((row) => ({ ...row, isWorking: row.pausedAt === null && row.needsReauthorizationAt === null }));
}

async function lockRecordSyncs(
  { trx, tenantId }: TenantWork,
  drafts: RecordDraft[],
): Promise<Map<string, PairRow>> {
  const known = drafts
    .filter((draft) => draft.before !== null)
    .map((draft) => draft.recordId)
    .sort();
  if (known.length === 0) return new Map();
  const { rows } = await sql<PairRow>`
    select record_sync.*
    from unnest(${known}::uuid[]) as wanted(record_id)
    cross join lateral (
      select integration_id, record_id, window_opened_at, due_at, held_at, push_id, result_status, unresolved_push_id, result_hash
      from record_syncs where tenant_id = ${opaqueToPlanner(tenantId)} and record_id = wanted.record_id
      order by integration_id for update) record_sync`.execute(trx);
  return new Map(rows.map((row) => [`${row.integrationId} ${row.recordId}`, row]));
}

type WindowChange = RecordSyncChange & { decision: Extract<RecordSyncDecision, { kind: 'window' }> };

async function writeWindows(work: TenantWork, changes: WindowChange[], by: ChangeAuthor): Promise<void> {
  if (changes.length === 0) return;
  const rows = changes.map(({ integration, draft, decision }) => ({
    integration_id: integration.integrationId,
    record_id: draft.recordId,
    version: draft.after.version,
    opened_at: decision.window.openedAt,
    due_at: decision.window.dueAt,
    reason: decision.window.reason,
    fields: decision.fields,
  }));
  await sql`
    insert into record_syncs (tenant_id, integration_id, record_id, relevant_version, window_opened_at, due_at, window_reason, window_fields, window_changed_by)
    select ${work.tenantId}::uuid, integration_id, record_id, version, opened_at, due_at, reason, fields, array[${by.actor}::text]
    from ${rowsFrom(rows, 'integration_id uuid, record_id uuid, version bigint, opened_at timestamptz, due_at timestamptz, reason text, fields text[]')}
    on conflict (tenant_id, integration_id, record_id) do update set
      relevant_version = excluded.relevant_version,
      window_opened_at = excluded.window_opened_at,
      due_at = excluded.due_at,
      window_reason = excluded.window_reason,
      is_backfill = false,
      window_fields = case when record_syncs.window_opened_at is null then excluded.window_fields
        else array(select distinct unnest(record_syncs.window_fields || excluded.window_fields)) end,
      window_changed_by = case when record_syncs.window_opened_at is null then excluded.window_changed_by
        else array(select distinct unnest(record_syncs.window_changed_by || excluded.window_changed_by)) end`.execute(
    work.trx,
  );

  const nextDueAt = new Map<string, Date>();
  for (const { integration, decision } of changes) {
    const earliest = nextDueAt.get(integration.integrationId);
    const isNews = decision.isDueEarlier && integration.isWorking;
    if (isNews && (earliest === undefined || decision.window.dueAt < earliest))
      nextDueAt.set(integration.integrationId, decision.window.dueAt);
  }
  await enqueueAll(
    work,
    [...nextDueAt].map(([integrationId, at]) => ({ topic: 'record_push', integrationId, nextDueAt: at })),
  );
}

type UndoneChange = RecordSyncChange & { decision: Extract<RecordSyncDecision, { kind: 'no_net_change' }> };

/** The edit was undone (rules.md 5): the window closes, the status returns to what it was, and the push log says why nothing went out. */
async function closeWithoutNetChange(
  work: TenantWork,
  changes: UndoneChange[],
  recordSyncs: Map<string, PairRow>,
  by: ChangeAuthor,
): Promise<void> {
  if (changes.length === 0) return;
  const rows = changes.map(({ integration, draft, decision }) => ({
    integration_id: integration.integrationId,
    record_id: draft.recordId,
    version: draft.after.version,
    push_id: newUuid(),
    mapping_version: integration.mappingVersion,
    fields: decision.fields,
    had_window: recordSyncs.get(`${integration.integrationId} ${draft.recordId}`)?.windowOpenedAt != null,
  }));
  const columns =
    'integration_id uuid, record_id uuid, version bigint, push_id uuid, mapping_version int, fields text[], had_window boolean';
  await sql`
    insert into pushes (tenant_id, push_id, integration_id, record_id, record_version, mapping_version, operation, started_because, changed_fields, changed_by, result, attempts, started_at, finished_at)
    select ${work.tenantId}::uuid, row.push_id, row.integration_id, row.record_id, row.version, row.mapping_version, 'upsert', 'quiet',
      array(select distinct unnest(record_sync.window_fields || row.fields)), array(select distinct unnest(record_sync.window_changed_by || ${by.actor}::text)),
      'no_net_change', 0, ${work.now}::timestamptz, ${work.now}::timestamptz
    from ${rowsFrom(rows, columns)}
    join record_syncs record_sync on record_sync.tenant_id = ${opaqueToPlanner(work.tenantId)} and record_sync.integration_id = row.integration_id and record_sync.record_id = row.record_id
    where row.had_window`.execute(work.trx);
  await sql`
    update record_syncs record_sync set relevant_version = row.version, result_version = row.version, window_opened_at = null, due_at = null, window_reason = null,
      window_fields = '{}', window_changed_by = '{}', is_backfill = false, held_at = null, held_by = null
    from ${rowsFrom(rows, columns)}
    where record_sync.tenant_id = ${opaqueToPlanner(work.tenantId)} and record_sync.integration_id = row.integration_id and record_sync.record_id = row.record_id`.execute(
    work.trx,
  );
}

async function clearRecordSyncs({ trx, tenantId }: TenantWork, changes: RecordSyncChange[]): Promise<void> {
  if (changes.length === 0) return;
  const rows = changes.map(({ integration, draft }) => ({
    integration_id: integration.integrationId,
    record_id: draft.recordId,
  }));
  await sql`
    delete from record_syncs record_sync using ${rowsFrom(rows, 'integration_id uuid, record_id uuid')}
    where record_sync.tenant_id = ${opaqueToPlanner(tenantId)} and record_sync.integration_id = row.integration_id and record_sync.record_id = row.record_id`.execute(
    trx,
  );
}

/** One small event per transaction, for pages that look on; a page that shows these records fetches them again. */
async function announce(work: TenantWork, changes: RecordSyncChange[]): Promise<void> {
  if (changes.length === 0) return;
  const records = new Map(
    changes.map(({ draft }) => [
      draft.recordId,
      { record_type: draft.recordType, external_id: draft.externalId },
    ]),
  );
  const integrationIds = [...new Set(changes.map(({ integration }) => integration.integrationId))];
  await appendStreamEvent(work, {
    topic: 'record_syncs',
    body: {
      integration_ids: integrationIds,
      records: [...records.values()].slice(0, 20),
      count: records.size,
    },
  });
}
