/** A draft from an OpenAPI 3 document: guesses, and what a person has to decide. */
import { type JsonObject, memberOf } from '../../json';
import {
  decisionOfWrites,
  decisionsOfList,
  type Draft,
  draftHead,
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

function callsOf(collection: Collection): JsonObject {
  const { path, list, items, search, create, read, update, hasDelete } = collection;
  const item = itemPath(collection);
  const calls: JsonObject = {
    label: toLabel(path.split('/').findLast((part) => part !== '') ?? path),
    id: '/id',
    list: { path, items, ...modifiedSince(list.since), paging: list.paging },
  };
  if (!canPush(collection) || create === undefined || search === undefined) return calls;
  if (create.bodyAt !== '') calls['body_at'] = create.bodyAt;
  if (create.recordAt !== '') calls['record_at'] = create.recordAt;
  const replacing = read ? { merge: true } : { replaces: true };
  return {
    ...calls,
    ...findBy(path, items, search),
    ...(update === 'PUT' && read && { read: { path: item } }),
    create: { path },
    update: { method: update ?? 'PATCH', path: item, ...(update === 'PUT' && replacing) },
    ...(hasDelete && { delete: { path: item } }),
  };
}

function findBy(path: string, items: string, search: string): JsonObject {
  if (/^external_?id$/i.test(search))
    return {
      external_id: `/${search}`,
      find: { path: `${path}{?${search}}`, parameters: { [search]: '{external_id}' }, items },
    };
  const value = `{payload.${search}}`;
  return {
    find: {
      path: `${path}{?${search}}`,
      parameters: { [search]: value },
      items,
      match: { at: `/${search}`, value },
    },
  };
}

function mappingOf(collection: Collection): JsonObject {
  const { create, itemFields, hasDelete } = collection;
  const isPushed = canPush(collection);
  const fields = isPushed && create !== undefined && create.fields.length > 0 ? create.fields : itemFields;
  const mapped = fields.filter((field) => field !== 'id' && !/^external_?id$/i.test(field));
  const named = new Map(mapped.map((to) => [toName(to), to]));
  return {
    direction: isPushed && named.size > 0 ? 'push' : 'pull',
    on_delete: isPushed && hasDelete ? 'delete' : 'leave',
    fields: [...named].map(([name, to]) => ({ name, to })),
  };
}

function decisionsOf(key: string, collection: Collection): Draft['decisions'] {
  const { path, list, create, search, update } = collection;
  const at = `/config/record_types/${key}`;
  const decisions = decisionsOfList(`${at}/list`, list);
  const calls = {
    ...(create !== undefined && { create: `POST ${path}` }),
    ...(update !== undefined && { update: `${update} ${itemPath(collection)}` }),
  };
  if (!canPush(collection)) {
    if (Object.keys(calls).length > 0) decisions.push(decisionOfWrites(at, calls));
  } else {
    decisions.push({
      pointer: `${at}/find`,
      message: `Check that a search by ${search} is exact. The try of an unknown id shows it.`,
    });
    if (update === 'PUT')
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
