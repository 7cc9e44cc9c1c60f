/** `ref` of a field mapping: its JSON, and what it excludes (docs/decisions/0033). */
import { z } from 'zod';
import type { FieldMapping, RecordTypeMapping, RecordTypeMappings } from '../../../domain/records/mapping';
import { referenceFields } from '../../../domain/records/references';
import type { ProblemDetail } from '../../http/http-error';
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

export function findReferenceProblems(
  mapping: RecordTypeMapping,
  mappings: RecordTypeMappings,
  at: (...path: (string | number)[]) => string,
): ProblemDetail[] {
  const isReference = referenceFields(mapping).some(({ name }) => name === mapping.matchBy);
  return [
    ...(isReference
      ? [{ pointer: at('match_by'), code: 'reference', message: 'match_by cannot be a field with "ref".' }]
      : []),
    ...mapping.fields.flatMap((field, index) =>
      findProblemsOfField(field, mappings, (name) => at('fields', index, ...name)),
    ),
  ];
}

function findProblemsOfField(
  { ref, names, constant, type = 'string' }: FieldMapping,
  mappings: RecordTypeMappings,
  at: (name: readonly string[]) => string,
): ProblemDetail[] {
  if (ref === undefined) return [];
  return [
    ...(Object.hasOwn(mappings, ref.recordType)
      ? []
      : [
          {
            pointer: at(['ref', 'record_type']),
            code: 'not_mapped',
            message: 'A field can only refer to a record type that the integration maps too.',
          },
        ]),
    ...(constant === undefined && names === undefined
      ? []
      : [{ pointer: at(['ref']), code: 'ref_alone', message: 'A field with "ref" needs "name".' }]),
    ...(type === 'string' || type === 'number'
      ? []
      : [
          { pointer: at(['type']), code: 'not_an_id', message: 'The type of an id is "string" or "number".' },
        ]),
  ];
}
