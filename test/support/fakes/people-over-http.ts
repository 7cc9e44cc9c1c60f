/** A CRM with people and idempotency keys, for the connector `rest`. It answers as a test says. */
import type { HttpClient, HttpRequest, HttpResponse } from '../../../connectors/connector';
import type { JsonObject, JsonValue } from '../../../domain/json';
import type { TestTenant } from '../environments/push-environment';

export const jsonAnswer = (status: number, body?: JsonValue): HttpResponse => ({
  status,
  headers: { 'content-type': 'application/json' },
  text: body === undefined ? '' : JSON.stringify(body),
});

const FIND = { find: { path: '/people{?external_id}', items: '/items' } };

/** Without `find`, only the idempotency key keeps a person from being created twice. */
export function peopleConfig({ isFindable = true } = {}): JsonObject {
  const employees = {
    external_id: '/ref',
    ...(isFindable ? FIND : {}),
    create: { path: '/people', idempotency_header: 'Idempotency-Key' },
    update: { path: '/people/{remote_id}' },
  };
  return {
    app: 'People',
    base_url: 'https://people.example.com',
    auth: { type: 'none' },
    check: { path: '/ping' },
    record_types: { employees },
  };
}

/** Links the CRM. @returns the integration's id */
export function linkPeople(tenant: TestTenant, options: { isFindable?: boolean } = {}): Promise<string> {
  const fields = [{ name: 'name', to: '/name' }];
  return tenant.integration({
    connector: 'rest',
    config: peopleConfig(options),
    recordTypes: { employees: { direction: 'push', fields, onDelete: 'leave' } },
  });
}

export class PeopleOverHttp implements HttpClient {
  readonly people: JsonObject[] = [];
  readonly requests: HttpRequest[] = [];
  /** Otherwise searches find no record. */
  isIndexed = true;
  /** Answers instead of the CRM, which keeps nothing. */
  instead: (request: HttpRequest) => HttpResponse | undefined = () => undefined;
  /** The answer about a person that was created. */
  answer: (person: JsonObject) => HttpResponse = (person) => jsonAnswer(201, person);
  private readonly byKey = new Map<string, JsonObject>();

  async send(request: HttpRequest): Promise<HttpResponse> {
    this.requests.push(request);
    const { method, body = '{}', headers = {} } = request;
    const { pathname, searchParams } = new URL(request.url);
    const instead = this.instead(request);
    if (instead !== undefined) return instead;
    if (pathname === '/ping') return jsonAnswer(200, {});
    if (method === 'GET') {
      const ref = searchParams.get('external_id');
      const found = this.isIndexed ? this.people.filter((person) => person['ref'] === ref) : [];
      return jsonAnswer(200, { items: found });
    }
    if (method === 'POST') return this.answer(this.create(JSON.parse(body), headers['idempotency-key']));
    const person = this.people.find(({ id }) => id === pathname.slice('/people/'.length));
    return person === undefined ? jsonAnswer(404) : jsonAnswer(200, Object.assign(person, JSON.parse(body)));
  }

  requestsBy(method: HttpRequest['method']): HttpRequest[] {
    return this.requests.filter((request) => request.method === method);
  }

  private create(fields: JsonObject, key = ''): JsonObject {
    const person = this.byKey.get(key) ?? { ...fields, id: `p${this.people.length + 1}` };
    if (!this.byKey.has(key)) this.people.push(person);
    this.byKey.set(key, person);
    return person;
  }
}
