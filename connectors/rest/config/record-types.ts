/** The fields of a record type according to the configuration, for the pickers of the console. */
import type { RecordType } from '../../../domain/records/record-type';
import type { RecordTypeConfig } from './config';

export function describeRecordType(
  name: string,
  { label, known_fields: fields = [] }: RecordTypeConfig,
): RecordType {
  return {
    name,
    label: label ?? inWords(name),
    fields: fields.map((field) => ({
      name: field.name,
      label: field.label ?? inWords(field.name),
      type: field.type ?? (field.values === undefined ? 'string' : 'picklist'),
      isRequired: field.is_required ?? false,
      ...(field.values !== undefined && { values: field.values }),
    })),
  };
}

/** `first_name` and `/name/first` as `First name` and `Name first`. */
export function inWords(name: string): string {
  const words = name.replaceAll(/[/_-]+/g, ' ').trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}
