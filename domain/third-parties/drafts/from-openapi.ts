/** A draft from an OpenAPI 3 document: guesses, and what a person has to decide. */
import { type JsonObject, memberOf } from '../../json';
import {
  decisionOfName,
  decisionOfWrites,
  decisionsOfList,
  type Draft,
  draftHead,
  mediaHeaders,
  mediaSettings,
  toLabel,
  toName,
  UnusableStart,
} from './draft';
import { modifiedSince } from './from-curl';
import { type Collection, collectionsOf } from './openapi-calls';
import { OpenApiDocument, textAt } from './openapi-document';
import { serverOf } from './openapi-server';
import { signInsOf } from './openapi-sign-in';

const RECORD_TYPES_MAX = 5;
const NAMED_MAX = 20;

export function draftFromOpenApi(root: JsonObject): Draft {
  const version = memberOf(root, 'openapi');
  if (typeof version !== 'string' || !version.startsWith('3.'))
    throw new UnusableStart(
      'The document is not OpenAPI 3: `openapi` must begin with 3. Convert documents of Swagger 2 first.',
    );
  const document = new OpenApiDocument(root);
  const { found, withParents } = collectionsOf(document);
  if (found.length === 0)
    throw new UnusableStart(
      'No list of records was found: a GET without parameters in its path whose answer has a list. References ' +
        'to other documents are not followed.',
    );
  const title = (textAt(document.at(root, 'info'), 'title') ?? 'Product').replaceAll(/[\p{Cc}]/gu, ' ');
  const name =
    title
      .replace(/\b(rest|api|openapi)\b/gi, '')
      .trim()
      .slice(0, 60) || 'Product';
  const server = serverOf(document);
  const signIns = signInsOf(document);
  const chosen = namedCollections(found);
  const [first] = [...chosen.values()];
  return {
    definition: {
      ...draftHead(name),
      ...(server.parameters !== undefined && { parameters: server.parameters }),
      sign_in: signIns.signIns,
      config: {
        app: name,
        base_url: server.url,
        ...mediaSettingsOf([...chosen.values()]),
        check: { path: first?.path ?? '/' },
        record_types: Object.fromEntries([...chosen].map(([key, one]) => [key, callsOf(one)])),
      },
      record_types: Object.fromEntries([...chosen].map(([key, one]) => [key, mappingOf(one)])),
    },
    decisions: [
      ...server.decisions,
      ...signIns.decisions,
      {
        pointer: '/config/check',
        message: 'Name a cheap call that needs the credentials. It is made before each run.',
      },
      ...[...chosen].flatMap(([key, one]) => decisionsOf(key, one)),
      ...leftOut(found.length - chosen.size, withParents),
    ],
  };
}

/** Those with most calls first, each under a name of its own. */
function namedCollections(found: readonly Collection[]): Map<string, Collection> {
  const calls = ({ create, update, hasDelete }: Collection) =>
    Number(create !== undefined) + Number(update !== undefined) + Number(hasDelete);
  const ordered = [...found].sort((one, other) => calls(other) - calls(one)).slice(0, RECORD_TYPES_MAX);
  const named = new Map<string, Collection>();
  for (const one of ordered) {
    const parts = one.path.split('/').filter((part) => part !== '');
    const short = toName(parts.at(-1) ?? '');
    const long = toName(parts.slice(-2).join('_'));
    const free = [short, long].find((name) => !named.has(name));
    if (free !== undefined) named.set(free, one);
  }
  return named;
}

const itemPath = ({ path }: Collection): string => `${path.replace(/\/$/, '')}/{remote_id}`;

/** It can be pushed without the risk of duplicates. */
const canPush = ({ create, update, search }: Collection): boolean =>
  create !== undefined && update !== undefined && search !== undefined;

/** If all have the same. */
function mediaSettingsOf(chosen: readonly Collection[]): JsonObject {
  const only = (types: (string | undefined)[]) => (new Set(types).size === 1 ? types[0] : undefined);
  const created = chosen.flatMap(({ create }) => create?.mediaType ?? []);
  return mediaSettings(only(chosen.map(({ mediaType }) => mediaType)), only(created));
}

/** What the body of a call says beside the record, as in JSON:API. */
function bodyOf({ type, create }: Collection, more: JsonObject = {}): { body?: JsonObject } {
  if (type === undefined || create === undefined) return {};
  const constants: JsonObject = { type: type.value, ...more };
  const [, name] = create.bodyAt.split('/');
  return { body: name === undefined ? constants : { [name]: constants } };
}

