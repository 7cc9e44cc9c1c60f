/**
 * Merges a pulled record into the local one, field by field (rules.md 17): a field with an unsent local
 * change keeps its value, other fields take the remote value, and a field that changed on both sides is a
 * conflict.
 *
 * Changes are measured against `agreed`, the last payload that both sides had: remote values, and local
 * values as they would be sent. A push that is read back is therefore no change.
 */
import { type JsonObject, type JsonValue, jsonEquals } from '../json';
import { mapRecord, type RecordTypeMapping, setAt, toPath } from '../records/mapping';
import { copiesEveryField, pulledFields, valueAt } from './reverse-mapping';

interface FieldConflict {
  field: string;
  ours: JsonValue | undefined;
  theirs: JsonValue | undefined;
  winner: 'ours' | 'theirs';
}

export interface Merged {
  /** Our fields after the merge. */
  fields: JsonObject;
  /** The payload that both sides agree on from now on, in the third party's format. */
  agreed: JsonObject;
  changedFields: string[];
  conflicts: FieldConflict[];
  /** False if a field here still has to be sent. */
  isAgreed: boolean;
}

/**
 * @param agreed null = the sides never agreed on a payload: every value that is set here counts as changed
 * here.
 */
export function mergePulled(
  mapping: RecordTypeMapping,
  ours: JsonObject,
  agreed: JsonObject | null,
  remote: JsonObject,
): Merged {
  const winner = mapping.onConflict ?? 'ours';
  const mapped = mapRecord(mapping, ours);
  const sent = mapped.ok ? mapped.payload : null;
  const result: Merged = {
    fields: { ...ours },
    agreed: {},
    changedFields: [],
    conflicts: [],
    isAgreed: true,
  };
  for (const field of pulledFields(mapping)) {
    const { name, path, read } = field;
    const there = valueAt(remote, path);
    if (there !== undefined) setAt(result.agreed, path, there);

    const changedBy = whoChanged(field, { ours, sent, agreed, remote });
    if (changedBy === 'neither') continue;
    if (changedBy === 'both')
      result.conflicts.push({ field: name, ours: ownValue(ours, name), theirs: there, winner });
    const keepsOurs = changedBy === 'us' || (changedBy === 'both' && winner === 'ours');
    if (keepsOurs) result.isAgreed = false;
    else setField(result, name, there === undefined ? undefined : read(there));
  }
  for (const { to, constant } of mapping.fields)
    if (constant !== undefined) setAt(result.agreed, toPath(to), constant);
  return result;
}

interface Sides {
  ours: JsonObject;
  /** Our record as it would be sent; null if it cannot be mapped. */
  sent: JsonObject | null;
  agreed: JsonObject | null;
  remote: JsonObject;
}

/** Which side changed a field since both agreed on it. Equal values on both sides are no change. */
function whoChanged(
  { name, path, read }: ReturnType<typeof pulledFields>[number],
  { ours, sent, agreed, remote }: Sides,
): 'neither' | 'us' | 'them' | 'both' {
  const here = ownValue(ours, name);
  const there = valueAt(remote, path);
  // A record that cannot be mapped was never sent, so it is compared in our own representation.
  const equalsOurs = (value: JsonValue | undefined): boolean =>
    (sent !== null && isEqual(valueAt(sent, path), value)) ||
    isEqual(here, value === undefined ? undefined : read(value));
  if (equalsOurs(there)) return 'neither';
  if (agreed === null) return here === undefined || here === null ? 'them' : 'both';
  const base = valueAt(agreed, path);
  if (equalsOurs(base)) return 'them';
  return isEqual(there, base) ? 'us' : 'both';
}

function ownValue(fields: JsonObject, name: string): JsonValue | undefined {
  return Object.hasOwn(fields, name) ? fields[name] : undefined;
}

function setField(result: Merged, name: string, value: JsonValue | undefined): void {
  if (value === undefined) delete result.fields[name];
  else result.fields[name] = value;
  result.changedFields.push(name);
}

/** Absent and null are equal: some third parties cannot express one of them. */
function isEqual(a: JsonValue | undefined, b: JsonValue | undefined): boolean {
  return jsonEquals(a ?? null, b ?? null);
}

/**
 * Merges a record type that is only pulled: mapped fields take the third party's values, the others stay.
 * @param isTheirs the record was created by a pull. If every field is copied, its other fields were deleted
 * by the third party.
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
