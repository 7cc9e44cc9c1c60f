/** The two integrations of the sample tenant, as an API client would create them. */
import type { ThirdParty } from './neighbours';

/** The product's default is 5 minutes; this short, one can watch it. */
const gracePeriodMs = 15_000;

const fields = [
  { name: 'first_name', to: 'first_name' },
  { name: 'last_name', to: 'last_name' },
  { name: 'email', to: 'email' },
  { name: 'job_title', to: 'job_title' },
  { name: 'department', to: 'department' },
];

/** What PocketBase's API looks like, for the declarative REST connector (docs/connectors.md explains each key). */
function pocketBaseConfig(baseUrl: string): Record<string, unknown> {
  const records = '/api/collections/employees/records';
  return {
    app: 'PocketBase',
    base_url: baseUrl,
    auth: {
      type: 'login',
      path: '/api/collections/users/auth-with-password',
      body: { identity: '{email}', password: '{password}' },
      token: '/token',
      value: '{token}',
    },
    check: { path: `${records}{?perPage}`, parameters: { perPage: 1 } },
    errors: { message: '/message', each: { at: '/data', message: '/message', code: '/code' } },
    answers: { exists: ['validation_not_unique'] },
    record_types: {
      employees: {
        label: 'Employees',
        id: '/id',
        external_id: '/external_id',
        find: {
          path: `${records}{?filter,perPage}`,
          parameters: { filter: { template: "external_id='{external_id}'", escape: { "'": "\\'" }, refuse: '\\' }, perPage: 2 },
          items: '/items',
        },
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
  initial_push?: 'all';
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
