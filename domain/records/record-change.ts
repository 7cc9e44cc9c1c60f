/**
 * What a change makes of a record (rules.md 7): versions only grow, an older change neither overwrites nor
 * extends, and the same change twice is one change. A PATCH is compared field by field (rules.md 55). Fields
 * that a third party owns are read-only (rules.md 17).
 */
import { type JsonObject, jsonEquals } from '../json';
import {
  fieldVersionsAfter,
  isOlderThan,
  versionOfField,
  versionOfRecord,
  type VersionedFields,
} from './field-versions';
import { isSent, namesOf, type RecordTypeMapping } from './mapping';

export interface RecordChange {
  recordType: string;
  externalId: string;
  /** `put` replaces all fields, `patch` the ones it names (null is a value), `delete` removes the record. */
  kind: 'put' | 'patch' | 'delete';
  fields: JsonObject;
  /** The caller's own version; must increase. Absent: the stored version plus one. */
  version?: number | undefined;
  /**
   * When the change happened in the caller's system; orders changes without a version. Never moves a
   * deadline.
   */
  occurredAt?: Date | undefined;
}

export interface VersionedRecord extends VersionedFields {
  fields: JsonObject;
  isDeleted: boolean;
}

export type AppliedChange =
  | { outcome: 'applied'; record: VersionedRecord; changedFields: string[]; staleFields: string[] }
  /**
   * The record already has these values: the caller gets the same response. At most `occurredAt` and the
   * versions of fields have increased.
   */
  | { outcome: 'unchanged'; record: VersionedRecord; staleFields: string[] }
  | { outcome: 'stale' | 'version_reused' | 'not_found' };

export function applyChange(current: VersionedRecord | null, change: RecordChange, now: Date): AppliedChange {
  if (current === null && change.kind !== 'put') return { outcome: 'not_found' };
  const occurredAt = change.occurredAt ?? now;
  if (current === null) {
    const record = { version: change.version ?? 1, fields: change.fields, isDeleted: false, occurredAt };
    return { outcome: 'applied', record, changedFields: Object.keys(change.fields), staleFields: [] };
  }

  if (isOlderThan(change, versionOfRecord(current)))
    return change.kind === 'patch' && !current.isDeleted
      ? applyLatePatch(current, change)
      : { outcome: 'stale' };
  if (change.kind === 'patch' && current.isDeleted) return { outcome: 'not_found' };

  const fields = fieldsAfter(current, change);
  const isDeleted = change.kind === 'delete';
  const changedFields = differingFields(current.fields, fields);
  const isSame = changedFields.length === 0 && isDeleted === current.isDeleted;
  if (isSame && change.version === undefined) return confirm(current, change);
  if (change.version === current.version)
    return isSame
      ? { outcome: 'unchanged', record: current, staleFields: [] }
      : { outcome: 'version_reused' };

  const version = change.version ?? current.version + 1;
  const record = {
    version,
    fields,
    isDeleted,
    // An older clock must not make a newer version look old to the next change.
    occurredAt: laterOf(current.occurredAt, occurredAt),
    fieldVersions:
      change.kind === 'patch'
        ? fieldVersionsAfter(current, Object.keys(change.fields), { version, occurredAt })
        : null,
  };
  return { outcome: 'applied', record, changedFields, staleFields: [] };
}

/**
 * Said again later: what comes late from between the two is older than what was confirmed. Without an instant
 * nothing says when that was.
 */
function confirm(current: VersionedRecord, { kind, fields, occurredAt }: RecordChange): AppliedChange {
  if (occurredAt === undefined) return { outcome: 'unchanged', record: current, staleFields: [] };
  const record = {
    ...current,
    occurredAt: laterOf(current.occurredAt, occurredAt),
    fieldVersions: kind === 'patch' ? fieldVersionsAfter(current, Object.keys(fields), { occurredAt }) : null,
  };
  return { outcome: 'unchanged', record, staleFields: [] };
}

/**
 * A PATCH that is older than the record applies to the fields that nothing newer has changed (rules.md 55).
 * A record with versions of the caller keeps its version: the next one of the caller must remain higher.
 */
