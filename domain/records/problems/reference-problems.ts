/** What is wrong with `ref` of mapped fields (docs/decisions/0033). */
import type { ProblemDetail } from '../../problem-detail';
import type { FieldMapping, RecordTypeMapping, RecordTypeMappings } from '../mapping';
import { referenceFields } from '../references';

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
