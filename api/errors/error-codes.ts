/**
 * The error catalogue: every error of the API with its status, title and remedy. `/docs/errors/{code}` shows
 * the same entry, so the `type` of a problem is always a working link.
 */
import { AUTH_ERRORS } from './auth-errors';
import { CONNECT_ERRORS } from './connect-errors';
import { INTEGRATION_ERRORS } from './integration-errors';
import { RECORD_ERRORS } from './record-errors';
import { REQUEST_ERRORS } from './request-errors';
import { SERVER_ERRORS } from './server-errors';
import { SYNC_ERRORS } from './sync-errors';
import { TENANT_ERRORS } from './tenant-errors';
import { WEBHOOK_ERRORS } from './webhook-errors';

export const ERROR_CODES = {
  ...REQUEST_ERRORS,
  ...AUTH_ERRORS,
  ...TENANT_ERRORS,
  ...INTEGRATION_ERRORS,
  ...CONNECT_ERRORS,
  ...RECORD_ERRORS,
  ...SYNC_ERRORS,
  ...WEBHOOK_ERRORS,
  ...SERVER_ERRORS,
};

export type ErrorCode = keyof typeof ERROR_CODES;