function applyLatePatch(current: VersionedRecord, change: RecordChange): AppliedChange {
  const isStale = (field: string): boolean => isOlderThan(change, versionOfField(current, field));
  const staleFields = Object.keys(change.fields).filter(isStale);
  const late = Object.fromEntries(Object.entries(change.fields).filter(([field]) => !isStale(field)));
  if (Object.keys(late).length === 0) return { outcome: 'stale' };

  const fields = { ...current.fields, ...late };
  const changedFields = differingFields(current.fields, fields);
  if (changedFields.some((field) => versionOfField(current, field)[0] === change.version))
    return { outcome: 'version_reused' };

  const isSame = changedFields.length === 0;
  const next = isSame ? undefined : current.version + 1;
  const record = {
    version: change.version === undefined ? (next ?? current.version) : current.version,
    fields,
    isDeleted: false,
    occurredAt: laterOf(current.occurredAt, change.occurredAt),
    fieldVersions: fieldVersionsAfter(current, Object.keys(late), {
      version: change.version ?? next,
      occurredAt: change.occurredAt,
    }),
  };
  return isSame
    ? { outcome: 'unchanged', record, staleFields }
    : { outcome: 'applied', record, changedFields, staleFields };
}

function laterOf(a: Date, b: Date | undefined): Date {
  return b !== undefined && b > a ? b : a;
}

function fieldsAfter(current: VersionedRecord, change: RecordChange): JsonObject {
  if (change.kind === 'put') return change.fields;
  return change.kind === 'patch' ? { ...current.fields, ...change.fields } : current.fields;
}

function differingFields(before: JsonObject, after: JsonObject): string[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names].filter(
    (name) =>
      Object.hasOwn(before, name) !== Object.hasOwn(after, name) || !jsonEquals(before[name], after[name]),
  );
}

export interface Owner {
  integrationId: string;
  /** null = every field. */
  fields: ReadonlySet<string> | null;
  /** The record itself may be deleted here. */
  isOfFieldsOnly?: true;
}

/** Of a record type of both directions, a third party owns the fields that are only read. */
export function ownerOf(integrationId: string, { direction, fields }: RecordTypeMapping): Owner {
  if (direction === 'pull')
    return { integrationId, fields: fields.length === 0 ? null : new Set(fields.flatMap(namesOf)) };
  const owned = fields.filter((field) => !isSent(field));
  return { integrationId, fields: new Set(owned.flatMap(namesOf)), isOfFieldsOnly: true };
}

export type OwnedChange =
  | { kind: 'allowed'; change: RecordChange }
  | { kind: 'refused'; owner: Owner; fields: string[] };

/**
 * Fields that a third party owns are read-only in Syncline (rules.md 17). A change that would alter such a
 * field is refused. A `put` without the field keeps the field's value.
 *
 * @param current the record's fields before the change.
 */
export function respectOwners(
  change: RecordChange,
  current: JsonObject,
  owners: readonly Owner[],
): OwnedChange {
  const isOwned = (field: string): Owner | undefined =>
    owners.find(({ fields }) => fields === null || fields.has(field));
  const ofRecord = owners.find(({ isOfFieldsOnly }) => isOfFieldsOnly !== true);
  if (change.kind === 'delete' && ofRecord !== undefined)
    return { kind: 'refused', owner: ofRecord, fields: [] };
  if (owners.length === 0 || change.kind === 'delete') return { kind: 'allowed', change };
  const altered = Object.keys(change.fields).filter(
    (field) => isOwned(field) !== undefined && !jsonEquals(change.fields[field], current[field]),
  );
  const owner = altered[0] === undefined ? undefined : isOwned(altered[0]);
  if (owner !== undefined) return { kind: 'refused', owner, fields: altered };
  if (change.kind === 'patch') return { kind: 'allowed', change };
  const kept = Object.fromEntries(Object.entries(current).filter(([field]) => isOwned(field) !== undefined));
  return { kind: 'allowed', change: { ...change, fields: { ...kept, ...change.fields } } };
}
