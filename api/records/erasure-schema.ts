/** Erasures as callers see them (rules.md 62). */
import { z } from 'zod';
import type { Erasure } from '../../db/erasures/erasures';
import { toTypeId } from '../../db/sql/ids';
import {
  emailAddress,
  externalId,
  idParam,
  instant,
  recordTypeName,
  toInstant,
  toInstantOrNull,
  typeId,
} from '../routing/common-schemas';

/** Of one request. */
const RECORDS_MAX = 100;

export const erasureParams = z.strictObject({ erasure_id: idParam('ers', 'erasure_not_found') });

export const newErasure = z
  .strictObject({
    record_ids: z
      .array(idParam('rec', 'record_not_found'))
      .min(1)
      .max(RECORDS_MAX)
      .optional()
      .meta({ description: 'Ids of records.' }),
    records: z
      .array(z.strictObject({ record_type: recordTypeName, external_id: externalId }))
      .min(1)
      .max(RECORDS_MAX)
      .optional(),
    email: emailAddress.optional().meta({
      description:
        'All records that have this address as the value of a field, at most 1,000. Case is ignored. ' +
        'The address is deleted with the records.',
    }),
  })
  .refine(
    ({ record_ids: ids, records, email }) =>
      ids !== undefined || records !== undefined || email !== undefined,
    { message: 'Name at least one record, or an e-mail address.' },
  )
  .meta({ minProperties: 1 });

const action = z.enum(['keep', 'deactivate', 'delete']).meta({
  id: 'ErasureAction',
  description: 'What happens to the records in the app. `keep`: nothing is sent.',
});

export const erasureConfirmation = z.strictObject({
  records: z.int().min(0).meta({
    description: 'The number of records that the preview shows. Another number is refused.',
    example: 2,
  }),
  integrations: z
    .array(z.strictObject({ integration_id: idParam('int', 'integration_not_found'), action }))
    .max(1_000)
    .optional()
    .meta({ description: 'Integrations that are not listed keep their records.' }),
});

const counts = z.record(z.string(), z.int());

export const erasureView = z
  .object({
    id: typeId('ers'),
    state: z.enum(['previewing', 'ready', 'erasing', 'waiting_for_apps', 'done']).meta({
      id: 'ErasureState',
      description:
        '`previewing`: the preview is being made. `ready`: it waits for the confirmation for up to 24 hours. ' +
        '`waiting_for_apps`: the values are gone, and apps have not answered yet, for up to 72 hours.',
    }),
    search: z
      .object({
        email: z.string().nullable(),
        record_ids: z.array(typeId('rec')),
        records: z.array(z.object({ record_type: z.string(), external_id: z.string() })),
      })
      .nullable()
      .meta({ description: 'Whose preview it is. null once it is confirmed: a receipt names nobody.' }),
    records: z.int().meta({ description: 'How many records were found.' }),
    found: counts.meta({
      description: 'The preview: rows that are deleted or changed, by kind of data.',
      example: { records: 1, events: 3 },
    }),
    erased: counts.meta({
      description: 'The receipt: rows that were deleted or changed, by kind of data.',
      example: { records: 1, events: 3 },
    }),
    integrations: z.array(
      z
        .object({
          integration_id: typeId('int'),
          records: z.int().meta({ description: 'Records that exist there, or would be pushed there.' }),
          action,
          succeeded: z.int(),
          failed: z.int().meta({
            description:
              'Refused by the app, or not possible: the integration only reads the record type, or another ' +
              'erasure had removed the record.',
          }),
          unanswered: z.int().meta({
            description: 'No answer within 72 hours, or a creation whose answer was lost. Check in the app.',
          }),
        })
        .meta({ id: 'ErasureAtApp' }),
    ),
    requested_by: z.string().meta({ description: 'The id of a person or an API key.' }),
    requested_at: instant,
    confirmed_by: z.string().nullable(),
    confirmed_at: instant.nullable(),
    finished_at: instant.nullable(),
    lifted_at: instant.nullable().meta({
      description: 'Since then this erasure lets the records come back. Another one may still name them.',
    }),
  })
  .meta({ id: 'Erasure' });

const STATES: Readonly<Record<Erasure['state'], z.output<typeof erasureView>['state']>> = {
  finding: 'previewing',
  counting: 'previewing',
  ready: 'ready',
  blocking: 'erasing',
  third_parties: 'waiting_for_apps',
  erasing: 'erasing',
  removing: 'erasing',
  done: 'done',
};

const toWireSearch = ({ email, recordIds = [], records = [] }: Erasure['search']) => ({
  email: email ?? null,
  record_ids: recordIds.map((recordId) => toTypeId('rec', recordId)),
  records: records.map((named) => ({ record_type: named.recordType, external_id: named.externalId })),
});

export function toWireErasure(erasure: Erasure): z.output<typeof erasureView> {
  return {
    id: toTypeId('ers', erasure.erasureId),
    state: STATES[erasure.state],
    search: erasure.confirmedAt === null ? toWireSearch(erasure.search) : null,
    records: erasure.records,
    found: erasure.found,
    erased: erasure.erased,
    integrations: erasure.thirdParties.map(({ integrationId, ...counted }) => ({
      integration_id: toTypeId('int', integrationId),
      ...counted,
    })),
    requested_by: erasure.requestedBy,
    requested_at: toInstant(erasure.requestedAt),
    confirmed_by: erasure.confirmedBy,
    confirmed_at: toInstantOrNull(erasure.confirmedAt),
    finished_at: toInstantOrNull(erasure.finishedAt),
    lifted_at: toInstantOrNull(erasure.liftedAt),
  };
}
