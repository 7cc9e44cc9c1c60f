/** What is wrong with the mappings of an integration (rules.md 13 to 15). */
import { JSON_DEPTH_MAX } from '../../json';
import { type ProblemDetail, pointerTo } from '../../problem-detail';
import type { FieldMapping, RecordTypeMapping, RecordTypeMappings } from '../mapping';
import { type Place, isPosition, isSelector, parsePlace } from '../place';
import { findFieldProblems, problem } from './field-problems';
import { findReferenceProblems } from './reference-problems';

/** Returns all problems of these mappings; pointers begin at `/record_types`. */
export function findMappingProblems(
  mappings: RecordTypeMappings,
  onDelete: readonly RecordTypeMapping['onDelete'][],
): ProblemDetail[] {
  return Object.entries(mappings).flatMap(([recordType, mapping]) => {
    const at = (...path: (string | number)[]) => pointerTo(['record_types', recordType, ...path]);
    return [
      ...(mapping.fields.length === 0 && mapping.direction !== 'pull'
        ? [
            problem(
              at('fields'),
              'no_fields',
              'List at least one field. Only the direction "pull" can copy all fields without a list.',
            ),
          ]
        : []),
      ...(mapping.onConflict !== undefined && mapping.direction !== 'both'
        ? [
            problem(
              at('on_conflict'),
              'not_both_ways',
              'on_conflict is only allowed with the direction "both".',
            ),
          ]
        : []),
      ...(onDelete.includes(mapping.onDelete)
        ? []
        : [
            problem(
              at('on_delete'),
              'not_supported',
              `The connector does not support this value. Supported: ${onDelete.join(', ')}.`,
            ),
          ]),
      ...(mapping.matchBy === undefined || mapping.fields.some((field) => isMatchable(field, mapping))
        ? []
        : [problem(at('match_by'), 'not_mapped', 'match_by must be a mapped field that is not only sent.')]),
      ...(mapping.matchIgnoreCase === undefined || mapping.matchBy !== undefined
        ? []
        : [problem(at('match_ignore_case'), 'not_mapped', 'match_ignore_case needs match_by.')]),
      ...mapping.fields.flatMap((field, index) =>
        findFieldProblems(field, mapping, (...path) => at('fields', index, ...path)),
      ),
      ...findReferenceProblems(mapping, mappings, at),
      ...findClashes(mapping.fields).map(({ index, message }) =>
        problem(at('fields', index, 'to'), 'clash', message),
      ),
    ];
  });
}

/** A field that is never read cannot be compared with what is there. */
const isMatchable = ({ name, direction }: FieldMapping, mapping: RecordTypeMapping): boolean =>
  name === mapping.matchBy && (mapping.direction === 'push' || direction !== 'push');

/**
 * Finds fields with the same target, one target inside another, or a list where another field needs an
 * object.
 */
function findClashes(fields: readonly FieldMapping[]): { index: number; message: string }[] {
  const kindAt = new Map<string, string>();
  return fields.flatMap(({ to }, index) => {
    // A path that is too deep is reported elsewhere; processing all of it could take seconds.
    const path = parsePlace(to).slice(0, JSON_DEPTH_MAX);
    // Every depth is registered, even after a clash, because a later field may clash with it.
    const clashes = path.map((_, depth) => register(kindAt, path, depth)).filter(Boolean);
    return clashes.length === 0
      ? []
      : [
          {
            index,
            message: 'Another field of this record type has the same target, or a target above or below it.',
          },
        ];
  });
}

/**
 * Registers what the path has at a depth (a value, a list or an object). Returns true if this conflicts with
 * another field.
 */
function register(kindAt: Map<string, string>, path: Place, depth: number): boolean {
  const key = JSON.stringify(path.slice(0, depth + 1));
  const next = path[depth + 1];
  const kind = kindBefore(next);
  const other = kindAt.get(key);
  kindAt.set(key, other ?? kind);
  return other !== undefined && (other !== kind || kind === 'value');
}

function kindBefore(next: Place[number] | undefined): 'value' | 'object' | 'list' | 'selected list' {
  if (next === undefined) return 'value';
  if (isSelector(next)) return 'selected list';
  return isPosition(next, 1) ? 'list' : 'object';
}
