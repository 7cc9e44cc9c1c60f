/** Where the list, the record, its fields and the next page are, as the schemas of a document say it. */
import { type JsonObject, memberOf } from '../../json';
import { NEXT_CURSOR, type NextPage } from './draft';
import { isList, type OpenApiDocument, textAt } from './openapi-document';

const FIELDS_MAX = 100;
const SAFE_NAME = /^[A-Za-z_][A-Za-z0-9_-]{0,62}$/;
const UNSAFE = new Set(['__proto__', 'constructor', 'prototype']);
/** Beside a record or a list, and never it. */
const AROUND =
  /^(meta|_?links|included|jsonapi|errors|warnings|pagination|paging|status|message|success|ok|code)$/i;
/** The members of a resource of JSON:API. */
const RESOURCE = new Set(['id', 'lid', 'type', 'attributes', 'relationships', 'links', 'meta']);

const isSafe = (name: string): boolean => SAFE_NAME.test(name) && !UNSAFE.has(name);

const safeProperties = (document: OpenApiDocument, schema: JsonObject | undefined) =>
  [...document.properties(schema)].filter(([name]) => isSafe(name));

/** The list in an answer: the answer itself, or one of its members, or a member of a member. */
export function listedIn(
  document: OpenApiDocument,
  schema: JsonObject | undefined,
  depth = 0,
): { items: string; item: JsonObject | undefined } | undefined {
  if (schema === undefined) return undefined;
  if (isList(schema)) return { items: '', item: document.at(schema, 'items') };
  const properties = safeProperties(document, schema);
  const lists = properties.filter(
    ([, property]) => isList(property) && document.at(property, 'items') !== undefined,
  );
  const direct = lists.find(([name]) => !AROUND.test(name)) ?? lists[0];
  if (direct !== undefined) return { items: `/${direct[0]}`, item: document.at(direct[1], 'items') };
  if (depth > 0) return undefined;
  for (const [name, property] of properties) {
    const inner = listedIn(document, property, depth + 1);
    if (inner !== undefined) return { ...inner, items: `/${name}${inner.items}` };
  }
  return undefined;
}

/** In the answer, or in a member of it that is an object, such as `meta` or `links`. */
export function nextPageIn(
  document: OpenApiDocument,
  schema: JsonObject | undefined,
  parent = '',
): NextPage | undefined {
  const properties = safeProperties(document, schema);
  for (const [name, property] of properties) {
    if (!NEXT_CURSOR.test(name)) continue;
    const members = document.properties(property);
    if (members.has('href')) return { at: `/${name}/href`, isAddress: true };
    if (members.size === 0) return { at: `/${name}`, isAddress: isAddress(parent, name, property) };
  }
  if (parent !== '') return undefined;
  for (const [name, property] of properties) {
    const inner = nextPageIn(document, property, name);
    if (inner !== undefined) return { ...inner, at: `/${name}${inner.at}` };
  }
  return undefined;
}

const isAddress = (parent: string, name: string, schema: JsonObject): boolean =>
  /^_?links$/i.test(parent) ||
  /link|ur[il]$/i.test(name) ||
  /^(ur[il]|iri)(-reference)?$/.test(textAt(schema, 'format') ?? '');

/** The only member of an object that can be the record, if it is an object. */
export function unwrapped(
  document: OpenApiDocument,
  schema: JsonObject | undefined,
): [at: string, schema: JsonObject | undefined] {
  const inside = [...document.properties(schema)].filter(([name]) => !AROUND.test(name));
  const [only] = inside;
  if (only === undefined || inside.length > 1 || !isSafe(only[0])) return ['', schema];
  return document.properties(only[1]).size > 0 ? [`/${only[0]}`, only[1]] : ['', schema];
}

function attributesOf(document: OpenApiDocument, schema: JsonObject | undefined): JsonObject | undefined {
  const properties = document.properties(schema);
  const attributes = properties.get('attributes');
  const isResource = [...properties.keys()].every((name) => RESOURCE.has(name));
  return isResource && document.properties(attributes).size > 0 ? attributes : undefined;
}

/** As `to` of a mapping writes them: `/attributes/email` for a resource of JSON:API. */
export function fieldsOf(document: OpenApiDocument, schema: JsonObject | undefined): string[] {
  const attributes = attributesOf(document, schema);
  return attributes === undefined
    ? namesOf(document, schema)
    : namesOf(document, attributes).map((name) => `/attributes/${name}`);
}

/** The constant `type` of a resource of JSON:API; its value is absent if the document does not say it. */
export function typeOf(
  document: OpenApiDocument,
  schema: JsonObject | undefined,
): { value: string | undefined } | undefined {
  const type = document.properties(schema).get('type');
  if (type === undefined || attributesOf(document, schema) === undefined) return undefined;
  const options = memberOf(type, 'enum');
  const [only, ...others]: unknown[] = Array.isArray(options) ? options : [];
  const said = textAt(type, 'const') ?? (others.length === 0 && typeof only === 'string' ? only : undefined);
  return { value: said ?? textAt(type, 'default') ?? textAt(type, 'example') };
}

function namesOf(document: OpenApiDocument, schema: JsonObject | undefined): string[] {
  return safeProperties(document, schema)
    .filter(([, property]) => memberOf(property, 'readOnly') !== true)
    .map(([name]) => name)
    .slice(0, FIELDS_MAX);
}
