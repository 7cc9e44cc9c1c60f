/** A product whose answers to creations can be lost or useless, as JSON with idempotency keys and as SCIM. */
import type { HttpClient, HttpRequest, HttpResponse } from '../../../connectors/connector';
import { Unavailable } from '../../../connectors/errors';
import type { JsonObject } from '../../../domain/json';
import { jsonAnswer } from './people-over-http';

/** What a creation does, and how it is answered. Only `refused` creates nothing. */
export const CREATIONS = ['ok', 'lost', 'no_id', 'failed', 'busy', 'page', 'redirect', 'refused'] as const;
export type Creation = (typeof CREATIONS)[number];

const FEATURES = { bulk: { supported: true, maxOperations: 50 }, etag: { supported: false } };

interface Operation {
  method: string;
  path: string;
  bulkId?: string;
  data?: JsonObject;
}

type Person = JsonObject & { id: string; externalId: string };

export class ForgetfulProduct implements HttpClient {
  readonly people = new Map<string, Person>();
  creation: Creation = 'ok';
  /** Otherwise searches find nothing. */
  isIndexed = true;
  /** It answers searches with 429. */
  isLimited = false;
  /** The worker dies before it keeps an answer. */
  isWorkerDying = false;
  /** The keys of records that were created again without a request, although that was accepted before. */
  readonly repeated: string[] = [];
  private creations = 0;
  private readonly accepted = new Set<string>();
  private readonly requested = new Set<string>();
  private readonly byKey = new Map<string, Person>();

  /** A person asks to push the record again. */
  request(ref: string): void {
    this.requested.add(ref);
  }

  livingOf(ref: string): number {
    return [...this.people.values()].filter(({ externalId }) => externalId === ref).length;
  }

  async send({ method, url, body = '{}', headers = {} }: HttpRequest): Promise<HttpResponse> {
    const { pathname, searchParams } = new URL(url);
    const sent = JSON.parse(body === '' ? '{}' : body) as JsonObject;
    if (pathname === '/ServiceProviderConfig') return jsonAnswer(200, FEATURES);
    if (pathname === '/Bulk') return this.applyAll(sent['Operations'] as unknown as Operation[]);
    if (method === 'GET' && pathname.split('/').length === 2) return this.search(searchParams);
    return this.apply(method, pathname, sent, headers['idempotency-key']);
  }

  private search(query: URLSearchParams): HttpResponse {
    if (this.isLimited) return { ...jsonAnswer(429), headers: { 'retry-after': '60' } };
    const wanted = query.get('filter') ?? JSON.stringify(query.get('external_id'));
    const isWanted = ({ externalId, id }: Person) =>
      wanted === 'null' || [externalId, id].some((name) => wanted.includes(`"${name}"`));
    const found = [...this.people.values()].filter((person) => this.isIndexed && isWanted(person));
    for (const { externalId } of found) this.accepted.delete(externalId);
    return jsonAnswer(200, { totalResults: found.length, Resources: found });
  }

  private applyAll(operations: Operation[]): HttpResponse {
    const results = operations.flatMap(({ method, path, bulkId, data = {} }): JsonObject[] => {
      try {
        const { status, text } = this.apply(method, path, data);
        const response = text.startsWith('{') ? { response: JSON.parse(text) as JsonObject } : {};
        const at = bulkId === undefined ? { location: path } : { bulkId };
        return [{ method, ...at, status: String(status), ...response }];
      } catch {
        return [];
      }
    });
    return jsonAnswer(200, { Operations: results });
  }

  private apply(method: string, path: string, sent: JsonObject, key?: string): HttpResponse {
    if (method === 'POST') return this.create(sent, key);
    const id = path.split('/').at(-1) ?? '';
    const person = this.people.get(id);
    if (person === undefined) return jsonAnswer(404, {});
    if (method === 'DELETE') this.people.delete(id);
    else Object.assign(person, method === 'PATCH' && 'name' in sent ? sent : {});
    return jsonAnswer(200, person);
  }

  private create(sent: JsonObject, key?: string): HttpResponse {
    const known = key === undefined ? undefined : this.byKey.get(key);
    if (known === undefined && this.creation === 'refused') return jsonAnswer(422, { message: 'No.' });
    const ref = sent['externalId'] as string;
    const person = known ?? { ...sent, externalId: ref, id: `p${this.creations}` };
    if (known === undefined) this.keep(person, key);
    if (this.creation === 'no_id' && !this.isWorkerDying) this.accepted.add(ref);
    if (this.creation === 'ok' && !this.isWorkerDying) this.accepted.delete(ref);
    return answerTo(this.creation, person);
  }

  private keep(person: Person, key?: string): void {
    const { externalId: ref, id } = person;
    if (this.accepted.has(ref) && !this.requested.has(ref)) this.repeated.push(ref);
    this.requested.delete(ref);
    this.creations += 1;
    this.people.set(id, person);
    if (key !== undefined) this.byKey.set(key, person);
  }
}

function answerTo(creation: Creation, person: JsonObject): HttpResponse {
  switch (creation) {
    case 'ok':
    case 'refused':
      return jsonAnswer(201, person);
    case 'lost':
      throw new Unavailable('socket hang up');
    case 'no_id':
      return jsonAnswer(201, { ok: true });
    case 'failed':
      return jsonAnswer(500, {});
    case 'busy':
      return { ...jsonAnswer(503), headers: { 'retry-after': '60' } };
    case 'page':
      return { status: 200, headers: { 'content-type': 'text/html' }, text: '<h1>Sign in</h1>' };
    case 'redirect':
      return { ...jsonAnswer(303), headers: { location: 'https://example.com/people/1' } };
  }
}
