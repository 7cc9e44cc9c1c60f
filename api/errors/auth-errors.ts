/** Errors of authentication, roles, sign-in and passwords. */
import type { ErrorEntries } from './error-entry';

export const AUTH_ERRORS = {
  unauthorized: {
    status: 401,
    title: 'The API key is missing or invalid',
    detail:
      'Send a valid key as "Authorization: Bearer <key>". The key may have expired or been ' +
      'revoked; an admin can create a new one.',
  },
  not_signed_in: {
    status: 401,
    title: 'You are not signed in',
    detail:
      'Sign in with POST /console/v1/sign-in. Sessions end after 30 minutes without use. Operators sign in ' +
      'with POST /console/v1/platform/sign-in; their sessions end after 15 minutes.',
  },
  sign_in_failed: {
    status: 401,
    title: 'The e-mail address or the password is wrong',
    detail: 'Check both. If you have forgotten your password, ask an admin of your tenant for a new link.',
  },
  platform_key_wrong: {
    status: 401,
    title: 'The platform key is wrong',
    detail:
      'Enter the value of PLATFORM_KEY from the configuration of the api. Keys of tenants do not work here.',
  },
  cross_site_request: {
    status: 403,
    title: 'The request comes from another site',
    detail:
      'Only pages of the console can change data with the session cookie. Programs must use an ' +
      'API key under /v1.',
  },
  acting_as_refused: {
    status: 403,
    title: 'The key cannot act for this person',
    detail:
      "Syncline-Acting-As must name a person of the key's tenant who is not disabled. GET " +
      '/v1/people lists them.',
  },
  role_insufficient: {
    status: 403,
    title: 'Your role does not allow this',
    detail: 'Use a key or an account with the role that this route needs. The API description states it.',
  },
  platform_key_required: {
    status: 403,
    title: 'This route needs the platform key',
    detail: 'Use the platform key. The keys of tenants are not accepted here.',
  },
  tenant_key_required: {
    status: 403,
    title: 'This route needs the key of a tenant',
    detail:
      'Use a key of the tenant. The platform key creates one with POST /v1/tenants/{tenant_id}/api-keys.',
  },
  person_required: {
    status: 403,
    title: 'This route needs a person',
    detail: 'Sign in to the console, or name the person for whom the key acts in Syncline-Acting-As.',
  },
  too_many_failed_authentications: {
    status: 429,
    title: 'Too many requests without a valid key',
    detail: 'Check the key, wait for the time in Retry-After, then try again.',
  },
  too_many_sign_ins: {
    status: 429,
    title: 'Too many sign-in attempts',
    detail:
      'Wait for the time in Retry-After. To sign in at once with a password, ask an admin of your tenant ' +
      'for a link to set a new one.',
  },
  token_spent: {
    status: 410,
    title: 'The link is no longer valid',
    detail:
      'It has been used, has expired, or was replaced by a newer one. Ask an admin of your ' +
      'tenant for a new link.',
  },
  wrong_password: {
    status: 422,
    title: 'The current password is wrong',
    detail: 'Check the current password and try again.',
  },
  oidc_not_configured: {
    status: 404,
    title: 'No identity provider is configured',
    detail: 'Sign in with your e-mail address and password.',
  },
  identity_provider_unavailable: {
    status: 503,
    title: 'The identity provider does not respond',
    detail: 'Try again after the time in Retry-After, or sign in with a password.',
  },
} as const satisfies ErrorEntries;
