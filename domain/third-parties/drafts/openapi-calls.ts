/** Finds the record types of an OpenAPI document: lists, and the calls beside them. */
import { type JsonObject, memberOf } from '../../json';
import { type ListParameters, listParametersOf, NEXT_CURSOR } from './draft';
import { isList, type OpenApiDocument, textAt } from './openapi-document';

const PATHS_MAX = 2_000;
const FIELDS_MAX = 100;
const SAFE_NAME = /^[A-Za-z_][A-Za-z0-9_-]{0,62}$/;
const UNSAFE = new Set(['__proto__', 'constructor', 'prototype']);

export interface Collection {
  path: string;
  list: ListParameters;
  /** JSON Pointer to the list in its answer. */
  items: string;
  itemFields: string[];
  /** A parameter of the list that is a field of its items. */
  search: string | undefined;
  create: { bodyAt: string; recordAt: string; fields: string[] } | undefined;
  read: boolean;
  update: 'PATCH' | 'PUT' | 'POST' | undefined;
  hasDelete: boolean;
}

export function collectionsOf(document: OpenApiDocument): { found: Collection[]; withParents: string[] } {
  const paths = document.at(document.root, 'paths') ?? {};
  const names = document.names(paths);
  const items = itemPathsOf(names);
  const found: Collection[] = [];
  const withParents: string[] = [];
  for (const path of names.slice(0, PATHS_MAX)) {
    if (!/^\/[!-~]*$/.test(path)) continue;
    const collection = collectionAt(document, { paths, items }, path);
    if (collection === undefined) continue;
    if (/[{}?#]/.test(path)) withParents.push(path);
    else found.push(collection);
  }
  return { found, withParents };
}

interface Paths {
  paths: JsonObject;
  /** The path of a single record by that of its list. */
  items: ReadonlyMap<string, string>;
}

function collectionAt(
  document: OpenApiDocument,
  { paths, items }: Paths,
  path: string,
): Collection | undefined {
  const here = document.at(paths, path);
  const get = document.at(here, 'get');
  const answer = answerOf(document, get);
  const listed = listedIn(document, answer);
  if (get === undefined || listed === undefined) return undefined;
  const parameters = [...document.objects(here, 'parameters'), ...document.objects(get, 'parameters')]
    .filter((parameter) => textAt(parameter, 'in') === 'query')
    .flatMap((parameter) => textAt(parameter, 'name') ?? []);
  const itemFields = namesOf(document, listed.item);
  const itemPath = items.get(path.replace(/\/$/, ''));
  const item = itemPath === undefined ? undefined : document.at(paths, itemPath);
  return {
    path,
    list: listParametersOf(parameters, cursorIn(document, answer)),
    items: listed.items,
    itemFields,
    search: parameters.find((name) => SEARCHED.test(name) && itemFields.includes(name)),
    create: creationOf(document, document.at(here, 'post')),
    read: document.at(item, 'get') !== undefined,
    update: (['PATCH', 'PUT', 'POST'] as const).find(
      (method) => document.at(item, method.toLowerCase()) !== undefined,
    ),
    hasDelete: document.at(item, 'delete') !== undefined,
  };
}

const SEARCHED = /^(external_?id|externalId|email|e_mail|sku|code|number|user_?name|login)$/i;

function itemPathsOf(paths: readonly string[]): Map<string, string> {
  const items = new Map<string, string>();
  for (const path of paths) {
    const item = path.replace(/\/$/, '');
    const end = item.lastIndexOf('/');
    const list = item.slice(0, Math.max(end, 0));
    if (/^\{[^{}/]+\}$/.test(item.slice(end + 1)) && !items.has(list)) items.set(list, path);
  }
  return items;
}

function answerOf(document: OpenApiDocument, operation: JsonObject | undefined): JsonObject | undefined {
  const responses = document.at(operation, 'responses');
  const status = document.names(responses).find((one) => /^2(\d\d|XX)$/i.test(one));
  return document.schemaOf(status === undefined ? undefined : document.at(responses, status));
}

/** The list in an answer: the answer itself, or one of its members, or a member of a member. */
function listedIn(
  document: OpenApiDocument,
  schema: JsonObject | undefined,
  depth = 0,
): { items: string; item: JsonObject | undefined } | undefined {
  if (schema === undefined) return undefined;
  if (isList(schema)) return { items: '', item: document.at(schema, 'items') };
  const properties = [...document.properties(schema)].filter(([name]) => isSafe(name));
  const direct = properties.find(
    ([, property]) => isList(property) && document.at(property, 'items') !== undefined,
  );
  if (direct !== undefined) return { items: `/${direct[0]}`, item: document.at(direct[1], 'items') };
  if (depth > 0) return undefined;
  for (const [name, property] of properties) {
    const inner = listedIn(document, property, depth + 1);
    if (inner !== undefined) return { ...inner, items: `/${name}${inner.items}` };
  }
  return undefined;
}

/** In the answer, or in a member of it that is an object, such as `meta`. */
function cursorIn(document: OpenApiDocument, schema: JsonObject | undefined, depth = 0): string | undefined {
  const properties = [...document.properties(schema)].filter(([name]) => isSafe(name));
  const here = properties.find(
    ([name, property]) => NEXT_CURSOR.test(name) && document.properties(property).size === 0,
  );
  if (here !== undefined) return `/${here[0]}`;
  if (depth > 0) return undefined;
  for (const [name, property] of properties) {
    const inner = cursorIn(document, property, depth + 1);
    if (inner !== undefined) return `/${name}${inner}`;
  }
  return undefined;
}

function creationOf(document: OpenApiDocument, post: JsonObject | undefined): Collection['create'] {
  if (post === undefined) return undefined;
  const body = document.schemaOf(document.at(post, 'requestBody'));
  const [at, schema] = unwrapped(document, body);
  const [recordAt] = unwrapped(document, answerOf(document, post));
  return { bodyAt: at, recordAt, fields: namesOf(document, schema) };
}

/** The only member of an object, if it is an object. */
function unwrapped(
  document: OpenApiDocument,
  schema: JsonObject | undefined,
): [at: string, schema: JsonObject | undefined] {
  const properties = [...document.properties(schema)];
  const [only] = properties;
  if (only === undefined || properties.length > 1 || !isSafe(only[0])) return ['', schema];
  return document.properties(only[1]).size > 0 ? [`/${only[0]}`, only[1]] : ['', schema];
}

function namesOf(document: OpenApiDocument, schema: JsonObject | undefined): string[] {
  return [...document.properties(schema)]
    .filter(([name, property]) => isSafe(name) && memberOf(property, 'readOnly') !== true)
    .map(([name]) => name)
    .slice(0, FIELDS_MAX);
}

const isSafe = (name: string): boolean => SAFE_NAME.test(name) && !UNSAFE.has(name);
