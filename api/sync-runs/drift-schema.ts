/** The JSON of what was changed at the third party after it was pushed. */
import { z } from 'zod';
import { toTypeId } from '../../db/sql/ids';
import { type Drift, MISSING_THERE } from '../../db/verify/drifts';
import type { JsonValue } from '../../domain/json';
import { externalId, instant, jsonValue, recordTypeName, toInstant, typeId } from '../routing/common-schemas';

const values = {
  place: z
    .string()
    .nullable()
    .meta({ description: 'The member of the app record; null = the app no longer has the record.' }),
  expected: jsonValue.meta({ description: 'What was pushed.' }),
  found: jsonValue.meta({ description: 'What the app holds.' }),
  found_at: instant.meta({ description: 'When a sync run first found it.' }),
};

export const driftOfRecord = z.object(values).meta({ id: 'DriftOfRecord' });

export const driftView = z
  .object({
    integration_id: typeId('int'),
    record_type: recordTypeName,
    record_id: typeId('rec'),
    external_id: externalId,
    ...values,
  })
  .meta({ id: 'Drift' });

export function toWireDriftOfRecord({
  place,
  expected,
  found,
  foundAt,
}: Drift): z.output<typeof driftOfRecord> {
  return {
    place: place === MISSING_THERE ? null : place,
    expected: expected as JsonValue,
    found: found as JsonValue,
    found_at: toInstant(foundAt),
  };
}

export function toWireDrift(drift: Drift): z.output<typeof driftView> {
  return {
    integration_id: toTypeId('int', drift.integrationId),
    record_type: drift.recordType,
    record_id: toTypeId('rec', drift.recordId),
    external_id: drift.externalId,
    ...toWireDriftOfRecord(drift),
  };
}
