/** The settings of hostile sessions: configurations that use as many parts of each connector as possible. */
import type { Random } from '../support/random';

export interface Settings {
  config: object;
  credentials: object;
  recordType: string;
}

const PAGINGS = [
  { type: 'cursor', parameter: 'cursor', at: '/next' },
  { type: 'cursor', at: '/next' },
  { type: 'cursor', at: '/next', take: 'path_and_query' },
  { type: 'cursor', parameter: 'after', last_item: '/id' },
  { type: 'page', parameter: 'page', total_pages: { at: '/count' } },
  { type: 'offset', parameter: 'offset', size: 10, end_status: [404] },
  { type: 'keyset', after: { last_id: '/id' }, parameters: { after: '{last_id}' } },
  { type: 'link' },
  { type: 'header', name: 'location' },
  { type: 'none' },
];

const LOGIN = { type: 'login', path: '/login', body: { user: '{user}', pass: '{pass}' } };
const AUTHS = (url: string) => [
  { type: 'none' },
  { ...LOGIN, token: '/token', expires_in: '/expires_in' },
  { ...LOGIN, token: '/token', expires_at: '/modified', send_as: 'form' },
  { ...LOGIN, token: { header: 'etag' } },
  { ...LOGIN, token: { cookie: 'session' } },
  { type: 'oauth2_client_credentials', token_url: `${url}/oauth/token` },
];
const SECRETS: Record<string, object> = {
  login: { user: 'ada', pass: 'secret' },
  oauth2_client_credentials: { client_id: 'ada', client_secret: 'secret' },
};

const FIELDS = [
  { type: 'json_schema' },
  { type: 'list', at: '/fields', name: '/name', field_type: '/type', values: '/values' },
];

export function restSettings(random: Random, url: string): Settings {
  const auth = random.pick(AUTHS(url));
  const paging = random.pick(PAGINGS);
  const list = {
    path: '/list',
    items: '/items',
    paging,
    modified: { at: '/modified', format: 'iso' },
    ...(random.chance(0.15) ? { detail: { path: '/list/{remote_id}' } } : {}),
  };
  const parents = { path: '/parents', items: '/items', paging: random.pick(PAGINGS) };
  const ofParents = { ...list, path: '/parents/{parent_id}/list', parents };
  const contacts = {
    external_id: '/external_id',
    id: random.pick(['/id', { at: '/id', type: 'number' }, { header: 'location' }]),
    find: {
      path: '/contacts{?external_id}',
      items: '/items',
      ...(random.chance(0.5) ? { exact: false, paging } : {}),
    },
    create: { path: '/contacts' },
    update: { path: '/contacts/{remote_id}' },
    delete: { path: '/contacts/{remote_id}' },
    deactivate: { set: { active: false } },
    activate: { set: { active: true } },
    read: { path: '/contacts/{remote_id}' },
    list: random.chance(0.1) ? ofParents : { ...list, total: { at: '/totalResults' } },
    count: { path: '/count', at: '/count' },
    describe: { path: '/fields', fields: random.pick(FIELDS) },
  };
  const config = {
    app: 'Contacts',
    base_url: url,
    auth,
    check: { path: '/ping' },
    errors: { message: '/message', each: { at: '/items', name: '/id', message: '/name' } },
    record_types: { contacts },
  };
  return { config, credentials: SECRETS[auth.type] ?? {}, recordType: 'contacts' };
}

export const scimSettings = (random: Random, url: string): Settings => ({
  config: { base_url: url, update_with: random.pick(['auto', 'patch', 'put']) },
  credentials: { token: 'secret' },
  recordType: 'employees',
});

export const postgresSettings = (
  random: Random,
  place: { port: number; database: string },
  login: { user: string; password: string },
): Settings => ({
  config: {
    host: '127.0.0.1',
    ...place,
    tls: random.chance(0.1),
    page_size: 100,
    record_types: { employees: { table: 'staff', id: 'id', modified: 'updated_at' } },
  },
  credentials: login,
  recordType: 'employees',
});
