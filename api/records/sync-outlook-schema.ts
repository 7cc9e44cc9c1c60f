/**
 * The next steps of a record sync, and what in its integration blocks them; shared by all views of a record
 * sync.
 */
import { z } from 'zod';
import type { Integration } from '../../db/integrations/integrations';
import type { RecordSyncSummary } from '../../db/records/records';
import { toTypeId } from '../../db/sql/ids';
import { unverifiedSince } from '../../domain/records/verification';
import { instant, toInstantOrNull, typeId } from '../routing/common-schemas';

export const syncOutlook = {
  is_paused: z.boolean().meta({
    description:
      'True if the integration is paused: nothing is pushed and the status does not change ' +
      'until it is resumed.',
  }),
  needs_reauthorization: z.boolean().meta({
    description: 'True if the app rejected the credentials: nothing is pushed until they are replaced.',
  }),
  blocked_until: instant.nullable().meta({
    description:
      'Nothing is pushed before this time, because the app is down or asked Syncline to wait. ' +
      'null = not blocked.',
  }),
  blocked_reason: z.enum(['outage', 'rate_limit']).nullable(),
  due_at: instant.nullable().meta({
    description:
      'When the debounce window ends if the record does not change again; null = no window is ' +
      'open. Ignored while the record is held or the integration is paused.',
  }),
  held_at: instant.nullable().meta({
    description:
      'When the record was put on hold. It is not pushed, even if it changes, until it is ' +
      'released or pushed now. null = not held.',
  }),
  held_by: z.string().nullable(),
  waits_for: z
    .array(
      z
        .object({
          field: z.string(),
          record_type: z.string(),
          external_id: z.string(),
          has_failed: z.boolean().meta({ description: 'True if the sync of that record failed.' }),
        })
        .meta({ id: 'AwaitedRecord' }),
    )
    .meta({
      description:
        'The records that fields of this one refer to and that the app does not have yet. The record is pushed, ' +
        'or completed, as soon as it has them. Empty = it waits for no record.',
    }),
  push_review_id: typeId('prv').nullable().meta({
    description:
      'The push review that the record waits for: nothing is pushed until it is approved. null = none.',
  }),
  next_attempt_at: instant.nullable().meta({
    description:
      'When a failed push is retried, at the earliest when the integration is no longer ' +
      'blocked. null = no retry is scheduled, a newer change is pending (see due_at), or the ' +
      'integration is paused or needs new credentials.',
  }),
  unverified_since: instant.nullable().meta({
    description:
      'When Syncline found that its database had been restored from a backup. The app may hold a newer value ' +
      'than the record that is shown as synced, until both were compared or the record is pushed again. ' +
      'null = verified, or the status is not synced.',
  }),
};

/** Of an integration. */
export const unverifiedTypes = z.record(z.string(), instant).meta({
  description:
    'By record type, when Syncline found that its database had been restored from a backup. A type is ' +
    'removed as soon as a full run has compared all its records with the app.',
});

const outlook = z.object(syncOutlook);

type RecordSyncTimes = Pick<
  RecordSyncSummary,
  'status' | 'lastSyncedAt' | 'dueAt' | 'heldAt' | 'heldBy' | 'pushReviewId' | 'nextAttemptAt' | 'waitsFor'
>;
type Obstacles = Pick<
  Integration,
  'pausedAt' | 'needsReauthorizationAt' | 'blockedUntil' | 'blockedReason' | 'unverifiedTypes'
>;

export function toWireOutlook(
  recordSync: RecordSyncTimes | undefined,
  integration: Obstacles,
  recordType: string,
): z.output<typeof outlook> {
  return {
    is_paused: integration.pausedAt !== null,
    needs_reauthorization: integration.needsReauthorizationAt !== null,
    blocked_until: toInstantOrNull(integration.blockedUntil),
    blocked_reason: integration.blockedReason,
    due_at: toInstantOrNull(recordSync?.dueAt ?? null),
    held_at: toInstantOrNull(recordSync?.heldAt ?? null),
    held_by: recordSync?.heldBy ?? null,
    waits_for: toAwaited(recordSync),
    push_review_id: recordSync?.pushReviewId == null ? null : toTypeId('prv', recordSync.pushReviewId),
    next_attempt_at: toInstantOrNull(
      recordSync === undefined ? null : nextAttemptAt(recordSync, integration),
    ),
    unverified_since: toInstantOrNull(
      recordSync === undefined ? null : unverifiedSince(recordSync, integration.unverifiedTypes[recordType]),
    ),
  };
}

function toAwaited(recordSync: RecordSyncTimes | undefined): z.output<typeof outlook>['waits_for'] {
  if (recordSync === undefined || recordSync.status === 'synced') return [];
  return (recordSync.waitsFor ?? []).map(({ field, recordType, externalId, hasFailed }) => ({
    field,
    record_type: recordType,
    external_id: externalId,
    has_failed: hasFailed,
  }));
}

/**
 * The retry time of the record sync, or the end of the block if that is later. Null while a debounce window
 * is open.
 */
function nextAttemptAt(
  { dueAt, nextAttemptAt: ownAt }: RecordSyncTimes,
  { pausedAt, needsReauthorizationAt, blockedUntil }: Obstacles,
): Date | null {
  if (ownAt === null || dueAt !== null || pausedAt !== null || needsReauthorizationAt !== null) return null;
  return blockedUntil !== null && blockedUntil > ownAt ? blockedUntil : ownAt;
}
