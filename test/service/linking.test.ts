/** Linking with the real api and worker: what an app shows decides whether its settings are accepted. */
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { type StartedPostgres, startPostgresSource } from '../connectors/suite/reading-postgres';
import { type Product, type ProductTenant, startProduct } from '../support/environments/product';

const PEOPLE = [{ id: '1', modified: '2026-01-01T00:00:00Z' }];

let product: Product;
let tenant: ProductTenant;
let server: http.Server;
let source: StartedPostgres;
/** What the app shows for a request. */
let show: (url: URL) => { status?: number; body: string };

const json = (value: unknown) => ({ body: JSON.stringify(value) });
const well = (url: URL) => json({ data: url.searchParams.get('since')?.startsWith('2027') ? [] : PEOPLE });
const TABLES = `
create schema hr;
create table hr.twins (id text, name text, updated_at timestamptz);
create table hr.staff (id text primary key, name text, updated_at text)`;

beforeAll(async () => {
  server = http.createServer((request, response) => {
    const { status = 200, body } = show(new URL(request.url ?? '/', 'http://app'));
    const type = body.startsWith('<') ? 'text/html' : 'application/json';
    response.writeHead(status, { 'content-type': type }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  source = await startPostgresSource(TABLES);
  product = await startProduct();
  tenant = await product.givenTenant();
}, 90_000);
afterAll(async () => {
  await product?.stop();
  await source?.stop();
  server.closeAllConnections();
  server.close();
});
beforeEach(() => (show = well));

const PULLED = { people: { direction: 'pull', fields: [{ name: 'name', to: 'name' }] } };
const paused = { is_paused: true, record_types: PULLED };

function linkPeople() {
  const list = {
    path: '/people',
    items: '/data',
    paging: { type: 'none' },
    modified_since: { format: 'iso', parameters: { since: '{modified_since}' } },
  };
  return tenant.api.call('POST', '/v1/integrations', {
    connector: 'rest',
    config: {
      app: 'People',
      base_url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      auth: { type: 'none' },
      check: { path: '/people' },
      record_types: { people: { id: '/id', list } },
    },
    credentials: {},
    ...paused,
  });
}

function linkTable(table: object) {
  const { record_types: _types, ...config } = source.config as Record<string, unknown>;
  return tenant.api.call('POST', '/v1/integrations', {
    connector: 'postgres',
    config: { ...config, schema: 'hr', record_types: { people: { id: 'id', ...table } } },
    credentials: source.credentials,
    ...paused,
  });
}

describe('rule 52: an app with a REST API', () => {
  it('that holds what the configuration declares is linked, and shows a good check', async () => {
    const { status, body } = await linkPeople();

    expect([status, body.last_check]).toMatchObject([201, { ok: true, kind: null }]);
  });

  it('A18: that answers a filtered request with nothing is refused at the filter', async () => {
    show = (url) => json({ data: url.searchParams.has('since') ? [] : PEOPLE });

    const { status, body } = await linkPeople();

    expect([status, body.code, body.errors]).toMatchObject([
      422,
      'check_refused',
      [{ pointer: '/config/record_types/people/list/modified_since', code: 'filter_blind' }],
    ]);
  });

  it('D18: that answers with a web page is refused at the address', async () => {
    show = () => ({ body: '<html>Sign in</html>' });

    const { status, body } = await linkPeople();

    expect([status, body.errors]).toMatchObject([422, [{ pointer: '/config/base_url', code: 'not_json' }]]);
  });

  it('that is down is linked all the same, and its failed check is shown', async () => {
    show = () => ({ status: 503, body: '{}' });

    const { status, body } = await linkPeople();
    const { body: shown } = await tenant.api.call('GET', `/v1/integrations/${body.id}`);

    expect([status, shown.last_check]).toMatchObject([201, { ok: false, kind: 'unavailable' }]);
  });
});

describe('rule 52: a table of a database', () => {
  it.each([
    ['D19: whose id is not unique', { table: 'twins' }, 'id', 'id_not_unique'],
    [
      'C3: whose modified column is a text',
      { table: 'staff', modified: 'updated_at' },
      'modified',
      'modified_type',
    ],
    [
      'C3: that has no such modified column',
      { table: 'staff', modified: 'changed' },
      'modified',
      'undefined_column',
    ],
  ])('%s is refused at the setting', async (_title, table, setting, code) => {
    const { status, body } = await linkTable(table);

    expect([status, body.errors]).toMatchObject([
      422,
      [{ pointer: `/config/record_types/people/${setting}`, code }],
    ]);
  });
});
