/** The columns that the mapping of a record type reads. */
import { type RecordTypeMapping } from '../../domain/records/mapping';
import { parsePlace } from '../../domain/records/place';
import { type Place, rejection } from './failures';

/** The first step of each place in the third party's record is the name of a column. */
export function mappedColumns(mapping: RecordTypeMapping | undefined): string[] {
  const read = (mapping?.fields ?? []).filter(({ name }) => name !== undefined);
  return [...new Set(read.map(({ to }) => parsePlace(to)[0]))].filter((step) => typeof step === 'string');
}

/**
 * A mapped column that is missing from the result would empty its field in every record. Throws
 * `RecordRejected`, so the dataset fails and no record changes.
 */
export function refuseMissingColumns(
  mapping: RecordTypeMapping | undefined,
  present: ReadonlySet<string>,
  { table, recordType }: Place,
): void {
  const missing = mappedColumns(mapping).filter((name) => !present.has(name));
  if (missing.length === 0) return;
  const names = missing.map((name) => JSON.stringify(name)).join(', ');
  throw rejection(
    'column_missing',
    missing.length === 1
      ? `The column ${names} of ${table} (record type ${recordType}) is mapped but does not exist.`
      : `The columns ${names} of ${table} (record type ${recordType}) are mapped but do not exist.`,
    'No record was changed. Restore the column, or map the field to another column.',
  );
}
