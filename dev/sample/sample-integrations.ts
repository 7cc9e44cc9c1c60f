/** The integrations of the sample tenant, as an API client would create them. */
import type { ThirdParty } from '../companions/companion-services';

/** The product's default is 5 minutes; this short, one can watch it. */
const gracePeriodMs = 15_000;

/** The app of the integration that pulls. */
export const CRM = 'PocketBase CRM';

const fields = [
  { name: 'first_name', to: 'first_name' },
  { name: 'last_name', to: 'last_name' },
  { name: 'email', to: 'email' },
  { name: 'job_title', to: 'job_title' },
  { name: 'department', to: 'department' },
];

/** How one logs in to PocketBase and what a refusal looks like, whatever the collections are. */
function pocketBaseApi(baseUrl: string): Record<string, unknown> {
  return {
    base_url: baseUrl,
    auth: {
      type: 'login',
      path: '/api/collections/users/auth-with-password',
      body: { identity: '{email}', password: '{password}' },
      token: '/token',
      value: '{token}',
    },
    errors: { message: '/message', each: { at: '/data', message: '/message', code: '/code' } },
  };
}

/** Looks for a record by our id. */
const findIn = (records: string): Record<string, unknown> => ({
  path: `${records}{?filter,perPage}`,
  parameters: {
    filter: { template: "external_id='{external_id}'", escape: { "'": "\\'" }, refuse: '\\' },
    perPage: 2,
  },
  items: '/items',
});

/** What PocketBase's API looks like, for the declarative REST connector (docs/connectors/rest-keys.md explains each key). */
function pocketBaseConfig(baseUrl: string): Record<string, unknown> {
  const records = '/api/collections/employees/records';
  return {
    app: 'PocketBase',
    ...pocketBaseApi(baseUrl),
    check: { path: `${records}{?perPage}`, parameters: { perPage: 1 } },
    answers: { exists: ['validation_not_unique'] },
    record_types: {
      employees: {
        label: 'Employees',
        id: '/id',
        external_id: '/external_id',
        find: findIn(records),
        create: { path: records, body: { status: 'active' } },
        update: { path: `${records}/{remote_id}` },
        delete: { path: `${records}/{remote_id}` },
        deactivate: { set: { status: 'inactive' } },
        activate: { set: { status: 'active' } },
      },
    },
  };
}

export interface SampleIntegration {
  connector: string;
  /** Also how the sample remembers it. */
  app: string;
  account_name: string;
  config: Record<string, unknown>;
  credentials: Record<string, string>;
  record_types?: Record<string, unknown>;
  grace_period_ms: number;
  initial_push?: 'all' | 'none';
  is_paused?: boolean;
}

export function pocketBaseIntegration({ url, user }: ThirdParty): SampleIntegration {
  return {
    connector: 'rest',
    app: 'PocketBase',
    account_name: 'Demo',
    config: pocketBaseConfig(url),
    credentials: { email: user.email, password: user.password },
    record_types: { employees: { direction: 'push', fields, on_delete: 'deactivate' } },
    grace_period_ms: gracePeriodMs,
    initial_push: 'all',
  };
}

/** The same PocketBase as a CRM: contacts are read, companies are kept the same on both sides. */
function crmConfig(baseUrl: string): Record<string, unknown> {
  const records = (collection: string): string => `/api/collections/${collection}/records`;
  /** Sorted by age, so that what is new comes last and shifts no page. */
  const listOf = (collection: string): Record<string, unknown> => ({
    path: `${records(collection)}?sort=created,id`,
    items: '/items',
    paging: { type: 'page', parameter: 'page', size: 100, size_parameter: 'perPage' },
    total: { at: '/totalItems' },
    modified_since: { format: 'space_ms', parameters: { filter: "updated>='{modified_since}'" } },
  });
  return {
    app: CRM,
    ...pocketBaseApi(baseUrl),
    check: { path: `${records('contacts')}{?perPage}`, parameters: { perPage: 1 } },
    record_types: {
      contacts: { label: 'Contacts', id: '/id', list: listOf('contacts') },
      companies: {
        label: 'Companies',
        id: '/id',
        external_id: '/external_id',
        list: listOf('companies'),
        find: findIn(records('companies')),
        create: { path: records('companies') },
        update: { path: `${records('companies')}/{remote_id}` },
        delete: { path: `${records('companies')}/{remote_id}` },
      },
    },
  };
}

const named = (...names: string[]): { name: string; to: string }[] =>
  names.map((name) => ({ name, to: name }));

export function crmIntegration({ url, user }: ThirdParty): SampleIntegration {
  return {
    connector: 'rest',
    app: CRM,
    account_name: 'Demo CRM',
    config: crmConfig(url),
    credentials: { email: user.email, password: user.password },
    record_types: {
      contacts: { direction: 'pull', fields: named('name', 'email', 'company', 'stage') },
      companies: { direction: 'both', fields: named('name', 'city', 'sector'), on_delete: 'leave' },
    },
    grace_period_ms: gracePeriodMs,
    initial_push: 'none',
  };
}

/** Paused: it waits for a SCIM server of the reader's own. */
export function scimIntegration(): SampleIntegration {
  return {
    connector: 'scim',
    app: 'SCIM 2.0',
    account_name: 'Your identity provider',
    config: { base_url: 'http://127.0.0.1:8880/v2' },
    credentials: { token: 'replace-me' },
    record_types: {
      employees: {
        direction: 'push',
        fields: [
          { name: 'email', to: '/userName' },
          { name: 'first_name', to: '/name/givenName' },
          { name: 'last_name', to: '/name/familyName' },
          { name: 'email', to: '/emails/0/value' },
          { to: '/emails/0/type', constant: 'work' },
          { name: 'job_title', to: '/title' },
        ],
        on_delete: 'deactivate',
      },
    },
    grace_period_ms: gracePeriodMs,
    is_paused: true,
  };
}
