/**
 * Roles and row-level security. Nothing else may grant a privilege or create a policy in this baseline.
 *
 * The five roles cannot log in, own nothing and cannot bypass a policy. A transaction switches to one of
 * them:
 *   syncline_app         one tenant: the one in the setting `app.tenant`
 *   syncline_dispatcher  all tenants, but only the outbox, the columns that find stalled work, and expired
 * rows
 *   syncline_platform    all tenants, but only what identifies a caller: tenants, API keys, people, sessions
 *   syncline_webhooks    all tenants, but only events, endpoints, deliveries and attempts: a platform
 * endpoint
 *                        receives the events of every tenant through one queue
 *   syncline_eraser      one tenant, as syncline_app; may also change and delete rows of logs
 */
type Role =
  | 'syncline_app'
  | 'syncline_dispatcher'
  | 'syncline_eraser'
  | 'syncline_platform'
  | 'syncline_webhooks';

/** `npm run migrate` creates them before it applies the first migration. */
export const ROLES: readonly Role[] = [
  'syncline_app',
  'syncline_dispatcher',
  'syncline_eraser',
  'syncline_platform',
  'syncline_webhooks',
];
const ROWS_OF_THE_TENANT = `tenant_id = (select nullif(current_setting('app.tenant', true), '')::uuid)`;

/** Protects a table: a role without a policy of its own sees no row of it, not even as its owner. */
export function protect(table: string): string[] {
  return [`alter table ${table} enable row level security`, `alter table ${table} force row level security`];
}

/** Protects a table and gives syncline_app `privileges` on the current tenant's rows. */
export function tenantTable(table: string, privileges: string): string[] {
  return [
    ...protect(table),
    `create policy tenant_rows on ${table} to syncline_app
       using (${ROWS_OF_THE_TENANT}) with check (${ROWS_OF_THE_TENANT})`,
    `grant ${privileges} on ${table} to syncline_app`,
  ];
}

/** Lets erasures read, change and delete the current tenant's rows of a table. */
export function erasable(table: string): string[] {
  return [
    `create policy eraser_rows on ${table} to syncline_eraser
       using (${ROWS_OF_THE_TENANT}) with check (${ROWS_OF_THE_TENANT})`,
    `grant select, update, delete on ${table} to syncline_eraser`,
  ];
}

/** Gives a role that works for all tenants `privileges` on every row of a table. */
export function allTenants(
  role: Exclude<Role, 'syncline_app' | 'syncline_eraser'>,
  table: string,
  ...privileges: string[]
): string[] {
  const policy = `${role.replace('syncline_', '')}_rows`;
  return [
    `create policy ${policy} on ${table} to ${role} using (true)`,
    `grant ${privileges.join(', ')} on ${table} to ${role}`,
  ];
}
