/** A JSON:API product, from its OpenAPI document to a suite of tries that passes. */
import { rest } from '../../../connectors/rest';
import { tryDefinition } from '../../../connectors/tries/try-definition';
import type { JsonObject } from '../../../domain/json';
import type { RecordTypeMapping } from '../../../domain/records/mapping';
import { draftFromOpenApi } from '../../../domain/third-parties/drafts/from-openapi';
import { TRIES } from '../../../domain/third-parties/tries';
import { contextWith, egressHttp } from '../suite/given';
import { type RecordedRequest, type ScriptedAnswer, startScriptedServer } from '../suite/scripted-server';

const MEDIA_TYPE = 'application/vnd.api+json';
const own = (schema: object) => ({ content: { [MEDIA_TYPE]: { schema } } });
const query = (name: string) => ({ in: 'query', name, schema: { type: 'string' } });

function document(): JsonObject {
  const patron = {
    properties: {
      id: { type: 'string' },
      type: { type: 'string', enum: ['patron'] },
      attributes: { properties: { email: {}, name: {}, updated_at: { readOnly: true } } },
    },
  };
  const one = { properties: { data: patron, meta: {} } };
  const links = { properties: { next: { type: 'string' } } };
  const list = { properties: { data: { type: 'array', items: patron }, links } };
  const parameters = ['page[number]', 'page[size]', 'filter[email]', 'filter[updated_since]'].map(query);
  return {
    openapi: '3.1.0',
    info: { title: 'Library' },
    servers: [{ url: 'https://library.example' }],
    components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
    paths: {
      '/patrons': {
        get: { parameters, responses: { 200: own(list) } },
        post: { requestBody: own(one), responses: { 201: own(one) } },
      },
      '/patrons/{id}': { get: {}, patch: { requestBody: own(one) }, delete: {} },
    },
  } as unknown as JsonObject;
}

type Patrons = Map<string, JsonObject>;
const shown = (id: string, attributes: JsonObject) => ({ id, type: 'patron', attributes });
const refused = (status: number, attribute = '') => ({
  status,
  body: {
    errors: [{ code: 'invalid', detail: 'is refused', source: { pointer: `/data/attributes/${attribute}` } }],
  },
});

function answer(patrons: Patrons, { method, path, headers, body }: RecordedRequest): ScriptedAnswer {
  if (headers['authorization'] !== 'Bearer right') return refused(401);
  if (headers['accept'] !== MEDIA_TYPE) return refused(406);
  const { pathname, searchParams } = new URL(path, 'http://library');
  const id = pathname.split('/')[2];
  if (method === 'GET') return listed(patrons, searchParams);
  if (method !== 'POST' && !patrons.has(id ?? '')) return refused(404);
  if (method === 'DELETE') return { status: patrons.delete(id ?? '') ? 204 : 404 };
  if (headers['content-type'] !== MEDIA_TYPE) return refused(415);
  const { data } = JSON.parse(body) as { data: { type: string; attributes: JsonObject } };
  const { email } = data.attributes;
  if (data.type !== 'patron') return refused(409);
  if (typeof email === 'string' && !email.includes('@')) return refused(422, 'email');
  const key = id ?? `p${patrons.size + 1}`;
  patrons.set(key, { ...patrons.get(key), ...data.attributes, updated_at: new Date().toISOString() });
  return { status: method === 'POST' ? 201 : 200, body: { data: shown(key, patrons.get(key) ?? {}) } };
}

function listed(patrons: Patrons, asked: URLSearchParams): ScriptedAnswer {
  const email = asked.get('filter[email]');
  const since = Date.parse(asked.get('filter[updated_since]') ?? '1970-01-01');
  const page = Number(asked.get('page[number]') ?? 1);
  const all = [...patrons]
    .filter(([, one]) => email === null || one['email'] === email)
    .filter(([, one]) => Date.parse(one['updated_at'] as string) >= since)
    .map(([id, one]) => shown(id, one));
  asked.set('page[number]', String(page + 1));
  const next = all.length > page * 2 ? `/patrons?${asked.toString()}` : null;
  return { status: 200, body: { data: all.slice((page - 1) * 2, page * 2), links: { next } } };
}

it('passes every try with the draft as it is', async () => {
  const patrons: Patrons = new Map(
    [1, 2, 3].map((n) => [`p${n}`, { email: `p${n}@example.com`, updated_at: `2026-01-0${n}T00:00:00Z` }]),
  );
  const server = await startScriptedServer((request) => answer(patrons, request));
  try {
    const { definition } = draftFromOpenApi(document());
    const {
      config,
      record_types: types,
      sign_in: signIn,
    } = definition as unknown as Record<'config' | 'sign_in' | 'record_types', JsonObject>;
    const auth = (signIn as unknown as { config: JsonObject }[])[0]?.config;
    const parsed = rest.configSchema.parse({ ...config, ...auth, base_url: server.url });
    const { on_delete: onDelete, ...mapping } = types['patrons'] as JsonObject;
    const context = contextWith({
      config: parsed,
      credentials: { token: 'right' },
      mappings: { patrons: { ...mapping, onDelete } as unknown as RecordTypeMapping },
      http: egressHttp(rest.hosts(parsed)),
    });

    const results = await tryDefinition(
      { connector: rest, context },
      {
        plan: {
          recordType: 'patrons',
          tries: TRIES,
          record: { email: 'try@example.com', name: 'Ada' },
          change: { name: 'Eva' },
          wrong: { email: 'no address' },
        },
        signal: new AbortController().signal,
        time: { triesMs: 15_000, cleanUpMs: 5_000 },
      },
    );

    expect(results.filter(({ outcome }) => outcome !== 'passed')).toEqual([]);
    expect(results.map((result) => result.try)).toEqual([...TRIES]);
    expect(results.find((result) => result.try === 'error')?.message).toContain('about email');
    expect([...patrons.keys()]).toEqual(['p1', 'p2', 'p3']);
  } finally {
    await server.stop();
  }
});
