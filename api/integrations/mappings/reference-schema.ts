/** `ref` of a field mapping, as JSON (docs/decisions/0033). */
import { z } from 'zod';
import type { FieldMapping } from '../../../domain/records/mapping';
import { recordTypeName } from '../../routing/common-schemas';

export const reference = z.strictObject({ record_type: recordTypeName }).meta({
  id: 'FieldReference',
  description:
    "The field refers to a record of this type. Syncline's value is the external id of that record, the " +
    "app's value the id that the record has there. `type` is the type of the app's id.",
});

type WireReference = z.output<typeof reference>;

export const fromWireReference = (ref: WireReference | undefined): FieldMapping['ref'] =>
  ref === undefined ? undefined : { recordType: ref.record_type };

export const toWireReference = (ref: FieldMapping['ref']): WireReference | undefined =>
  ref === undefined ? undefined : { record_type: ref.recordType };
