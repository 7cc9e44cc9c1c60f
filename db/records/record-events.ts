/**
 * Webhook events about records: records that were created, changed or deleted at a third party (rules.md 40),
 * and pushes that failed. At most 100 records per event. Until the first full read of an integration has
 * ended its records cause no events; FIRST_SYNC_COMPLETE then carries the totals.
 */
import { type RawBuilder, sql } from 'kysely';
import { RECORDS_PER_EVENT_MAX } from '../../domain/event-catalogue';
import type { SyncError } from '../../domain/sync-error';
import type { TenantWork } from '../database';
import { emitEvents, type NewEvent } from '../webhooks/events';
import { insertStreamEvent } from '../platform/change-feed';
import { toTypeId } from '../sql/ids';
import type { RecordDraft } from '../../domain/records/record-draft';

interface PullKey {
  integrationId: string;
  syncRunId: string;
  recordType: string;
}

/** Emits the events of one step of deletions. The last statement of its transaction. */
export async function emitRecordEvents(
  work: TenantWork,
  key: PullKey,
  drafts: readonly RecordDraft[],
): Promise<void> {
  const touched = drafts.filter(({ isTouched }) => isTouched);
  if (touched.length > 0 && !(await isMuted(work, key))) await emitRecordChanges(work, key, touched);
}

/**
 * The same for a caller that knows that the integration is not muted and that records were touched. The last
 * statement of its transaction.
 */
export async function emitRecordChanges(
  work: TenantWork,
  key: PullKey,
  touched: readonly RecordDraft[],
): Promise<void> {
  const gone = touched.filter(({ after }) => after.isDeleted);
  // A record that was deleted and is there again is new to receivers that got DATA_DELETE.
  const isNew = ({ before }: RecordDraft) => before === null || before.isDeleted;
  const here = touched.filter(({ after }) => !after.isDeleted);
  await emitEvents(work, [
    ...batches(here.filter(isNew)).map((batch): NewEvent => ({
      type: 'DATA_NEW',
      integrationId: key.integrationId,
      data: toData(key, batch.map(toRecord)),
    })),
    ...batches(here.filter((draft) => !isNew(draft))).map((batch): NewEvent => ({
      type: 'DATA_UPDATE',
      integrationId: key.integrationId,
      data: toData(
        key,
        batch.map((draft) => ({ ...toRecord(draft), changed_fields: [...draft.changedFields].toSorted() })),
      ),
    })),
    ...batches(gone).map((batch): NewEvent => ({
      type: 'DATA_DELETE',
      integrationId: key.integrationId,
      data: toData(key, batch.map(toRecord)),
    })),
  ]);
}

const toRecord = ({ recordId, externalId }: RecordDraft) => ({
  id: toTypeId('rec', recordId),
  external_id: externalId,
});

function toData<Item>({ integrationId, syncRunId, recordType }: PullKey, records: Item[]) {
  return {
    integration_id: toTypeId('int', integrationId),
    sync_run_id: toTypeId('run', syncRunId),
    record_type: recordType,
    records,
  };
}

/**
 * DATA_* events begin after FIRST_SYNC_COMPLETE, which only a scheduled run sends (rules.md 38 to 40).
 * Without a schedule they begin once the integration is onboarded.
 */
export const isMutedSql = (integrations: string) =>
  sql<boolean>`(${sql.ref(integrations)}.first_sync_completed_at is null
    and (${sql.ref(integrations)}.onboarded_at is null or ${sql.ref(integrations)}.is_hourly_sync_on
      or ${sql.ref(integrations)}.nightly_sync_at is not null))`;

async function isMuted({ trx, tenantId }: TenantWork, { integrationId }: PullKey): Promise<boolean> {
  const row = await trx
    .selectFrom('integrations')
    .select(isMutedSql('integrations').as('isMuted'))
    .where('tenantId', '=', tenantId)
    .where('integrationId', '=', integrationId)
    .executeTakeFirst();
  return row?.isMuted ?? true;
}

export interface FailedPush {
  recordType: string;
  externalId: string;
  pushId: string;
  errors: readonly SyncError[];
}

/**
 * Failed pushes; pushes that are retried automatically are not reported. The last statement of its
 * transaction.
 */
export async function emitFailedPushes(
  work: TenantWork,
  integrationId: string,
  failed: readonly FailedPush[],
): Promise<void> {
  await emitEvents(
    work,
    batches(failed).map((batch): NewEvent => ({
      type: 'RECORD_SYNC_FAILED',
      integrationId,
      data: {
        integration_id: toTypeId('int', integrationId),
        records: batch.map(({ recordType, externalId, pushId, errors }) => ({
          record_type: recordType,
          external_id: externalId,
          push_id: toTypeId('psh', pushId),
          error_codes: [...new Set(errors.map(({ code }) => code))],
        })),
      },
    })),
  );
}

/** A statement that tells followers of the stream that the status of these records has changed. */
export function announceRecordSyncs(
  work: TenantWork,
  integrationId: string,
  records: readonly { recordType: string; externalId: string }[],
): RawBuilder<unknown>[] {
  if (records.length === 0) return [];
  const first = records
    .slice(0, 20)
    .map(({ recordType, externalId }) => ({ record_type: recordType, external_id: externalId }));
  const body = { integration_ids: [integrationId], records: first, count: records.length };
  return [insertStreamEvent(work, { topic: 'record_syncs', body })];
}

function batches<Item>(items: readonly Item[]): Item[][] {
  return Array.from({ length: Math.ceil(items.length / RECORDS_PER_EVENT_MAX) }, (_, index) =>
    items.slice(index * RECORDS_PER_EVENT_MAX, (index + 1) * RECORDS_PER_EVENT_MAX),
  );
}
