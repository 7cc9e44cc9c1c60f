/** Changes of records on the wire, and what became of them. */
import { z } from 'zod';
import { toWireId } from '../../db/ids';
import type { AcceptedChange } from '../../db/record-acceptance';
import { HttpError } from '../http-error';
import { orNull, instant, isStorableInstant, jsonObject, statusName, toInstantOrNull, wireId } from './common';

const FUTURE_MS_MAX = 5 * 60_000;

const version = z.int().min(0).optional().meta({ description: "The caller's own version of the record; must grow. Without it ours grows by one." });
const occurredAt = z.iso
  .datetime({ offset: true })
  .transform((text) => new Date(text))
  .refine(isStorableInstant, 'must not lie before the year 1')
  .optional()
  .meta({ description: 'When it happened; orders changes that carry no version. At most 5 minutes ahead.', example: '2026-11-21T09:30:00Z' });

/** The body of PUT and PATCH, and that of DELETE without `fields`. */
export const changeOfFields = z.strictObject({ fields: jsonObject, version, occurred_at: occurredAt });
export const deletion = z.strictObject({ version, occurred_at: occurredAt });

export const acceptedChange = z
  .object({
    outcome: z.enum(['accepted', 'stale']).meta({ description: 'stale: we already have a newer version; nothing was changed.' }),
    id: wireId('rec'),
    record_type: z.string(),
    external_id: z.string(),
    version: z.int(),
    is_deleted: z.boolean(),
    syncs: z.array(z.object({ integration_id: wireId('int'), status: orNull(statusName), due_at: instant.nullable() })),
  })
  .meta({ id: 'AcceptedChange' });

/** Throws `record_not_found` or `version_reused`: then nothing was changed. */
export function toWireAccepted({ outcome, recordId, version: current, ...change }: AcceptedChange): z.output<typeof acceptedChange> {
  if (outcome === 'version_reused')
    throw new HttpError('version_reused', { detail: `Version ${current} already stands for other content. Send a version above it.` });
  if (outcome === 'not_found' || recordId === null || current === null) throw new HttpError('record_not_found');
  return {
    outcome,
    id: toWireId('rec', recordId),
    record_type: change.recordType,
    external_id: change.externalId,
    version: current,
    is_deleted: change.isDeleted,
    syncs: change.syncs.map((sync) => ({ integration_id: toWireId('int', sync.integrationId), status: sync.status, due_at: toInstantOrNull(sync.dueAt) })),
  };
}

/** Throws `occurred_in_future`: such a change would win over all that follow. */
export function checkOccurredAt(at: Date | undefined, now: Date, pointer = '/occurred_at'): void {
  if (at === undefined || at.getTime() <= now.getTime() + FUTURE_MS_MAX) return;
  throw new HttpError('occurred_in_future', { errors: [{ pointer, code: 'too_late', message: 'This lies more than 5 minutes in the future.' }] });
}
