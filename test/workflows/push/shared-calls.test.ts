/** What people see of a service whose answers to bulk requests cannot be used, or fail (rules 47 and 58). */
import type { HttpClient, HttpRequest, HttpResponse } from '../../../connectors/connector';
import { Unavailable } from '../../../connectors/errors';
import { scim } from '../../../connectors/scim';
import { sealCredentials } from '../../../db/integrations/sealed-credentials';
import { replaceCredentials } from '../../../db/sync-runs/integration-lifecycle';
import { originsOf } from '../../../domain/credential-origins';
import type { JsonObject } from '../../../domain/json';
import {
  GRACE_MS,
  MINUTE,
  PushEnvironment,
  type TestTenant,
} from '../../support/environments/push-environment';

const CONFIG = { base_url: 'https://scim.example.com' };
const FEATURES = {
  bulk: { supported: true, maxOperations: 100, maxPayloadSize: 1_000_000 },
  etag: { supported: false },
};

const json = (status: number, body: object): HttpResponse => ({
  status,
  headers: { 'content-type': 'application/scim+json' },
  text: JSON.stringify(body),
});

/** Users with names. Each name is there once at most. */
class ScimService implements HttpClient {
  readonly users: JsonObject[] = [];
  readonly requests: HttpRequest[] = [];
  /** Changes the results of a bulk request, after its operations were applied. */
  results: (results: JsonObject[]) => JsonObject[] = (results) => results;
  /** Answers instead of the service, which applies nothing. */
  instead: (request: HttpRequest) => HttpResponse | undefined = () => undefined;

  async send(request: HttpRequest): Promise<HttpResponse> {
    this.requests.push(request);
    const { method, body = '{}' } = request;
    const { pathname, searchParams } = new URL(request.url);
    const instead = this.instead(request);
    if (instead !== undefined) return instead;
    if (pathname === '/ServiceProviderConfig') return json(200, FEATURES);
    if (pathname === '/Bulk') return this.applyAll(JSON.parse(body));
    return method === 'GET' ? this.list(searchParams) : this.create(JSON.parse(body));
  }

  private applyAll({ Operations }: { Operations: { bulkId: string; data: JsonObject }[] }): HttpResponse {
    const results = Operations.map(({ bulkId, data }): JsonObject => {
      const { status, text } = this.create(data);
      return { method: 'POST', bulkId, status: String(status), response: JSON.parse(text) };
    });
    return json(200, { Operations: this.results(results) });
  }

  private list(query: URLSearchParams): HttpResponse {
    const terms = query.get('filter')?.split(' or ');
    const hasTerm = (user: JsonObject) =>
      Object.entries(user).some(([name, value]) => terms?.includes(`${name} eq ${JSON.stringify(value)}`));
    const found = this.users.filter((user) => terms === undefined || hasTerm(user));
    return json(200, { totalResults: found.length, Resources: found.slice(0, Number(query.get('count'))) });
  }

  private create(user: JsonObject): HttpResponse {
    if (this.users.some(({ userName }) => userName === user['userName']))
      return json(409, { scimType: 'uniqueness', detail: 'The userName is taken.' });
    const created = { ...user, id: `u${this.users.length + 1}` };
    this.users.push(created);
    return json(201, created);
  }
}

let environment: PushEnvironment;
let service: ScimService;
let tenant: TestTenant;
let integrationId: string;

beforeAll(async () => {
  environment = await PushEnvironment.create({ http: { send: (request) => service.send(request) } });
});
afterAll(() => environment.end());
beforeEach(async () => {
  service = new ScimService();
  tenant = await environment.tenant();
  const fields = [{ name: 'name', to: '/userName' }];
  integrationId = await tenant.integration({
    connector: 'scim',
    config: CONFIG,
    recordTypes: { employees: { direction: 'push', fields, onDelete: 'deactivate' } },
  });
  const origins = originsOf(scim, scim.configSchema.parse(CONFIG));
  const sealed = { credentials: { token: 'secret' }, origins };
  await environment.database.withTenant(tenant.tenantId, async (work) => {
    const encryptedCredentials = await sealCredentials(work, environment.encryption, integrationId, sealed);
    await replaceCredentials(work, { integrationId, encryptedCredentials });
  });
});

