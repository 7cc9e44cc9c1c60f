/**
 * Record types as the server describes them at /Schemas (RFC 7643 7), with paths in the format of mappings:
 * `/name/givenName`, `emails[type eq "work"].value`. Schemas that it does not publish are taken from the
 * standard.
 */
import { type JsonObject, isJsonObject } from '../../domain/json';
import type { RecordType, RecordTypeField } from '../../domain/records/record-type';
import type { ScimCalls } from './calls';
import type { ScimConfig } from './config';
import { FIELDS_BY_SCHEMA, isSameSchema, memberPlace, primaryPlace } from './fields';
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

export async function describeResourceTypes(api: ScimCalls, config: ScimConfig): Promise<RecordType[]> {
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
  if (memberNamed(attribute, 'multiValued') === true)
    return isListByKind(parts)
      ? toSelectedFields(parent === '' ? name : `${parent.slice(1)}:${name}`, parts)
      : [toField(path, name, 'array', isRequired)];
  if (parts.length > 0) return parts.flatMap((part) => toFields(part, path, isRequired));
  const values = kindsOf(attribute);
  if (isText(attribute, 'type', 'string') && values.length > 0)
    return [{ ...toField(path, name, 'picklist', isRequired), values }];
  return [toField(path, name, typeOf(attribute), isRequired)];
}

/** A field per type and sub-attribute of a list, and one for the value of its primary member. */
function toSelectedFields(list: string, parts: readonly JsonObject[]): RecordTypeField[] {
  const types = parts.filter((part) => isText(part, 'name', 'type')).flatMap(kindsOf);
  const fields = types.flatMap((type) =>
    parts
      .filter((part) => !isText(part, 'name', 'type'))
      .flatMap((part) => toFields(part, `/${list}`, false))
      .map((field) => {
        const part = field.name.slice(list.length + 2);
        const place = memberPlace(list, type, part);
        const label = part === 'value' ? words(list.split(':').at(-1) ?? '') : field.label;
        return { ...field, name: place, label: LABELS.get(place) ?? `${label} (${type})` };
      }),
  );
  const isMarked = ['primary', 'value'].every((name) => parts.some((part) => isText(part, 'name', name)));
  if (!isMarked) return fields;
  const place = primaryPlace(list);
  return [...fields, toField(place, `${list} (primary)`, 'string', false)];
}

function kindsOf(attribute: JsonObject): string[] {
  return textsOf(memberNamed(attribute, 'canonicalValues'));
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
  const hasKinds = parts.some((part) => isText(part, 'name', 'type') && kindsOf(part).length > 0);
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
    label: LABELS.get(path) ?? words(name),
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

/** `phoneNumbers` is "Phone numbers". */
function words(name: string): string {
  return sentence(name.replaceAll(/(?<=[a-z])(?=[A-Z])/g, ' ').toLowerCase());
}

function sentence(text: string): string {
  return (text[0]?.toUpperCase() ?? '') + text.slice(1);
}
