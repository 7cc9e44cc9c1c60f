/** A third party's record type: its fields, their types and picklists (rules.md 13). */
export interface RecordTypeField {
  /** The third party's name or path of the field, in the format of a mapping's `to`. */
  name: string;
  label: string;
  type: 'string' | 'number' | 'boolean' | 'date' | 'datetime' | 'picklist' | 'object' | 'array';
  isRequired: boolean;
  /** Only for `picklist`. */
  values?: string[];
}

export interface RecordType {
  name: string;
  label: string;
  fields: RecordTypeField[];
}
