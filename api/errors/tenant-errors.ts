/** Errors about tenants, their people, API keys, sessions and notifications. */
import type { ErrorEntries } from './error-entry';

export const TENANT_ERRORS = {
  tenant_not_found: {
    status: 404,
    title: 'Tenant not found',
    detail: 'Check the id. GET /v1/tenants lists all tenants.',
  },
  tenant_deletion_not_found: {
    status: 404,
    title: 'No deletion of this tenant was found',
    detail: 'Nobody has deleted a tenant of this id. DELETE /v1/tenants/{tenant_id} deletes one.',
  },
  tenant_deleted: {
    status: 410,
    title: 'The tenant was deleted',
    detail: 'GET /v1/tenants/{tenant_id}/deletion shows how far the deletion is.',
  },
  tenant_name_differs: {
    status: 422,
    title: 'The name is not that of the tenant',
    detail: 'Repeat the exact name from GET /v1/tenants/{tenant_id} in the query parameter `name`.',
  },
  too_many_exports: {
    status: 429,
    title: 'Too many exports are under way',
    detail: 'Wait until one has ended, then try again.',
  },
  unknown_time_zone: {
    status: 422,
    title: 'The time zone is unknown',
    detail: 'Use a name from GET /v1/time-zones, such as Europe/Berlin.',
  },
  policy_gone: {
    status: 422,
    title: 'The policy first_dataset is no longer available',
    detail:
      'Use all_datasets. An operator can postpone the removal of first_dataset with ' +
      'COMPANY_SYNCHRONIZED_SWITCH_AT.',
  },
  api_key_not_found: {
    status: 404,
    title: 'API key not found',
    detail: 'Check the id. GET /v1/api-keys lists the keys of the tenant.',
  },
  too_many_api_keys: {
    status: 422,
    title: 'The tenant has too many API keys',
    detail: 'A tenant can have at most 50 active keys. Revoke one first.',
  },
  person_not_found: {
    status: 404,
    title: 'Person not found',
    detail: 'Check the id. GET /v1/people lists the people of the tenant.',
  },
  session_not_found: {
    status: 404,
    title: 'Session not found',
    detail: 'The session may have ended. List the sessions again.',
  },
  email_taken: {
    status: 409,
    title: 'This e-mail address is already in use',
    detail:
      'An address can belong to only one person across all tenants, including disabled people. ' +
      'Use another address.',
  },
  last_admin: {
    status: 409,
    title: 'The tenant needs at least one admin',
    detail: 'Make another person an admin first.',
  },
  person_disabled: {
    status: 409,
    title: 'The person is disabled',
    detail: 'Enable the person first: PATCH /v1/people/{person_id} with {"is_disabled": false}.',
  },
  too_many_people: {
    status: 422,
    title: 'The tenant has too many people',
    detail: 'A tenant can have at most 1,000 people, including disabled ones.',
  },
  notification_not_found: {
    status: 404,
    title: 'Notification not found',
    detail: 'Check the id. GET /v1/notifications lists your notifications.',
  },
} as const satisfies ErrorEntries;
