/**
 * Merges a pulled record into the local one, field by field (rules.md 17): a field with an unsent local
 * change keeps its value, other fields take the remote value, and a field that changed on both sides is a
 * conflict.
 *
 * Changes are measured against `agreed`, the last payload that both sides had: remote values, and local
 * values as they would be sent. A push that is read back is therefore no change.
 */
import { equalsUnordered, type JsonObject, type JsonValue } from '../json';
import { mapRecord, type RecordTypeMapping } from '../records/mapping';
import { parsePlace, setAt, valueAt } from '../records/place';
import { copiesEveryField, pulledFields } from './reverse-mapping';

interface FieldConflict {
  field: string;
  ours: JsonValue | undefined;
  theirs: JsonValue | undefined;
  winner: 'ours' | 'theirs';
}

export interface Merged {
  /** The local fields after the merge. */
  fields: JsonObject;
  /** The payload that both sides agree on from now on, in the third party's format. */
  agreed: JsonObject;
  changedFields: string[];
  conflicts: FieldConflict[];
  /** False if a local field still has to be sent. */
  isAgreed: boolean;
}

/**
 * @param agreed null = the sides never agreed on a payload: every local value that is set counts as a local
 * change.
 */
export function mergePulled(
  mapping: RecordTypeMapping,
  local: JsonObject,
  agreed: JsonObject | null,
  remote: JsonObject,
): Merged {
  const winner = mapping.onConflict ?? 'ours';
  const mapped = mapRecord(mapping, local);
  const sent = mapped.ok ? mapped.payload : null;
  const result: Merged = {
    fields: { ...local },
    agreed: {},
    changedFields: [],
    conflicts: [],
    isAgreed: true,
  };
  for (const field of pulledFields(mapping)) {
    const { name, path, read } = field;
    const remoteValue = valueAt(remote, path);
    if (remoteValue !== undefined) setAt(result.agreed, path, remoteValue);

    const changedBy = whoChanged(field, { local, sent, agreed, remote });
    if (changedBy === 'neither') continue;
    if (changedBy === 'both')
      result.conflicts.push({ field: name, ours: ownValue(local, name), theirs: remoteValue, winner });
    const keepsLocal = changedBy === 'local' || (changedBy === 'both' && winner === 'ours');
    if (keepsLocal) result.isAgreed = false;
    else setField(result, name, remoteValue === undefined ? undefined : read(remoteValue));
  }
  for (const { to, constant } of mapping.fields)
    if (constant !== undefined) setAt(result.agreed, parsePlace(to), constant);
  return result;
}

interface Sides {
  local: JsonObject;
  /** The local record as it would be sent; null if it cannot be mapped. */
  sent: JsonObject | null;
  agreed: JsonObject | null;
  remote: JsonObject;
}

/** Which side changed a field since both agreed on it. Equal values on both sides are no change. */
function whoChanged(
  { name, path, read }: ReturnType<typeof pulledFields>[number],
  { local, sent, agreed, remote }: Sides,
): 'neither' | 'local' | 'remote' | 'both' {
  const localValue = ownValue(local, name);
  const remoteValue = valueAt(remote, path);
  // A record that cannot be mapped was never sent, so its local values are compared.
  const equalsLocal = (value: JsonValue | undefined): boolean =>
    (sent !== null && isEqual(valueAt(sent, path), value)) ||
    isEqual(localValue, value === undefined ? undefined : read(value));
  if (equalsLocal(remoteValue)) return 'neither';
  if (agreed === null) return localValue === undefined || localValue === null ? 'remote' : 'both';
  const base = valueAt(agreed, path);
  if (equalsLocal(base)) return 'remote';
  return isEqual(remoteValue, base) ? 'local' : 'both';
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
  return equalsUnordered(a ?? null, b ?? null);
}

/**
 * Merges a record type that is only pulled: mapped fields take the third party's values, the others stay.
 * @param isCreatedByPull if every field is copied, the third party has deleted the fields that it lacks.
 */
export function takeAll(
  mapping: RecordTypeMapping,
  local: JsonObject,
  pulled: JsonObject,
  { isCreatedByPull }: { isCreatedByPull: boolean },
): JsonObject {
  if (isCreatedByPull && copiesEveryField(mapping)) return pulled;
  const fields: JsonObject = { ...local };
  for (const { name } of mapping.fields) if (name !== undefined) delete fields[name];
  return { ...fields, ...pulled };
}
