/**
 * Problems of calls that replace a record. A PUT with nothing but the mapped fields empties all others in the
 * third party, so it must keep them (`merge`) or be confirmed (`replaces`).
 */
import { createOnlyPlaces } from '../../../domain/records/create-only';
import { type FieldMapping, isSent, type RecordTypeMapping } from '../../../domain/records/mapping';
import { toPath } from '../../../domain/records/place';
import type { RecordTypeConfig } from '../config/config';
import type { CallConfig } from '../config/config-call';
import { isAddressedByOurId, type Problem } from './validate-call';

interface ReplacingCall {
  method?: CallConfig['method'];
  path?: string | undefined;
  body?: unknown;
  merge?: boolean | undefined;
  omit?: string[] | undefined;
  replaces?: boolean | undefined;
  partial?: boolean | undefined;
  set?: unknown;
}

const DEFAULT_METHODS = { update: 'PATCH', upsert: 'PUT', deactivate: 'POST', activate: 'POST' } as const;
const NAMES = ['update', 'upsert', 'deactivate', 'activate'] as const;

export function problemsOfReplacing(pointer: string, type: RecordTypeConfig, hasOwnId: boolean): Problem[] {
  return [
    ...problemsOfCreate(`${pointer}/create`, type),
    ...NAMES.flatMap((name) => {
      const call: ReplacingCall | undefined = type[name];
      return call === undefined
        ? []
        : [
            ...problemsOfMethod(`${pointer}/${name}`, name, call, type),
            ...problemsOfMerge(`${pointer}/${name}`, name, call, type, hasOwnId),
          ];
    }),
  ];
}

/** Whether a call reads the record before it writes it. */
export function merges(type: RecordTypeConfig): boolean {
  return NAMES.some((name) => type[name]?.merge === true);
}

function problemsOfCreate(pointer: string, { create }: RecordTypeConfig): Problem[] {
  if (create === undefined) return [];
  const isPut = create.method === 'PUT';
  if (isPut && create.if_none_match !== true && create.replaces !== true)
    return [
      {
        pointer: `${pointer}/method`,
        message:
          'A PUT replaces a record that exists there already: its other fields would be lost. ' +
          'Set "if_none_match": true if the API supports it, so that an existing record is updated instead, ' +
          'or confirm the loss with "replaces": true.',
      },
    ];
  return create.replaces === true && !isPut ? [withoutEffect(`${pointer}/replaces`, 'replaces')] : [];
}

function problemsOfMethod(
  pointer: string,
  name: (typeof NAMES)[number],
  call: ReplacingCall,
  type: RecordTypeConfig,
): Problem[] {
  const isPut = (call.method ?? DEFAULT_METHODS[name]) === 'PUT';
  const confirmed = (['replaces', 'partial'] as const).filter((key) => call[key] === true);
  if (confirmed.length > 0)
    return isPut ? [] : confirmed.map((key) => withoutEffect(`${pointer}/${key}`, key));
  if (!isPut || call.merge === true || !writesTheRecord(name, call, type)) return [];
  const message =
    'A PUT replaces the record: fields that are not mapped would be lost in the third party. ' +
    'Set "merge": true (with "read"), so that the record is read first and its other fields are kept, ' +
    'use PATCH if the API has it, confirm the loss with "replaces": true, or set "partial": true if this ' +
    'third party changes only the fields that a PUT contains.';
  return [{ pointer: call.method === undefined ? pointer : `${pointer}/method`, message }];
}

/** A switch of its own can be a command (`/suspend`). It writes the record if it has the record's path. */
function writesTheRecord(name: (typeof NAMES)[number], call: ReplacingCall, type: RecordTypeConfig): boolean {
  if (name === 'update' || name === 'upsert') return true;
  if (call.path === undefined || (call.set === undefined && call.body === undefined)) return false;

  const others = [type.read, type.update, type.upsert, type.delete];
  return others.some((other) => other?.path === call.path);
}

function problemsOfMerge(
  pointer: string,
  name: (typeof NAMES)[number],
  call: ReplacingCall,
  { read }: RecordTypeConfig,
  hasOwnId: boolean,
): Problem[] {
  if (call.merge !== true)
    return call.omit === undefined
      ? []
      : [{ pointer: `${pointer}/omit`, message: 'omit is read together with "merge": true only.' }];
  const problems: Problem[] = [];
  for (const key of ['replaces', 'partial'] as const)
    if (call[key] === true)
      problems.push({ pointer: `${pointer}/${key}`, message: `Set either merge or ${key}.` });
  if ((name === 'activate' || name === 'deactivate') && (call.path === undefined || call.set === undefined))
    problems.push({
      pointer: `${pointer}/merge`,
      message: `merge needs a call of its own that writes the record. Set "path" and "set" in ${name}.`,
    });
  if (read === undefined)
    problems.push({
      pointer: `${pointer}/merge`,
      message: 'merge reads the record before it is written. Set "read".',
    });
  else if (name === 'upsert' && !isAddressedByOurId(read, hasOwnId))
    problems.push({
      pointer: `${pointer}/merge`,
      message: 'upsert knows no id of the third party at first. Set {external_id} in the path of "read".',
    });
  return problems;
}

function withoutEffect(pointer: string, key: 'replaces' | 'partial'): Problem {
  return { pointer, message: `Only a PUT replaces the record. With another method, ${key} has no effect.` };
}

/** A field that is sent on creation only, beside fields that are always sent. */
export function isInSentObject({ to }: FieldMapping, { fields }: RecordTypeMapping): boolean {
  const createOnly = createOnlyPlaces(fields);
  const [around, ...inside] = toPath(to);
  if (!createOnly.includes(to) || inside.length === 0) return false;
  return fields.some(
    (other) => isSent(other) && !createOnly.includes(other.to) && toPath(other.to)[0] === around,
  );
}
