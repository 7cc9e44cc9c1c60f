/** Mappings on the wire and in the domain, and what makes one unusable (rules.md 13 to 15). */
import { z } from 'zod';
import type { RecordTypeMappings } from '../../domain/records/mapping';
import {
  type FieldMapping,
  mappedFieldNames,
  type RecordTypeMapping,
  toPath,
} from '../../domain/records/mapping';
import type { ProblemDetail } from '../http/http-error';
import { JSON_DEPTH_MAX, pointerTo } from '../http/json-guard';
import { jsonValue, recordTypeName } from '../routing/common-schemas';

const fieldMapping = z
  .strictObject({
    name: z.string().min(1).max(255).optional().meta({
      description:
        'Our field: a top-level key of the record, so without "/"; a dot is a character like any other. Absent for a constant.',
    }),
    to: z.string().min(1).max(500).meta({
      description: "Where it goes: a JSON Pointer into the third party's record, or a plain key.",
      example: '/name/givenName',
    }),
    type: z.enum(['string', 'number', 'boolean', 'date', 'datetime']).optional(),
    values: z
      .record(z.string(), jsonValue)
      .optional()
      .meta({ description: 'Our value to theirs; "*" stands for every other.' }),
    constant: jsonValue.optional().meta({ description: 'Sent always, whatever the record says.' }),
  })
  .meta({ id: 'FieldMapping' });

const recordTypeMapping = z
  .strictObject({
    direction: z.enum(['push', 'pull', 'both']).default('push'),
    fields: z.array(fieldMapping).max(500).default([]).meta({
      description:
        'At least one, except for the direction pull: without any, every top-level field is copied under its own name.',
    }),
    filter: z
      .record(z.string(), z.array(jsonValue).min(1).max(100))
      .optional()
      .meta({ description: 'Only records whose fields have one of these values are synced.' }),
    on_delete: z
      .enum(['deactivate', 'delete', 'leave'])
      .optional()
      .meta({ description: "The connector's own default unless given." }),
    on_conflict: z.enum(['ours', 'theirs']).optional().meta({
      description:
        'Whose value counts when a field was changed on both sides; ours unless given. Only for the direction both.',
    }),
    match_by: z
      .string()
      .min(1)
      .max(255)
      .optional()
      .meta({ description: 'A mapped field that tells an existing third-party record from a new one.' }),
  })
  .meta({ id: 'RecordTypeMapping' });

export const recordTypeMappings = z
  .record(recordTypeName, recordTypeMapping)
  .refine((mappings) => Object.keys(mappings).length <= 100, 'at most 100 record types')
  .meta({ id: 'RecordTypeMappings' });
export type WireMappings = z.output<typeof recordTypeMappings>;
export const recordTypeMappingsView = z
  .record(z.string(), recordTypeMapping.extend({ on_delete: z.enum(['deactivate', 'delete', 'leave']) }))
  .meta({ id: 'RecordTypeMappingsView' });

const POSITION_MAX = 100;
const FORBIDDEN = new Set(['__proto__', 'constructor', 'prototype']);

export function toMappings(
  wire: WireMappings,
  onDeleteDefault: RecordTypeMapping['onDelete'],
): RecordTypeMappings {
  return Object.fromEntries(
    Object.entries(wire).map(([name, { on_delete, match_by, on_conflict, ...mapping }]) => [
      name,
      withoutUndefined({
        ...mapping,
        onDelete: on_delete ?? onDeleteDefault,
        matchBy: match_by,
        onConflict: on_conflict,
      }),
    ]),
  );
}

export function toWireMappings(mappings: RecordTypeMappings): z.output<typeof recordTypeMappingsView> {
  return Object.fromEntries(
    Object.entries(mappings).map(([name, { onDelete, matchBy, onConflict, ...mapping }]) => [
      name,
      withoutUndefined({ ...mapping, on_delete: onDelete, match_by: matchBy, on_conflict: onConflict }),
    ]),
  );
}

function withoutUndefined<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as T;
}

