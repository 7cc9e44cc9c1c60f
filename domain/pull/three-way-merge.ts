/**
 * A record that both sides may have changed (rules.md 17), field by field: a pull does not overwrite a field with an unsent change
 * here, the other fields take theirs, and a field changed on both sides is a conflict.
 *
 * What changed is measured against `agreed`, the last payload both sides held: theirs against theirs, ours (as it would be
 * sent) against theirs. So our own push coming back is no change.
 */
import { type JsonObject, type JsonValue, jsonEquals } from '../json';
import { mapRecord, type RecordTypeMapping, setAt, toPath } from '../records/mapping';
import { copiesEveryField, pulledFields, valueAt } from './reverse-mapping';

export interface FieldConflict {
  field: string;
  ours: JsonValue | undefined;
  theirs: JsonValue | undefined;
  winner: 'ours' | 'theirs';
}

export interface Merged {
  /** Our fields after it. */
  fields: JsonObject;
  /** What both sides agree on from now on, in the third party's shape. */
  agreed: JsonObject;
  changedFields: string[];
  conflicts: FieldConflict[];
  /** False where a field here still waits to be sent. */
  isAgreed: boolean;
}

/** @param agreed null = they never agreed on anything: what is filled in here counts as changed here. */
export function mergePulled(
  mapping: RecordTypeMapping,
  ours: JsonObject,
  agreed: JsonObject | null,
  remote: JsonObject,
): Merged {
  const winner = mapping.onConflict ?? 'ours';
  const mapped = mapRecord(mapping, ours);
  const result: Merged = {
    fields: { ...ours },
    agreed: {},
    changedFields: [],
    conflicts: [],
    isAgreed: true,
  };
  for (const { name, path, read } of pulledFields(mapping)) {
    const here = Object.hasOwn(ours, name) ? ours[name] : undefined;
    const there = valueAt(remote, path);
    // A record that cannot be mapped has not been sent: compare what it holds in our words.
    const sent = mapped.ok ? valueAt(mapped.payload, path) : undefined;
    const isHeldAs = (value: JsonValue | undefined): boolean =>
      (mapped.ok && isEqual(sent, value)) || isEqual(here, value === undefined ? undefined : read(value));
    if (there !== undefined) setAt(result.agreed, path, there);
    if (isHeldAs(there)) continue;

    const base = agreed === null ? undefined : valueAt(agreed, path);
    const isChangedHere = agreed === null ? here !== undefined && here !== null : !isHeldAs(base);
    const isChangedThere = agreed === null || !isEqual(there, base);
    if (isChangedHere && isChangedThere)
      result.conflicts.push({ field: name, ours: here, theirs: there, winner });
    if (isChangedHere && (!isChangedThere || winner === 'ours')) result.isAgreed = false;
    else takeTheirs(result, name, there === undefined ? undefined : read(there));
  }
  for (const { to, constant } of mapping.fields)
    if (constant !== undefined) setAt(result.agreed, toPath(to), constant);
  return result;
}

function takeTheirs(result: Merged, name: string, value: JsonValue | undefined): void {
  if (value === undefined) delete result.fields[name];
  else result.fields[name] = value;
  result.changedFields.push(name);
}

/** Absent and null mean the same where one side cannot say the one or the other. */
function isEqual(a: JsonValue | undefined, b: JsonValue | undefined): boolean {
  return jsonEquals(a ?? null, b ?? null);
}

/**
 * A record that only comes from there: what is mapped takes theirs, what is not stays. @param isTheirs it was made from theirs. Where every field
 * is copied, what such a record holds beyond theirs is what is gone there.
 */
export function takeAll(
  mapping: RecordTypeMapping,
  ours: JsonObject,
  theirs: JsonObject,
  { isTheirs }: { isTheirs: boolean },
): JsonObject {
  if (isTheirs && copiesEveryField(mapping)) return theirs;
  const fields: JsonObject = { ...ours };
  for (const { name } of mapping.fields) if (name !== undefined) delete fields[name];
  return { ...fields, ...theirs };
}
