/** A product that is scripted: contacts with pages, a search, a filter, and credentials that are checked. */
import type { JsonObject } from '../../../domain/json';
import {
  type RecordedRequest,
  type ScriptedAnswer,
  type ScriptedServer,
  startScriptedServer,
} from '../suite/scripted-server';

/** Its end is no part of a port, a time or an id in hexadecimal digits. */
export const TOKEN = 'canary/secret+quux';

interface Contact extends JsonObject {
  id: string;
  external_id: string;
  email: string;
  updated_at: string;
}

export interface Acme extends ScriptedServer {
  contacts: Map<string, Contact>;
  /** Answers in place of the usual ones. */
  habits: ((request: RecordedRequest, usual: () => ScriptedAnswer) => ScriptedAnswer)[];
}

const PAGE = 2;

export async function startAcme(): Promise<Acme> {
  const contacts = new Map<string, Contact>();
  for (const n of [1, 2, 3])
    contacts.set(`c${n}`, {
      id: `c${n}`,
      external_id: `e${n}`,
      email: `e${n}@example.com`,
      updated_at: `2026-01-0${n}T00:00:00Z`,
    });
  const habits: Acme['habits'] = [];
  const server = await startScriptedServer((request) =>
    habits.reduce<() => ScriptedAnswer>(
      (usual, habit) => () => habit(request, usual),
      () => answer(contacts, request),
    )(),
  );
  return { ...server, contacts, habits };
}

function answer(
  contacts: Map<string, Contact>,
  { method, path, headers, body }: RecordedRequest,
): ScriptedAnswer {
  if (headers['authorization'] !== `Bearer ${TOKEN}`)
    return { status: 401, body: { message: `wrong token ${headers['authorization']}` } };
  const url = new URL(path, 'http://acme');
  const id = /^\/contacts\/(\w+)$/.exec(url.pathname)?.[1];
  if (url.pathname === '/ping') return { status: 200, body: { ok: true } };
  if (id !== undefined) return ofContact(contacts, method, id, body);
  if (url.pathname !== '/contacts') return { status: 404, body: { message: 'no such page' } };
  if (method === 'POST') return create(contacts, JSON.parse(body) as JsonObject);
  const externalId = url.searchParams.get('external_id');
  const since = url.searchParams.get('since');
  const matching = [...contacts.values()].filter(
    (one) =>
      (externalId === null || one.external_id === externalId) &&
      (since === null || Date.parse(one.updated_at) >= Date.parse(since)),
  );
  const page = Number(url.searchParams.get('page') ?? '1');
  return { status: 200, body: { items: matching.slice((page - 1) * PAGE, page * PAGE), echo: TOKEN } };
}

function create(contacts: Map<string, Contact>, given: JsonObject): ScriptedAnswer {
  if (typeof given['email'] !== 'string' || !given['email'].includes('@'))
    return {
      status: 422,
      body: { message: 'invalid', errors: [{ field: 'email', message: 'is no address' }] },
    };
  const id = `n${contacts.size + 1}`;
  const made = { ...given, id, updated_at: new Date().toISOString() } as unknown as Contact;
  contacts.set(id, made);
  return { status: 201, body: made };
}

function ofContact(contacts: Map<string, Contact>, method: string, id: string, body: string): ScriptedAnswer {
  const found = contacts.get(id);
  if (found === undefined) return { status: 404, body: { message: 'no such contact' } };
  if (method === 'DELETE') contacts.delete(id);
  else contacts.set(id, { ...found, ...(JSON.parse(body) as JsonObject) });
  return method === 'DELETE' ? { status: 204 } : { status: 200, body: contacts.get(id) };
}

/** What describes it. */
export const acmeConfig = (url: string, type: JsonObject = {}, changes: JsonObject = {}): JsonObject => ({
  app: 'Acme',
  base_url: url,
  auth: { type: 'bearer' },
  check: { path: '/ping' },
  errors: { message: '/message', each: { at: '/errors', name: '/field', message: '/message' } },
  record_types: {
    contacts: {
      id: '/id',
      external_id: '/external_id',
      find: { path: '/contacts{?external_id}', items: '/items' },
      create: { path: '/contacts' },
      update: { path: '/contacts/{remote_id}' },
      delete: { path: '/contacts/{remote_id}' },
      list: {
        path: '/contacts',
        items: '/items',
        paging: { type: 'page', parameter: 'page' },
        modified_since: { format: 'iso', parameters: { since: '{modified_since}' } },
        modified: { at: '/updated_at', format: 'iso' },
      },
      ...type,
    },
  },
  ...changes,
});
