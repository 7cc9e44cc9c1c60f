/** Mappings: their JSON, and their validation (rules.md 13 to 15). */
import { z } from 'zod';
import type { FieldMapping, RecordTypeMapping, RecordTypeMappings } from '../../domain/records/mapping';
import { type Place, isPosition, isSelector, parsePlace } from '../../domain/records/place';
import type { ProblemDetail } from '../http/http-error';
import { JSON_DEPTH_MAX, pointerTo } from '../http/json-guard';
import { byRecordType, jsonValue } from '../routing/common-schemas';
import { findFieldProblems, problem } from './mappings/field-problems';
import { findReferenceProblems, reference } from './mappings/reference-schema';
import { transform } from './mappings/transform-schema';

const fieldMapping = z
  .strictObject({
    name: z
      .string()
      .min(1)
      .max(255)
      .optional()
      .meta({
        description:
          'The Syncline field: a top-level key of the record, without "/". A dot has no special ' +
          'meaning. Absent for a constant, and with `names`.',
      }),
    names: z
      .array(z.string().min(1).max(255))
      .min(2)
      .max(20)
      .optional()
      .meta({
        description:
          'Instead of `name`: several fields, whose values a transform that begins with `join` makes one ' +
          'text of. Only sent.',
      }),
    to: z
      .string()
      .min(1)
      .max(500)
      .meta({
        description:
          "The target: a JSON Pointer into the app's record, a plain key, or a member of a list that is " +
          'selected by its sub-attributes, such as `emails[type eq "work"].value`.',
        example: '/name/givenName',
      }),
    type: z.enum(['string', 'number', 'boolean', 'date', 'datetime']).optional(),
    values: z.record(z.string(), jsonValue).optional().meta({
      description: "Maps Syncline's values to the app's values; `*` is the default for all other values.",
    }),
    ref: reference.optional(),
    constant: jsonValue.optional().meta({ description: 'Always sent, independent of the record.' }),
    transform: transform.optional(),
    direction: z
      .enum(['push', 'pull'])
      .optional()
      .meta({
        description:
          'For the direction `both`: `push`, Syncline owns the field, and it is never read; `pull`, the app ' +
          'owns it, so that it is never sent, and cannot be changed in Syncline.',
      }),
    on_conflict: z
      .enum(['ours', 'theirs'])
      .optional()
      .meta({ description: 'Instead of that of the record type. Only for the direction `both`.' }),
    only_on_create: z
      .literal(true)
      .optional()
      .meta({
        description:
          'Sent when the record is created in the app, and neither sent nor compared afterwards. With the ' +
          'direction `both`, the field needs the direction `push`.',
      }),
  })
  .refine(
    ({ transform: steps, values, ref }) =>
      [steps, values, ref].filter((way) => way !== undefined).length <= 1,
    'give only one of "values", "transform" and "ref"',
  )
  .meta({ id: 'FieldMapping' });

const recordTypeMapping = z
  .strictObject({
    direction: z.enum(['push', 'pull', 'both']).default('push'),
    fields: z
      .array(fieldMapping)
      .max(500)
      .default([])
      .meta({
        description:
          'At least one, except for the direction `pull`: an empty list then copies every ' +
          'top-level field under its own name.',
      }),
    filter: z
      .record(z.string(), z.array(jsonValue).min(1).max(100))
      .optional()
      .meta({ description: 'Sync only records whose fields have one of these values.' }),
    on_delete: z
      .enum(['deactivate', 'delete', 'leave'])
      .optional()
      .meta({ description: 'The default of the connector unless given.' }),
    on_conflict: z
      .enum(['ours', 'theirs'])
      .optional()
      .meta({
        description:
          "Which side wins if a field was changed on both sides: `ours` is Syncline's value (the " +
          "default), `theirs` the app's. Only for the direction `both`.",
      }),
    match_by: z
      .string()
      .min(1)
      .max(255)
      .optional()
      .meta({ description: 'A mapped field by which existing records in the app are matched.' }),
    match_ignore_case: z.boolean().optional().meta({
      description:
        'Values of `match_by` match regardless of upper and lower case. E-mail addresses always do.',
    }),
  })
  .meta({ id: 'RecordTypeMapping' });

export const recordTypeMappings = byRecordType(recordTypeMapping)
  .refine((mappings) => Object.keys(mappings).length <= 100, 'at most 100 record types')
  .meta({ maxProperties: 100, id: 'RecordTypeMappings' });
export type WireMappings = z.output<typeof recordTypeMappings>;
export const recordTypeMappingsView = z
  .record(z.string(), recordTypeMapping.extend({ on_delete: z.enum(['deactivate', 'delete', 'leave']) }))
  .meta({ id: 'RecordTypeMappingsView' });
export type WireMappingsView = z.output<typeof recordTypeMappingsView>;

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
