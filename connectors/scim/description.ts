/**
 * Record types as the server describes them at /Schemas (RFC 7643 7), with paths in the format of mappings:
 * `/name/givenName`, `/emails/0/value`. Schemas that it does not publish are taken from the standard.
 */
import { type JsonObject, isJsonObject } from '../../domain/json';
import type { RecordType, RecordTypeField } from '../../domain/records/record-type';
import type { ScimApi } from './api';
import type { ScimConfig } from './config';
import { FIELDS_BY_SCHEMA } from './fields';
import { readItems } from './responses';

const TYPES: Record<string, RecordTypeField['type']> = {
  string: 'string',
  boolean: 'boolean',
  decimal: 'number',
  integer: 'number',
  dateTime: 'datetime',
  complex: 'object',
};

/** Attributes of all resources, which a mapping cannot name. */
const COMMON = new Set(['id', 'externalId', 'meta', 'schemas']);

export async function describeResourceTypes(api: ScimApi, config: ScimConfig): Promise<RecordType[]> {
  const response = await api.schemas();
  const served = response === undefined ? [] : readItems(response).items.filter(isJsonObject);
  const types = Object.entries(config.record_types);
  const fieldsBySchema = { ...FIELDS_BY_SCHEMA };
  for (const schema of served) {
    const id = schema['id'];
    const isCore = types.some(([, { schemas }]) => schemas[0] === id);
    if (typeof id === 'string')
      fieldsBySchema[id] = attributesOf(schema, 'attributes').flatMap((attribute) =>
        toFields(attribute, isCore ? '' : `/${id}`, true),
      );
  }
  return types.map(([name, { schemas }]) => toRecordType(name, schemas, fieldsBySchema));
}

export function toRecordType(
  name: string,
  schemas: readonly string[],
  fieldsBySchema: Record<string, RecordTypeField[]>,
): RecordType {
  return {
    name,
    label: sentence(name.replaceAll('_', ' ')),
    fields: schemas.flatMap((schema) => fieldsBySchema[schema] ?? []),
  };
}

function toFields(attribute: JsonObject, parent: string, isParentRequired: boolean): RecordTypeField[] {
  const name = attribute['name'];
  if (typeof name !== 'string' || name === '') return [];
  if (parent === '' && COMMON.has(name)) return [];
  if (attribute['returned'] === 'never' || attribute['mutability'] === 'writeOnly') return [];
  const path = `${parent}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
  const isRequired = isParentRequired && attribute['required'] === true;
  const parts = attributesOf(attribute, 'subAttributes');
  const isList = attribute['multiValued'] === true;
  if (isList && !isListByKind(parts)) return [toField(path, name, 'array', isRequired)];
  if (parts.length > 0)
    return parts.flatMap((part) => toFields(part, isList ? `${path}/0` : path, isRequired));
  const values = textsOf(attribute['canonicalValues']);
  if (attribute['type'] === 'string' && values.length > 0)
    return [{ ...toField(path, name, 'picklist', isRequired), values }];
  return [toField(path, name, TYPES[attribute['type'] as string] ?? 'string', isRequired)];
}

/**
 * Lists with a type per element, such as work and home addresses, of which a mapping takes one. Excluded are
 * lists of references (groups, members) and plain lists.
 */
function isListByKind(parts: readonly JsonObject[]): boolean {
  const hasKinds = parts.some(
    ({ name, canonicalValues }) => name === 'type' && textsOf(canonicalValues).length > 0,
  );
  return hasKinds && !parts.some(({ name }) => name === '$ref');
}

function toField(
  path: string,
  name: string,
  type: RecordTypeField['type'],
  isRequired: boolean,
): RecordTypeField {
  return {
    name: path,
    label: LABELS.get(path) ?? sentence(name.replaceAll(/(?<=[a-z])(?=[A-Z])/g, ' ').toLowerCase()),
    type,
    isRequired,
  };
}

/** The labels of standard attributes come from the standard. */
const LABELS = new Map(
  Object.values(FIELDS_BY_SCHEMA).flatMap((fields) => fields.map(({ name, label }) => [name, label])),
);

function attributesOf(parent: JsonObject, key: 'attributes' | 'subAttributes'): JsonObject[] {
  const attributes = parent[key];
  return Array.isArray(attributes) ? attributes.filter(isJsonObject) : [];
}

function textsOf(values: unknown): string[] {
  return Array.isArray(values) ? [...new Set(values.filter((value) => typeof value === 'string'))] : [];
}

function sentence(words: string): string {
  return (words[0]?.toUpperCase() ?? '') + words.slice(1);
}