const hire = (count: number) =>
  tenant.accept(
    ...Array.from({ length: count }, (_, n) => ({ externalId: `e${n}`, fields: { name: `n${n}` } })),
  );
const statuses = () =>
  environment.database.withTenant(tenant.tenantId, async ({ trx }) => {
    const rows = await trx.selectFrom('recordSyncs').select('status').execute();
    return rows.map(({ status }) => status);
  });
const outage = () =>
  environment.database.withTenant(tenant.tenantId, async ({ trx }) => {
    const integration = trx.selectFrom('integrations').select(['outageSince', 'isWriteOutage']);
    return integration.executeTakeFirstOrThrow();
  });
const isBulk = ({ url }: HttpRequest) => url.endsWith('/Bulk');
const isWrite = ({ method }: HttpRequest) => method !== 'GET';

const outcome = async () => ({
  statuses: [...new Set(await statuses())],
  users: service.users.length,
  records: new Set(service.users.map(({ externalId }) => externalId)).size,
  ...(await outage()),
});
/** Each of the records is there once, and the service does not count as down. */
const ALL_SYNCED = {
  statuses: ['synced'],
  users: 120,
  records: 120,
  outageSince: null,
  isWriteOutage: false,
};

describe('rule 58: 120 new records are synced at once, without an outage, although bulk requests', () => {
  it.each([
    ['are answered without bulkId', (all) => all.map((result) => ({ ...result, bulkId: null }))],
    ['are answered for half of the operations', (all) => all.slice(0, all.length / 2)],
    ['are answered twice for each operation', (all) => all.flatMap((result) => [result, result])],
    ['have the status "201 Created"', (all) => all.map((result) => ({ ...result, status: '201 Created' }))],
    ['are answered for no operation', () => []],
    [
      'are applied, and then cut off',
      () => {
        throw new Unavailable('socket hang up');
      },
    ],
    [
      'are refused for each operation (401)',
      (all) => {
        service.users.splice(-all.length);
        return all.map(({ method, bulkId = null }) => ({ method: method ?? null, bulkId, status: '401' }));
      },
    ],
  ] satisfies [string, ScimService['results']][])('%s', async (_title, results) => {
    service.results = results;
    await hire(120);
    await environment.sleep(GRACE_MS + 15_000);

    expect(await outcome()).toEqual(ALL_SYNCED);
  });

  it.each([401, 403, 500, 504])('fail with %d each time', async (status) => {
    service.instead = (request) => (isBulk(request) ? json(status, { detail: 'Oops' }) : undefined);
    await hire(120);
    await environment.sleep(GRACE_MS + 15_000);

    expect(await outcome()).toEqual(ALL_SYNCED);
  });
});

it('rule 10: new credentials are asked for once a single call is refused, too', async () => {
  service.instead = (request) => (isWrite(request) ? json(401, { detail: 'Expired' }) : undefined);
  await hire(120);
  await environment.sleep(GRACE_MS + 2 * MINUTE);

  const { needsReauthorizationAt } = await environment.database.withTenant(tenant.tenantId, ({ trx }) =>
    trx.selectFrom('integrations').select('needsReauthorizationAt').executeTakeFirstOrThrow(),
  );
  expect(needsReauthorizationAt).not.toBeNull();
  expect(service.requests.filter((request) => isWrite(request) && !isBulk(request)).length).toBeLessThan(10);
  expect((await tenant.notifications()).map(({ kind }) => kind)).toEqual([
    'integration_needs_reauthorization',
  ]);
});

it('rule 58: writes that fail alone, too, are an outage, and everything is sent once after it', async () => {
  service.instead = (request) => (isWrite(request) ? json(503, { detail: 'Down' }) : undefined);
  await hire(120);
  await environment.sleep(GRACE_MS + 2 * MINUTE);
  expect(await outage()).toMatchObject({ isWriteOutage: true });
  expect(service.requests.filter(isWrite).length).toBeLessThanOrEqual(25);
  expect(new Set(await statuses())).toEqual(new Set(['syncing']));

  service.instead = () => undefined;
  await environment.sleep(6 * MINUTE);

  expect(await outcome()).toEqual(ALL_SYNCED);
});