/** Everything that makes these mappings unusable; pointers begin at `/record_types`. */
export function findMappingProblems(
  mappings: RecordTypeMappings,
  onDelete: readonly RecordTypeMapping['onDelete'][],
): ProblemDetail[] {
  return Object.entries(mappings).flatMap(([name, mapping]) => {
    const at = (...path: (string | number)[]) => pointerTo(['record_types', name, ...path]);
    return [
      ...(mapping.fields.length === 0 && mapping.direction !== 'pull'
        ? [
            problem(
              at('fields'),
              'no_fields',
              'Name at least one field. Only the direction "pull" can copy all fields without naming them.',
            ),
          ]
        : []),
      ...(mapping.onConflict !== undefined && mapping.direction !== 'both'
        ? [
            problem(
              at('on_conflict'),
              'not_both_ways',
              'Only with the direction "both" can a field change on both sides.',
            ),
          ]
        : []),
      ...(onDelete.includes(mapping.onDelete)
        ? []
        : [
            problem(
              at('on_delete'),
              'not_supported',
              `The connector cannot do this. It knows: ${onDelete.join(', ')}.`,
            ),
          ]),
      ...(mapping.matchBy === undefined || mappedFieldNames(mapping).includes(mapping.matchBy)
        ? []
        : [problem(at('match_by'), 'not_mapped', 'match_by has to name one of the mapped fields.')]),
      ...mapping.fields.flatMap((field, index) =>
        findFieldProblems(field, (...path) => at('fields', index, ...path)),
      ),
      ...findClashes(mapping.fields).map(({ index, message }) =>
        problem(at('fields', index, 'to'), 'clash', message),
      ),
    ];
  });
}

function findFieldProblems(
  field: FieldMapping,
  at: (...path: (string | number)[]) => string,
): ProblemDetail[] {
  const path = toPath(field.to);
  return [
    ...((field.name === undefined) === (field.constant === undefined)
      ? [problem(at(), 'name_or_constant', 'Give either "name" or "constant", not both and not neither.')]
      : []),
    ...(field.name?.includes('/') === true
      ? [
          problem(
            at('name'),
            'not_a_name',
            'A name is that of a top-level field of the record, not a path into it: give the field itself, without "/".',
          ),
        ]
      : []),
    ...(path.some((part) => FORBIDDEN.has(part))
      ? [problem(at('to'), 'forbidden_key', 'This path leads into the prototype of an object.')]
      : []),
    ...(path.length > JSON_DEPTH_MAX
      ? [problem(at('to'), 'too_deep', `A path leads at most ${JSON_DEPTH_MAX} levels deep.`)]
      : []),
    ...(path.slice(1).some((part) => /^\d+$/.test(part) && Number(part) > POSITION_MAX)
      ? [problem(at('to'), 'position_too_high', `Positions in a list go up to ${POSITION_MAX}.`)]
      : []),
    ...(field.to.startsWith('/') && /~(?![01])/.test(field.to)
      ? [problem(at('to'), 'invalid_pointer', 'In a JSON Pointer "~" is written "~0".')]
      : []),
    ...(field.type !== undefined && field.values !== undefined
      ? [problem(at('type'), 'type_and_values', 'A field has a type or a list of values, not both.')]
      : []),
  ];
}

/** Two fields with the same goal, or one inside the other, or a list where the other has an object. */
function findClashes(fields: readonly FieldMapping[]): { index: number; message: string }[] {
  const kindAt = new Map<string, string>();
  return fields.flatMap(({ to }, index) => {
    // One that is refused for its depth could cost seconds.
    const path = toPath(to).slice(0, JSON_DEPTH_MAX);
    // All depths are claimed, also behind a clash: a later field may clash with those.
    const clashes = path.map((_, depth) => claim(kindAt, path, depth)).filter(Boolean);
    return clashes.length === 0
      ? []
      : [{ index, message: 'Another field of this record type goes to the same place, or through it.' }];
  });
}

/** Notes what stands at a depth of the path (a value, a list, an object); true when something else stands there already. */
function claim(kindAt: Map<string, string>, path: readonly string[], depth: number): boolean {
  const place = JSON.stringify(path.slice(0, depth + 1));
  const next = path[depth + 1];
  const kind = next === undefined ? 'value' : /^\d+$/.test(next) ? 'list' : 'object';
  const other = kindAt.get(place);
  kindAt.set(place, other ?? kind);
  return other !== undefined && (other !== kind || kind === 'value');
}

function problem(pointer: string, code: string, message: string): ProblemDetail {
  return { pointer, code, message };
}
