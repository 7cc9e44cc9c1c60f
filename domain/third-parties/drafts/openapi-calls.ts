/** Finds the record types of an OpenAPI document: lists, and the calls beside them. */
import { type JsonObject, memberOf } from '../../json';
import { bareName, type ListParameter, type ListParameters, listParametersOf } from './draft';
import { type OpenApiDocument, textAt } from './openapi-document';
import { fieldsOf, listedIn, nextPageIn, typeOf, unwrapped } from './openapi-shapes';

const PATHS_MAX = 2_000;

export interface Collection {
  path: string;
  list: ListParameters;
  /** JSON Pointer to the list in its answer. */
  items: string;
  itemFields: string[];
  /** A parameter of the list, and the field of its items that it is. */
  search: { parameter: string; to: string } | undefined;
  create: { bodyAt: string; recordAt: string; fields: string[]; mediaType: string | undefined } | undefined;
  read: boolean;
  update: { method: 'PATCH' | 'PUT' | 'POST'; mediaType: string | undefined } | undefined;
  hasDelete: boolean;
  /** Of the answer of the list. */
  mediaType: string | undefined;
  /** What each body says as its `type`, as in JSON:API. `isGuess`: the document does not say it. */
  type: { value: string; isGuess: boolean } | undefined;
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
  const response = responseOf(document, get);
  const answer = document.schemaOf(response);
  const listed = listedIn(document, answer);
  if (get === undefined || listed === undefined) return undefined;
  const parameters = [...document.objects(here, 'parameters'), ...document.objects(get, 'parameters')]
    .filter((parameter) => textAt(parameter, 'in') === 'query')
    .flatMap((parameter) => parameterOf(document, parameter) ?? []);
  const itemFields = fieldsOf(document, listed.item);
  const itemPath = items.get(path.replace(/\/$/, ''));
  const item = itemPath === undefined ? undefined : document.at(paths, itemPath);
  const type = typeOf(document, listed.item);
  return {
    path,
    list: listParametersOf(parameters, nextPageIn(document, answer)),
    items: listed.items,
    itemFields,
    search: searchIn(parameters, itemFields),
    create: creationOf(document, document.at(here, 'post')),
    read: document.at(item, 'get') !== undefined,
    update: updateOf(document, item),
    hasDelete: document.at(item, 'delete') !== undefined,
    mediaType: document.mediaTypeOf(response),
    type: type && { value: type.value ?? path.split('/').findLast(Boolean) ?? '', isGuess: !type.value },
  };
}

function parameterOf(document: OpenApiDocument, parameter: JsonObject): ListParameter | undefined {
  const name = textAt(parameter, 'name');
  const maximum = memberOf(document.at(parameter, 'schema') ?? {}, 'maximum');
  const isSize = typeof maximum === 'number' && maximum >= 1;
  return name === undefined ? undefined : { name, sizeMax: isSize ? Math.floor(maximum) : undefined };
}

function searchIn(parameters: readonly ListParameter[], fields: readonly string[]): Collection['search'] {
  for (const { name } of parameters) {
    const to = fields.find((field) => field.slice(field.lastIndexOf('/') + 1) === bareName(name));
    if (to !== undefined && SEARCHED.test(bareName(name))) return { parameter: name, to };
  }
  return undefined;
}

function updateOf(document: OpenApiDocument, item: JsonObject | undefined): Collection['update'] {
  const method = (['PATCH', 'PUT', 'POST'] as const).find(
    (name) => document.at(item, name.toLowerCase()) !== undefined,
  );
  if (method === undefined) return undefined;
  const body = document.at(document.at(item, method.toLowerCase()), 'requestBody');
  return { method, mediaType: document.mediaTypeOf(body) };
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

function responseOf(document: OpenApiDocument, operation: JsonObject | undefined): JsonObject | undefined {
  const responses = document.at(operation, 'responses');
  const status = document.names(responses).find((one) => /^2(\d\d|XX)$/i.test(one));
  return status === undefined ? undefined : document.at(responses, status);
}

function creationOf(document: OpenApiDocument, post: JsonObject | undefined): Collection['create'] {
  if (post === undefined) return undefined;
  const body = document.at(post, 'requestBody');
  const [bodyAt, schema] = unwrapped(document, document.schemaOf(body));
  const [recordAt] = unwrapped(document, document.schemaOf(responseOf(document, post)));
  return { bodyAt, recordAt, fields: fieldsOf(document, schema), mediaType: document.mediaTypeOf(body) };
}
