/** The integrations of the sample tenant, as an API client would create them. */
import type { PocketBaseService, ScimService } from '../companions/companion-services';

/** Short enough to watch. The product's default is 5 minutes; the SCIM integration keeps it. */
const gracePeriodMs = 15_000;

/** The app of the integration that pulls. */
export const CRM = 'PocketBase CRM';

const named = (...names: string[]): { name: string; to: string }[] =>
  names.map((name) => ({ name, to: name }));

/** How Syncline logs in to PocketBase and what a refusal looks like: the same for every collection. */
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

/** Finds a record by its Syncline id. */
const findIn = (records: string): Record<string, unknown> => ({
  path: `${records}{?filter,perPage}`,
  parameters: {
    filter: { template: "external_id='{external_id}'", escape: { "'": "\\'" }, refuse: '\\' },
    perPage: 2,
  },
  items: '/items',
});

/** PocketBase's API for the declarative REST connector (docs/connectors/rest-keys.md explains each key). */
function pocketBaseConfig(baseUrl: string): Record<string, unknown> {
  const records = '/api/collections/employees/records';
  return {
    app: 'PocketBase',
    ...pocketBaseApi(baseUrl),
    check: { path: `${records}{?perPage}`, parameters: { perPage: 1 } },
    answers: {
      exists: ['validation_not_unique'],
      // A reference to a team that is not there yet: retried, because the team may follow.
      transient: ['validation_missing_rel_records'],
    },
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
  /** Also the key under which `.syncline/sample.json` keeps its id. */
  app: string;
  account_name: string;
  config: Record<string, unknown>;
  credentials: Record<string, string>;
  record_types?: Record<string, unknown>;
  /** The product's default of 5 minutes unless given. */
  grace_period_ms?: number;
  initial_push?: 'all' | 'none';
}

export function pocketBaseIntegration({ url, user }: PocketBaseService): SampleIntegration {
  return {
    connector: 'rest',
    app: 'PocketBase',
    account_name: 'Demo',
    config: pocketBaseConfig(url),
    credentials: { email: user.email, password: user.password },
    record_types: {
      employees: {
        direction: 'push',
        fields: named('first_name', 'last_name', 'email', 'job_title', 'department', 'team'),
        on_delete: 'deactivate',
      },
    },
    grace_period_ms: gracePeriodMs,
    initial_push: 'all',
  };
}

/** The same PocketBase as a CRM: contacts are pulled, companies are synced in both directions. */
function crmConfig(baseUrl: string): Record<string, unknown> {
  const records = (collection: string): string => `/api/collections/${collection}/records`;
  /** Sorted by age, so that a record created during the read comes last and shifts no page. */
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

export function crmIntegration({ url, user }: PocketBaseService): SampleIntegration {
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

export function scimIntegration({ url, token }: ScimService): SampleIntegration {
  return {
    connector: 'scim',
    app: 'SCIM 2.0',
    account_name: 'Demo identity provider',
    config: { base_url: url },
    credentials: { token },
    record_types: {
      employees: {
        direction: 'push',
        fields: [
          { name: 'email', to: '/userName' },
          { name: 'first_name', to: '/name/givenName' },
          { name: 'last_name', to: '/name/familyName' },
          { name: 'email', to: 'emails[type eq "work"].value' },
          { name: 'job_title', to: '/title' },
        ],
        on_delete: 'deactivate',
      },
    },
    initial_push: 'all',
  };
}
