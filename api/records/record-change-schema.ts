/** The JSON of record changes and their results. */
import { z } from 'zod';
import { toTypeId } from '../../db/sql/ids';
import type { AcceptedChange } from '../../db/records/accept-changes';
import { HttpError } from '../http/http-error';
import { pointerTo } from '../http/json-guard';
import {
  orNull,
  instant,
  isStorableInstant,
  jsonObject,
  statusName,
  toInstantOrNull,
  typeId,
} from '../routing/common-schemas';

const FUTURE_MS_MAX = 5 * 60_000;

/** Exact in a double, with room for the versions that Syncline counts up from the caller's last one. */
const VERSION_MAX = 9_000_000_000_000_000;

const version = z.int().min(0).max(VERSION_MAX).optional().meta({
  description:
    "Your version of the record; it must increase. Without it, Syncline's version increases by one.",
});
const occurredAt = z.iso
  .datetime({ offset: true })
  .transform((text) => new Date(text))
  .refine(isStorableInstant, 'must not lie before the year 1')
  .optional()
  .meta({
    description:
      'When the change was made; orders changes without a version. At most 5 minutes in the future.',
    example: '2026-11-21T09:30:00Z',
  });

/** The body of PUT and PATCH, and that of DELETE without `fields`. */
export const changeOfFields = z.strictObject({ fields: jsonObject, version, occurred_at: occurredAt });
export const deletion = z.strictObject({ version, occurred_at: occurredAt });

export const acceptedChange = z
  .object({
    outcome: z
      .enum(['accepted', 'stale'])
      .meta({ description: '`stale`: Syncline already has newer changes; nothing was changed.' }),
    id: typeId('rec'),
    record_type: z.string(),
    external_id: z.string(),
    version: z.int(),
    is_deleted: z.boolean(),
    stale_fields: z.array(z.string()).meta({
      description:
        'Fields of the change that keep their value, because Syncline already has a newer change of them. ' +
        'Usually empty.',
    }),
    syncs: z.array(
      z.object({ integration_id: typeId('int'), status: orNull(statusName), due_at: instant.nullable() }),
    ),
  })
  .meta({ id: 'AcceptedChange' });

/**
 * Throws `record_not_found`, `version_reused`, `record_erased`, `onboarding_in_progress` or
 * `field_owned_by_third_party` if nothing was changed.
 */
export function toWireAccepted({
  outcome,
  recordId,
  version: current,
  refusedBy,
  ...change
}: AcceptedChange): z.output<typeof acceptedChange> {
  if (outcome === 'onboarding_in_progress' || outcome === 'field_owned_by_third_party')
    throw refusal(outcome, change, refusedBy);
  if (outcome === 'version_reused')
    throw new HttpError('version_reused', {
      detail: `Version ${current} already exists with different content. Send a higher version.`,
    });
  if (outcome === 'erased') throw new HttpError('record_erased');
  if (outcome === 'too_many_records') throw new HttpError('too_many_records');
  if (outcome === 'not_found' || recordId === null || current === null)
    throw new HttpError('record_not_found');
  return {
    outcome,
    id: toTypeId('rec', recordId),
    record_type: change.recordType,
    external_id: change.externalId,
    version: current,
    is_deleted: change.isDeleted,
    stale_fields: change.staleFields,
    syncs: change.syncs.map((sync) => ({
      integration_id: toTypeId('int', sync.integrationId),
      status: sync.status,
      due_at: toInstantOrNull(sync.dueAt),
    })),
  };
}

function refusal(
  outcome: 'onboarding_in_progress' | 'field_owned_by_third_party',
  { recordType }: { recordType: string },
  refusedBy: AcceptedChange['refusedBy'],
): HttpError {
  const integration =
    refusedBy === undefined ? 'an integration' : `integration ${toTypeId('int', refusedBy.integrationId)}`;
  if (outcome === 'onboarding_in_progress')
    return new HttpError(outcome, {
      detail:
        `The initial import of ${integration} is still running. Until it is done, ${recordType} ` +
        `cannot be changed. \`onboarding\` of the integration shows the progress.`,
    });
  const fields = refusedBy?.fields ?? [];
  if (fields.length === 0)
    return new HttpError(outcome, {
      detail: `This record comes from ${integration}. Delete it in the app, or disconnect the integration.`,
    });
  return new HttpError(outcome, {
    detail: `Change ${fields.join(', ')} in the app of ${integration}. Syncline only reads it from there.`,
    errors: fields.map((field) => ({
      pointer: pointerTo(['fields', field]),
      code: 'read_only',
      message: 'This field can only be changed in the app.',
    })),
  });
}

/** Throws `occurred_in_future`, because such a change would win over all changes until then. */
export function checkOccurredAt(at: Date | undefined, now: Date, pointer = '/occurred_at'): void {
  if (at === undefined || at.getTime() <= now.getTime() + FUTURE_MS_MAX) return;
  throw new HttpError('occurred_in_future', {
    errors: [{ pointer, code: 'too_late', message: 'This is more than 5 minutes in the future.' }],
  });
}
