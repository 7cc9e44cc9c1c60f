/**
 * The columns that identify a row, order an incremental run, and mark deleted rows, as the configuration
 * describes them.
 */
import type { TableConfig } from './config';
import { type Place, rejection } from './failures';

type Unit = 's' | 'ms' | 'us' | 'ns';

export interface Modified {
  columns: readonly string[];
  /** The time zone of a `timestamp` or `date`. */
  timeZone: string | undefined;
  /** The unit of a number that counts since 1970. */
  unit: Unit | undefined;
}

type Scalar = string | number | boolean | null;

/** `values` absent: true or a time marks the row. */
export interface DeletedMark {
  column: string;
  values?: readonly Scalar[];
}

const asList = <T>(value: T | readonly T[]): readonly T[] =>
  Array.isArray(value) ? (value as readonly T[]) : [value as T];

export function idColumns({ id }: TableConfig): readonly string[] {
  return asList(id);
}

export function modifiedOf({ modified }: TableConfig): Modified | null {
  if (modified === undefined) return null;
  if (typeof modified === 'string' || Array.isArray(modified))
    return { columns: asList(modified), timeZone: undefined, unit: undefined };
  const { column, time_zone: timeZone, unit } = modified;
  return { columns: asList(column), timeZone, unit };
}

export function deletedMarkOf({ deleted }: TableConfig): DeletedMark | null {
  if (deleted === undefined) return null;
  if (typeof deleted === 'string') return { column: deleted };
  return { column: deleted.column, values: asList(deleted.is) };
}

/** A row is identified by the texts of its id columns; those of several columns are a JSON list. */
export function remoteIdOf(values: readonly string[]): string {
  return values.length === 1 ? (values[0] as string) : JSON.stringify(values);
}

const FROM_MILLISECONDS: Record<Unit, [factor: bigint, divisor: bigint]> = {
  s: [1n, 1000n],
  ms: [1n, 1n],
  us: [1000n, 1n],
  ns: [1_000_000n, 1n],
};

/** An instant as the number that a column of this unit holds. */
export function toEpoch(instant: Date, unit: Unit): string {
  const [factor, divisor] = FROM_MILLISECONDS[unit];
  return String((BigInt(instant.getTime()) * factor) / divisor);
}

/** The instant of a value of the column; null for a date, which is none, and for local times. */
export function toInstant(text: string | null, modified: Modified | null): Date | null {
  if (text === null || modified === null || modified.timeZone !== undefined) return null;
  const [, day, time] = /^(\d{4}-\d\d-\d\d) ([\d:.]+)(?:\+00)?$/.exec(text) ?? [];
  let ms = day === undefined ? Number.NaN : Date.parse(`${day}T${time}Z`);
  if (modified.unit !== undefined) {
    const [factor, divisor] = FROM_MILLISECONDS[modified.unit];
    ms = (Number(text) * Number(divisor)) / Number(factor);
  }
  const instant = new Date(ms);
  return Number.isNaN(instant.getTime()) ? null : instant;
}

/** By the number that a type has in every PostgreSQL (pg_type.dat). */
const [WITH_ZONE, LOCAL, NUMBERS] = [1184, [1082, 1114], [20, 21, 23, 700, 701, 1700]];

/** Throws `RecordRejected` if a column of this type cannot be compared with an instant. */
export function refuseModifiedType({ timeZone, unit }: Modified, oid: number, place: Place): void {
  const problem = () => {
    if (NUMBERS.includes(oid))
      return unit === undefined ? 'It is a number. Set its "unit" to s, ms, us or ns.' : undefined;
    if (oid !== WITH_ZONE && !LOCAL.includes(oid))
      return 'Choose a column of type timestamptz, timestamp, date, or a number with its "unit".';
    if (unit !== undefined) return 'It is not a number. Remove "unit".';
    return oid === WITH_ZONE && timeZone !== undefined
      ? 'It has a time zone already. Remove "time_zone".'
      : undefined;
  };
  const explanation = problem();
  if (explanation === undefined) return;
  throw rejection(
    'modified_type',
    `The modified column of ${place.table} (record type ${place.recordType}) cannot be compared with a time.`,
    explanation,
  );
}
