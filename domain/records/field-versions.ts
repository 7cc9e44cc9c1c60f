/**
 * When each field of a record was last changed (rules.md 55). A PATCH is compared with the fields that it
 * names: an older one still applies to a field that nothing newer has changed.
 */

/**
 * The version of a change, when it occurred in milliseconds since 1970, and whether it was read from a third
 * party.
 */
type FieldVersion = readonly [version: number, occurredAtMs: number, isPulled?: true];

/** Absent: every field is as new as the record, because one change has replaced them all. */
export interface FieldVersions {
  /** Of the fields that are not listed: the last change of all fields. */
  others: FieldVersion;
  /** Of the fields that were changed since then. */
  fields: Record<string, FieldVersion>;
}

export interface VersionedFields {
  version: number;
  occurredAt: Date;
  fieldVersions?: FieldVersions | null | undefined;
}

/** The caller's version of a change, and when it occurred. */
interface VersionOfChange {
  version?: number | undefined;
  occurredAt?: Date | undefined;
  /** It was read from a third party. */
  isPulled?: boolean;
}

export function isOlderThan(
  { version, occurredAt }: VersionOfChange,
  [otherVersion, otherAtMs]: FieldVersion,
): boolean {
  if (version !== undefined) return version < otherVersion;
  return occurredAt !== undefined && occurredAt.getTime() < otherAtMs;
}

export function versionOfField(record: VersionedFields, field: string): FieldVersion {
  const { fieldVersions } = record;
  if (fieldVersions === undefined || fieldVersions === null) return versionOfRecord(record);
  const own = Object.hasOwn(fieldVersions.fields, field) ? fieldVersions.fields[field] : undefined;
  return own ?? fieldVersions.others;
}

/** True if the last change of the field was read from a third party. */
export function isPulledField(record: VersionedFields, field: string): boolean {
  return versionOfField(record, field)[2] === true;
}

export function versionOfRecord({ version, occurredAt }: VersionedFields): FieldVersion {
  return [version, occurredAt.getTime()];
}

/**
 * The versions of the record's fields after a change of these ones. An instant never moves back.
 *
 * @param version absent: the fields keep their versions. They were confirmed, not changed.
 * @param occurredAt absent: the fields keep their instants.
 * @returns the same object if nothing moved.
 */
export function fieldVersionsAfter(
  record: VersionedFields,
  fields: readonly string[],
  { version, occurredAt, isPulled = false }: VersionOfChange,
): FieldVersions | null {
  const moved = fields.flatMap((field): [string, FieldVersion][] => {
    const [ownVersion, ownAtMs] = versionOfField(record, field);
    const after = [version ?? ownVersion, Math.max(ownAtMs, occurredAt?.getTime() ?? ownAtMs)] as const;
    if (after[0] === ownVersion && after[1] === ownAtMs) return [];
    return [[field, isPulled ? [...after, true] : after]];
  });
  const before = record.fieldVersions ?? null;
  if (moved.length === 0) return before;
  return {
    others: before?.others ?? versionOfRecord(record),
    fields: { ...before?.fields, ...Object.fromEntries(moved) },
  };
}
