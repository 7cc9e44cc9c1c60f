/** Errors of connect sessions. The hosted page shows titles and details to people without an account. */
import type { ErrorEntries } from './error-entry';

export const CONNECT_ERRORS = {
  connect_session_not_found: {
    status: 404,
    title: 'Connect session not found',
    detail: 'Check the id. GET /v1/connect-sessions lists the sessions of the last 30 days.',
  },
  connect_session_ended: {
    status: 409,
    title: 'The connect session has ended',
    detail: 'Create a new one with POST /v1/connect-sessions.',
  },
  return_url_refused: {
    status: 422,
    title: 'The return URL is not allowed',
    detail: 'Its origin must be one of `return_origins` of PATCH /v1/connect-settings.',
  },
  connect_link_unknown: {
    status: 404,
    title: 'This link does not work',
    detail: 'It may be incomplete, or too old. Copy the whole link again, or ask for a new one.',
  },
  connect_link_used: {
    status: 409,
    title: 'This link was already opened in another browser',
    detail: 'Continue in that browser, or ask for a new link.',
  },
  connect_browser_unknown: {
    status: 403,
    title: 'This page belongs to another browser',
    detail: 'Open the link that you were sent in the browser in which you began, or ask for a new link.',
  },
  connection_refused: {
    status: 422,
    title: 'The connection did not work',
    detail: 'Check what you entered, and try again.',
  },
} satisfies ErrorEntries;
