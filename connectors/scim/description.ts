/**
 * Record types as the server describes them at /Schemas (RFC 7643 7), with paths in the format of mappings:
 * `/name/givenName`, `/emails/0/value`. Schemas that it does not publish are taken from the standard.
 */
import { type JsonObject, isJsonObject } from '../../domain/json';
import type { RecordType, RecordTypeField } from '../../domain/records/record-type';
import type { ScimApi } from './api';
import type { ScimConfig } from './config';
import { FIELDS_BY_SCHEMA, isSameSchema } from './fields';
import { AttributeNames, attributePath, memberNamed } from './names';
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
  const known = new Set([...Object.keys(FIELDS_BY_SCHEMA), ...types.flatMap(([, { schemas }]) => schemas)]);
  for (const schema of served) {
    const servedId = memberNamed(schema, 'id');
    const id = [...known].find((name) => isSameSchema(servedId, name));
    if (id === undefined) continue;
    const isCore = types.some(([, { schemas }]) => isSameSchema(id, schemas[0] ?? ''));
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
  const known = Object.entries(fieldsBySchema);
  return {
    name,
    label: sentence(name.replaceAll('_', ' ')),
    fields: schemas.flatMap((schema) => known.find(([id]) => isSameSchema(id, schema))?.[1] ?? []),
  };
}

/** Names as the standard writes them, whatever their case is in the description of the service. */
const names = new AttributeNames();

function toFields(attribute: JsonObject, parent: string, isParentRequired: boolean): RecordTypeField[] {
  const described = memberNamed(attribute, 'name');
  if (typeof described !== 'string' || described === '') return [];
  const name = names.spell([...(parent === '' ? [] : attributePath(parent)), described]);
  if (parent === '' && COMMON.has(name)) return [];
  if (isText(attribute, 'returned', 'never') || isText(attribute, 'mutability', 'writeOnly')) return [];
  const path = `${parent}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
  const isRequired = isParentRequired && memberNamed(attribute, 'required') === true;
  const parts = attributesOf(attribute, 'subAttributes');
  const isList = memberNamed(attribute, 'multiValued') === true;
  if (isList && !isListByKind(parts)) return [toField(path, name, 'array', isRequired)];
  if (parts.length > 0)
    return parts.flatMap((part) => toFields(part, isList ? `${path}/0` : path, isRequired));
  const values = textsOf(memberNamed(attribute, 'canonicalValues'));
  if (isText(attribute, 'type', 'string') && values.length > 0)
    return [{ ...toField(path, name, 'picklist', isRequired), values }];
  return [toField(path, name, typeOf(attribute), isRequired)];
}

function typeOf(attribute: JsonObject): RecordTypeField['type'] {
  const type = Object.keys(TYPES).find((name) => isText(attribute, 'type', name));
  return TYPES[type ?? 'string'] ?? 'string';
}

function isText(attribute: JsonObject, name: string, expected: string): boolean {
  const value = memberNamed(attribute, name);
  return typeof value === 'string' && value.toLowerCase() === expected.toLowerCase();
}

/**
 * Lists with a type per element, such as work and home addresses, of which a mapping takes one. Excluded are
 * lists of references (groups, members) and plain lists.
 */
function isListByKind(parts: readonly JsonObject[]): boolean {
  const hasKinds = parts.some(
    (part) => isText(part, 'name', 'type') && textsOf(memberNamed(part, 'canonicalValues')).length > 0,
  );
  return hasKinds && !parts.some((part) => isText(part, 'name', '$ref'));
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
  const attributes = memberNamed(parent, key);
  return Array.isArray(attributes) ? attributes.filter(isJsonObject) : [];
}

function textsOf(values: unknown): string[] {
  return Array.isArray(values) ? [...new Set(values.filter((value) => typeof value === 'string'))] : [];
}

function sentence(words: string): string {
  return (words[0]?.toUpperCase() ?? '') + words.slice(1);
}
