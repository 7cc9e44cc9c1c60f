/** Problems of one mapped field. Pointers are those of the request. */
import { JSON_DEPTH_MAX } from '../../json';
import type { ProblemDetail } from '../../problem-detail';
import { type FieldMapping, namesOf, type RecordTypeMapping } from '../mapping';
import { isPosition, isSelector, parsePlace, type Place } from '../place';
import { problemsOfChain } from '../transforms/chain';

const POSITION_MAX = 100;
const FORBIDDEN = new Set(['__proto__', 'constructor', 'prototype']);
type At = (...path: (string | number)[]) => string;

export function problem(pointer: string, code: string, message: string): ProblemDetail {
  return { pointer, code, message };
}

export function findFieldProblems(
  field: FieldMapping,
  { direction }: Pick<RecordTypeMapping, 'direction'>,
  at: At,
): ProblemDetail[] {
  const place = parsePlace(field.to);
  return [
    ...([field.name, field.names, field.constant].filter((one) => one !== undefined).length === 1
      ? []
      : [problem(at(), 'name_or_constant', 'Give exactly one of "name", "names" and "constant".')]),
    ...(namesOf(field).some((name) => name.includes('/'))
      ? [
          problem(
            at(field.names === undefined ? 'name' : 'names'),
            'not_a_name',
            'The name must be a top-level field of the record, without "/".',
          ),
        ]
      : []),
    ...(place.some(isForbidden)
      ? [
          problem(
            at('to'),
            'forbidden_key',
            'This path contains a reserved name (__proto__, constructor or prototype).',
          ),
        ]
      : []),
    ...(place.length > JSON_DEPTH_MAX
      ? [problem(at('to'), 'too_deep', `A path can have at most ${JSON_DEPTH_MAX} levels.`)]
      : []),
    ...(place.some((step, depth) => isPosition(step, depth) && Number(step) > POSITION_MAX)
      ? [problem(at('to'), 'position_too_high', `The largest allowed position in a list is ${POSITION_MAX}.`)]
      : []),
    ...(field.to.startsWith('/') && /~(?![01])/.test(field.to)
      ? [problem(at('to'), 'invalid_pointer', 'In a JSON Pointer, write "~" as "~0".')]
      : []),
    ...(field.type !== undefined &&
    field.values !== undefined &&
    field.transform === undefined &&
    field.ref === undefined
      ? [problem(at('type'), 'type_and_values', 'A field can have either "type" or "values", not both.')]
      : []),
    ...findTransformProblems(field, direction, at),
    ...findDirectionProblems(field, direction, at),
  ];
}

function findTransformProblems(
  { transform, names, type, constant, direction: own }: FieldMapping,
  direction: RecordTypeMapping['direction'],
  at: At,
): ProblemDetail[] {
  const isOnlySent = direction === 'push' || own === 'push' || names !== undefined;
  return [
    ...(names === undefined || transform?.[0]?.type === 'join'
      ? []
      : [problem(at('transform'), 'join_needed', '"names" needs a transform that begins with "join".')]),
    ...(names !== undefined && direction === 'pull'
      ? [problem(at('names'), 'only_sent', 'Several fields can be sent as one value, but not read.')]
      : []),
    ...(transform !== undefined && (type ?? constant) !== undefined
      ? [
          problem(
            at('transform'),
            'transform_alone',
            'With "transform", leave out "type", "values" and "constant".',
          ),
        ]
      : []),
    ...problemsOfChain(transform ?? [], !isOnlySent).map(({ index, code, message }) =>
      problem(at('transform', index), code, message),
    ),
  ];
}

function findDirectionProblems(
  { direction: own, onConflict, onlyOnCreate, constant, names }: FieldMapping,
  direction: RecordTypeMapping['direction'],
  at: At,
): ProblemDetail[] {
  const isOnlySent = (constant ?? names) !== undefined;
  return [
    ...((own !== undefined && direction !== 'both' && own !== direction) || (own === 'pull' && isOnlySent)
      ? [
          problem(
            at('direction'),
            'other_direction',
            'The record type or the field is not synced in this direction.',
          ),
        ]
      : []),
    ...(onlyOnCreate === true &&
    (direction === 'pull' || (direction === 'both' && own !== 'push' && !isOnlySent))
      ? [
          problem(
            at('only_on_create'),
            'only_sent',
            'The field is also read. Give it the direction "push", so that Syncline owns it.',
          ),
        ]
      : []),
    ...(onConflict !== undefined && (direction !== 'both' || own !== undefined || isOnlySent)
      ? [
          problem(
            at('on_conflict'),
            'not_both_ways',
            'on_conflict is only allowed for fields of both directions.',
          ),
        ]
      : []),
  ];
}

function isForbidden(step: Place[number]): boolean {
  return isSelector(step) ? step.where.some(({ name }) => FORBIDDEN.has(name)) : FORBIDDEN.has(step);
}
