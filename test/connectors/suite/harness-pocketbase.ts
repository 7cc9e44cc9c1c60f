/** The REST connector against PocketBase, by the configuration that docs/connectors/rest.md shows. */
import { rest } from '../../../connectors/rest';
import { callPocketBase, logIn } from '../../../dev/start/pocketbase';
import { startPocketBase } from '../../support/servers/third-parties';
import { documentedExample, documentedMapping, withList } from './documented';
import type { ConnectorHarness, RemoteRecord, StartedThirdParty } from './harness';

interface Row {
  id: string;
  external_id: string;
  first_name: string;
  last_name: string;
  email: string;
  active: boolean;
}

export interface StartedPocketBase extends StartedThirdParty {
  /** A call of PocketBase's own API as its administrator. */
  call(method: string, route: string, body?: unknown, expectedStatus?: number): Promise<unknown>;
  url: string;
}

const example = documentedExample('pocketbase');
const readable = withList(example, documentedExample('pocketbase-pull'), 'employees');

/** The collection as the page describes it. */
const POCKETBASE_COLLECTION = {
  name: 'employees',
  type: 'base',
  fields: [
    { name: 'external_id', type: 'text', required: true },
    { name: 'first_name', type: 'text', max: 20_000 },
    { name: 'last_name', type: 'text' },
    { name: 'email', type: 'email', required: true },
    { name: 'grade', type: 'select', maxSelect: 1, values: ['junior', 'senior'] },
    { name: 'active', type: 'bool' },
    { name: 'born', type: 'date' },
    { name: 'since', type: 'date' },
    { name: 'hours', type: 'number' },
    { name: 'vip', type: 'bool' },
    { name: 'tags', type: 'json' },
    { name: 'created', type: 'autodate', onCreate: true },
    { name: 'updated', type: 'autodate', onCreate: true, onUpdate: true },
  ],
  indexes: [
    'CREATE UNIQUE INDEX employees_external_id ON employees (external_id)',
    'CREATE UNIQUE INDEX employees_email ON employees (email)',
  ],
};

export const pocketBaseHarness: Omit<ConnectorHarness, 'start'> & { start(): Promise<StartedPocketBase> } = {
  title: 'rest against PocketBase',
  connector: rest,
  recordType: 'employees',
  mapping: documentedMapping(example, 'employees'),
  typed: {
    fields: [
      { name: 'born', to: 'born', type: 'date' },
      { name: 'since', to: 'since', type: 'datetime' },
      { name: 'hours', to: 'hours', type: 'number' },
      { name: 'vip', to: 'vip', type: 'boolean' },
      { name: 'tags', to: 'tags' },
      { name: 'level', to: 'grade', values: { 1: 'junior', 2: 'senior' } },
    ],
    values: [
      {
        born: '1990-05-17',
        since: '2026-01-31T23:30:00.250+02:00',
        hours: 38.5,
        vip: true,
        tags: ['b', 'a'],
        level: '1',
      },
      { born: null, since: null, hours: null, vip: null, tags: null, level: null },
      { born: '0001-01-01', hours: -0.1, vip: false, tags: [{ b: 1, a: [2, 1] }], level: '2' },
    ],
  },
  canDeactivate: true,
  rejected: { fields: { email: 'not an address' }, field: 'email' },
  awkwardExternalId: `Ünï "1" ' || 1=1 && x="y" /%2F?#&+ ~ {external_id} .. 🙂`,
  longestString: 20_000,
  badConfigs: badVariations(),

  async start() {
    const server = await startPocketBase();
    const token = await logIn(server.url, server.login);
    const call: StartedPocketBase['call'] = (method, route, body, expectedStatus) =>
      callPocketBase(server.url, method, route, body, token, expectedStatus);
    await call('POST', 'collections', POCKETBASE_COLLECTION);
    return {
      url: server.url,
      call,
      config: rest.configSchema.parse({ ...readable, base_url: server.url }),
      credentials: { identity: server.login.email, password: server.login.password },
      wrongCredentials: { identity: server.login.email, password: 'not the password' },
      async list() {
        const { items } = (await call('GET', 'collections/employees/records?perPage=500')) as {
          items: Row[];
        };
        return items.map(toRemoteRecord);
      },
      async remove(remoteId) {
        await call('DELETE', `collections/employees/records/${remoteId}`);
      },
      stop: () => server.stop(),
    };
  },
};

function badVariations(): Record<string, unknown> {
  const { config } = example;
  const employees = config.record_types['employees'] as Record<string, Record<string, unknown>>;
  const withType = (changes: Record<string, unknown>) => ({
    ...config,
    record_types: { employees: { ...employees, ...changes } },
  });
  const filter = (rules: unknown) =>
    withType({ find: { ...employees['find'], parameters: { filter: rules } } });
  return {
    'an unknown key': { ...config, retries: 3 },
    'a list without paging': withType({
      list: { path: '/api/collections/employees/records', items: '/items' },
    }),
    'a relative base URL': { ...config, base_url: '/api' },
    'a user name in the base URL': { ...config, base_url: 'https://admin:secret@hr.example.com' },
    'no record types': { ...config, record_types: {} },
    'a creation that a lost answer would repeat': withType({ find: undefined }),
    'a search that does not recognize what it finds': withType({ external_id: undefined }),
    'a filter whose quotes are not escaped': filter({ template: "external_id='{external_id}'" }),
    'a filter whose backslashes are not dealt with': filter({
      template: "external_id='{external_id}'",
      escape: { "'": "\\'" },
    }),
    'a filter without quotes': filter({ template: 'external_id={external_id}', refuse: ' ' }),
    'a variable without a value': withType({ update: { path: '/api/collections/employees/records/{id}' } }),
    'a parameter without a place in the request': withType({
      find: { ...employees['find'], path: '/api/collections/employees/records{?search}' },
    }),
    'their id in the path of a creation': withType({
      create: { path: '/api/collections/employees/records/{remote_id}' },
    }),
    'a path that climbs': withType({ update: { path: '/api/../{remote_id}' } }),
    'a path with an unencoded variable': withType({ update: { path: '/api/{+remote_id}' } }),
    'a pointer into JavaScript itself': withType({ record_at: '/__proto__/polluted' }),
    'a key of JavaScript itself': JSON.parse(
      JSON.stringify(config).replace('"label"', '"__proto__":{"polluted":true},"label"'),
    ) as unknown,
    'a header that would split the request': { ...config, headers: { 'Transfer-Encoding': 'chunked' } },
    'a picklist without values': withType({ known_fields: [{ name: 'grade', type: 'picklist' }] }),
    'no update': withType({ update: undefined }),
    'no call for what a deleted record becomes': withType({ deactivate: undefined, activate: undefined }),
    'if_match without a version': withType({ update: { path: '/api/{remote_id}', if_match: true } }),
    'a mapped field that holds our id': withType({ external_id: '/email' }),
  };
}

function toRemoteRecord(row: Row): RemoteRecord {
  return {
    remoteId: row.id,
    externalId: row.external_id,
    isActive: row.active,
    firstName: row.first_name,
    lastName: row.last_name,
    email: row.email,
  };
}
