/**
 * Reads fields from a JSON Schema: names in the format of mappings (`/name/first`), types, required fields,
 * and picklists.
 */
import { type JsonObject, type JsonValue, isJsonObject } from '../../../domain/json';
import type { RecordTypeField } from '../../../domain/records/record-type';
import { readAt } from '../json-pointer';
import { inWords } from '../config/record-types';

const DEPTH_MAX = 5;
const FIELDS_MAX = 2_000;

/** Undefined if it is not the schema of an object. Unsupported parts become plain text fields. */
export function fieldsInSchema(schema: JsonValue | undefined): RecordTypeField[] | undefined {
  const root = resolved(schema, schema);
  if (root === undefined || !isJsonObject(root['properties'])) return undefined;
  const fields: RecordTypeField[] = [];
  collect(root, root, [], true, fields);
  return fields;
}

/** Limits depth and number, because a schema may refer to itself. */
function collect(
  schema: JsonObject,
  root: JsonObject,
  path: readonly string[],
  isRequiredSoFar: boolean,
  fields: RecordTypeField[],
): void {
  const required = Array.isArray(schema['required']) ? schema['required'] : [];
  for (const [key, value] of Object.entries(schema['properties'] as JsonObject)) {
    if (fields.length >= FIELDS_MAX) return;
    const property = resolved(value, root) ?? {};
    const isRequired = isRequiredSoFar && required.includes(key);
    const here = [...path, key];
    if (isJsonObject(property['properties']) && here.length < DEPTH_MAX)
      collect(property, root, here, isRequired, fields);
    else fields.push(fieldOf(property, here, isRequired));
  }
}

function fieldOf(property: JsonObject, path: readonly string[], isRequired: boolean): RecordTypeField {
  const [only = ''] = path;
  const canBulkInsert = path.length === 1 && !only.startsWith('/');
  const name = canBulkInsert
    ? only
    : `/${path.map((key) => key.replaceAll('~', '~0').replaceAll('/', '~1')).join('/')}`;
  const values = choicesOf(property);
  const title = property['title'];
  return {
    name,
    label: typeof title === 'string' && title !== '' ? title : inWords(path.join(' ')),
    type: values === undefined ? typeOf(property) : 'picklist',
    isRequired,
    ...(values !== undefined && { values }),
  };
}

/** `enum`, or alternatives of one constant each. */
function choicesOf({ enum: choices, oneOf, anyOf }: JsonObject): string[] | undefined {
  const alternatives = [oneOf, anyOf].find(
    (list) =>
      Array.isArray(list) && list.length > 0 && list.every((each) => isJsonObject(each) && 'const' in each),
  );
  const values = Array.isArray(choices)
    ? choices
    : (alternatives as JsonObject[] | undefined)?.map((each) => each['const'] as JsonValue);
  const found = values?.filter((value) => value !== null && typeof value !== 'object').map(String);
  return found === undefined || found.length === 0 ? undefined : [...new Set(found)];
}

function typeOf({ type, format }: JsonObject): RecordTypeField['type'] {
  const named = Array.isArray(type) ? type.find((each) => each !== 'null') : type;
  if (named === 'string' && format === 'date') return 'date';
  if (named === 'string' && format === 'date-time') return 'datetime';
  if (named === 'integer') return 'number';
  return named === 'number' || named === 'boolean' || named === 'object' || named === 'array'
    ? named
    : 'string';
}

/** Resolves a reference within the same document. */
function resolved(schema: JsonValue | undefined, root: JsonValue | undefined): JsonObject | undefined {
  let current = schema;
  for (let step = 0; step < DEPTH_MAX && isJsonObject(current); step += 1) {
    const reference = current['$ref'];
    if (typeof reference !== 'string' || !reference.startsWith('#')) return current;
    current = readAt(root, reference.slice(1));
  }
  return undefined;
}