function callsOf(collection: Collection): JsonObject {
  const { path, list, items, search, create, read, update, hasDelete } = collection;
  const item = itemPath(collection);
  const calls: JsonObject = {
    label: toLabel(path.split('/').findLast((part) => part !== '') ?? path),
    id: '/id',
    ...(create !== undefined && create.bodyAt !== '' && { body_at: create.bodyAt }),
    ...(create !== undefined && create.recordAt !== '' && { record_at: create.recordAt }),
    list: { path, items, ...modifiedSince(list.since), paging: list.paging },
  };
  if (create === undefined || search === undefined || update === undefined) return calls;
  const { method, mediaType } = update;
  const replacing = read ? { merge: true } : { replaces: true };
  const headers = mediaType === create.mediaType ? undefined : mediaHeaders(undefined, mediaType);
  return {
    ...calls,
    ...findBy(path, items, search),
    ...(method === 'PUT' && read && { read: { path: item } }),
    create: { path, ...bodyOf(collection) },
    update: {
      method,
      path: item,
      ...(headers !== undefined && { headers }),
      ...bodyOf(collection, { id: '{remote_id}' }),
      ...(method === 'PUT' && replacing),
    },
    ...(hasDelete && { delete: { path: item } }),
  };
}

function findBy(
  path: string,
  items: string,
  { parameter, to }: NonNullable<Collection['search']>,
): JsonObject {
  const at = to.startsWith('/') ? to : `/${to}`;
  const isOurId = isExternalId(to);
  const value = isOurId ? '{external_id}' : `{payload${at.replaceAll('/', '.')}}`;
  // Names of RFC 6570 have no brackets.
  const call = /^\w+$/.test(parameter)
    ? { path: `${path}{?${parameter}}`, parameters: { [parameter]: value } }
    : { path: `${path}?${parameter}=${value}` };
  return isOurId
    ? { external_id: at, find: { ...call, items } }
    : { find: { ...call, items, match: { at, value } } };
}

const lastName = (to: string): string => to.slice(to.lastIndexOf('/') + 1);
const isExternalId = (to: string): boolean => /^external_?id$/i.test(lastName(to));

function mappingOf(collection: Collection): JsonObject {
  const { create, itemFields, hasDelete } = collection;
  const isPushed = canPush(collection);
  const fields = isPushed && create !== undefined && create.fields.length > 0 ? create.fields : itemFields;
  const mapped = fields.filter((field) => lastName(field) !== 'id' && !isExternalId(field));
  const named = new Map(mapped.map((to) => [toName(lastName(to)), to]));
  return {
    direction: isPushed && named.size > 0 ? 'push' : 'pull',
    on_delete: isPushed && hasDelete ? 'delete' : 'leave',
    fields: [...named].map(([name, to]) => ({ name, to })),
  };
}

function decisionsOf(key: string, collection: Collection): Draft['decisions'] {
  const { path, list, create, search, update, type } = collection;
  const at = `/config/record_types/${key}`;
  const decisions = [decisionOfName(key), ...decisionsOfList(`${at}/list`, list)];
  const inWords = ({ body }: { body?: JsonObject }) =>
    body === undefined ? '' : ` with "body": ${JSON.stringify(body)}`;
  const calls = {
    ...(create !== undefined && { create: `POST ${path}${inWords(bodyOf(collection))}` }),
    ...(update !== undefined && {
      update: `${update.method} ${itemPath(collection)}${inWords(bodyOf(collection, { id: '{remote_id}' }))}`,
    }),
  };
  if (type?.isGuess === true && create !== undefined)
    decisions.push({ pointer: at, message: `Check the type that a body names. ${type.value} is a guess.` });
  if (!canPush(collection)) {
    if (Object.keys(calls).length > 0) decisions.push(decisionOfWrites(at, calls));
  } else {
    decisions.push({
      pointer: `${at}/find`,
      message: `Check that a search by ${search?.parameter} is exact. The try of an unknown id shows it.`,
    });
    if (update?.method === 'PUT')
      decisions.push({
        pointer: `${at}/update`,
        message: 'Check whether PUT removes fields that are not sent. With `merge` the record is read first.',
      });
  }
  decisions.push({ pointer: `/record_types/${key}`, message: 'Choose the direction and the fields.' });
  return decisions;
}

function leftOut(more: number, withParents: readonly string[]): Draft['decisions'] {
  const pointer = '/config/record_types';
  const decisions: Draft['decisions'] = [];
  if (more > 0)
    decisions.push({ pointer, message: `${more} further lists were left out. Remove what you do not need.` });
  if (withParents.length > 0)
    decisions.push({
      pointer,
      message:
        `${withParents.length} lists need a parent or have a parameter in their path and were left out, such as ` +
        `${withParents.slice(0, NAMED_MAX).join(', ').slice(0, 500)}. See "parents" in the documentation of REST.`,
    });
  return decisions;
}
