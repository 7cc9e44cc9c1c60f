/** What is wrong with `ref` of mapped fields (docs/decisions/0033). */
import type { ProblemDetail } from '../../problem-detail';
import type { FieldMapping, RecordTypeMapping, RecordTypeMappings } from '../mapping';
import { referenceFields } from '../references';
import { problem } from './field-problems';

export function findReferenceProblems(
  mapping: RecordTypeMapping,
  mappings: RecordTypeMappings,
  at: (...path: (string | number)[]) => string,
): ProblemDetail[] {
  const isReference = referenceFields(mapping).some(({ name }) => name === mapping.matchBy);
  return [
    ...(isReference ? [problem(at('match_by'), 'reference', 'match_by cannot be a field with "ref".')] : []),
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
          problem(
            at(['ref', 'record_type']),
            'not_mapped',
            'A field can only refer to a record type that the integration maps too.',
          ),
        ]),
    ...(constant === undefined && names === undefined
      ? []
      : [problem(at(['ref']), 'ref_alone', 'A field with "ref" needs "name".')]),
    ...(type === 'string' || type === 'number'
      ? []
      : [problem(at(['type']), 'not_an_id', 'The type of an id is "string" or "number".')]),
  ];
}
