/** The two integrations of the sample tenant, as an API client would create them. */
import type { Servers } from './servers';

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
    record_types: {
      employees: {
        label: 'Employees',
        id: '/id',
        external_id: '/external_id',
        find: {
          path: `${records}{?filter,perPage}`,
          parameters: { filter: { template: 'external_id="{external_id}"', escape: { '"': '\\"', '\\': '\\\\' } }, perPage: 2 },
          items: '/items',
        },
        create: { path: records, body: { status: 'active' } },
        update: { path: `${records}/{id}` },
        delete: { path: `${records}/{id}` },
        deactivate: { set: { status: 'inactive' } },
        activate: { set: { status: 'active' } },
      },
    },
  };
}

export function pocketBaseIntegration({ url, user }: Servers['thirdParty']): Record<string, unknown> {
  return {
    connector: 'rest',
    app: 'PocketBase',
    account_name: 'Demo',
    config: pocketBaseConfig(url),
    credentials: { email: user.email, password: user.password },
    record_types: { employees: { direction: 'push', fields, on_delete: 'deactivate' } },
    grace_period_ms: gracePeriodMs,
    initial_push: true,
  };
}

/** Paused: it waits for a SCIM server of the reader's own. */
export function scimIntegration(): Record<string, unknown> {
  return {
    connector: 'scim',
    app: 'SCIM 2.0',
    account_name: 'Your identity provider',
    config: { base_url: 'http://127.0.0.1:8880/v2' },
    credentials: { token: 'replace-me' },
    record_types: { employees: { direction: 'push', fields: [{ name: 'email', to: 'userName' }], on_delete: 'deactivate' } },
    grace_period_ms: gracePeriodMs,
    is_paused: true,
  };
}
