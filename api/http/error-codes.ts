/**
 * Every error the API answers, as data: the status, a title, and what to do next. `/docs/errors/{code}` shows the same entry,
 * so the `type` of a problem always resolves. Codes are permanent; programs depend on them.
 */
export interface ErrorCodeEntry {
  status: number;
  title: string;
  /** What it means and what to do about it: the `detail` unless the place that throws knows better. */
  detail: string;
}

export const ERROR_CODES = {
  // The request as such
  malformed_json: {
    status: 400,
    title: 'The body is not JSON',
    detail: 'Send one JSON object, encoded in UTF-8.',
  },
  unacceptable_json: {
    status: 400,
    title: 'The JSON holds something that cannot be stored unaltered',
    detail: 'Correct what `errors` points at and send the request again.',
  },
  invalid_body: {
    status: 400,
    title: 'The body is not of the expected shape',
    detail: 'Correct what `errors` points at and send the request again.',
  },
  invalid_query: {
    status: 400,
    title: 'The query is not of the expected shape',
    detail: 'Correct the parameters that `errors` names. Each may be given once; unknown ones are refused.',
  },
  invalid_path: {
    status: 400,
    title: 'The path is not of the expected shape',
    detail: 'Check the percent-encoding and the names in the path.',
  },
  invalid_header: {
    status: 400,
    title: 'A header is not of the expected shape',
    detail: 'Correct the header that `errors` names.',
  },
  invalid_cursor: {
    status: 400,
    title: 'The cursor does not belong to this list',
    detail: 'Use `next_cursor` only with the same parameters that gave it, or start again without a cursor.',
  },
  occurred_in_future: {
    status: 400,
    title: 'The change lies in the future',
    detail: 'occurred_at may be at most 5 minutes ahead of our clock. Check the clock of the sender.',
  },
  bad_request: {
    status: 400,
    title: 'The request cannot be read',
    detail: 'Send a well-formed HTTP/1.1 request.',
  },
  unauthorized: {
    status: 401,
    title: 'No valid key',
    detail:
      'Send a valid key as "Authorization: Bearer <key>". Keys can be expired or revoked; an admin makes new ones.',
  },
  not_signed_in: {
    status: 401,
    title: 'Nobody is signed in',
    detail: 'Sign in by POST /console/v1/sign-in. Sessions end when they are not used for 30 minutes.',
  },
  sign_in_failed: {
    status: 401,
    title: 'E-mail address or password is wrong',
    detail: 'Check both. Whoever has forgotten the password asks an admin of the tenant for a new link.',
  },
  cross_site_request: {
    status: 403,
    title: 'The request comes from another site',
    detail:
      'Only pages of the console itself may change something with its cookie. Programs use an API key under /v1.',
  },
  acting_as_refused: {
    status: 403,
    title: 'The key cannot act for this person',
    detail:
      "Syncline-Acting-As names a person of the key's own tenant who is not disabled; GET /v1/people lists them.",
  },
  role_insufficient: {
    status: 403,
    title: 'The key may not do this',
    detail: 'Use a key with the role that this route needs; the API description names it.',
  },
  platform_key_required: {
    status: 403,
    title: 'Only the platform key may do this',
    detail: 'Use the platform key: this route concerns all tenants.',
  },
  tenant_key_required: {
    status: 403,
    title: "Only a tenant's key may do this",
    detail:
      'Use a key of the tenant concerned; the platform key makes one by POST /v1/tenants/{tenant_id}/api-keys.',
  },
  route_not_found: {
    status: 404,
    title: 'There is no such route',
    detail: 'Check the path against /openapi.json.',
  },
  method_not_allowed: {
    status: 405,
    title: 'The route does not know this method',
    detail: 'Use one of the methods named in the Allow header.',
  },
  request_timeout: {
    status: 408,
    title: 'The request did not arrive in time',
    detail: 'Send the whole request within 30 seconds.',
  },
  body_too_large: {
    status: 413,
    title: 'The body is too large',
    detail: 'Send at most 256 KB, and at most 1 MB and 500 changes in a batch.',
  },
  unsupported_media_type: {
    status: 415,
    title: 'The body is not of a type we read',
    detail: 'Send "Content-Type: application/json" in UTF-8, without content encoding.',
  },
  header_too_large: {
    status: 431,
    title: 'The headers are too large',
    detail: 'Send fewer or shorter headers: 16 KB in all.',
  },
  too_many_requests: {
    status: 429,
    title: 'Too many requests',
    detail:
      'Wait as long as Retry-After says, then go on more slowly. Changes can be sent in batches of 500.',
  },
  too_many_failed_authentications: {
    status: 429,
    title: 'Too many requests without a valid key',
    detail: 'Wait as long as Retry-After says and check the key.',
  },
  too_many_sign_ins: {
    status: 429,
    title: 'Too many attempts to sign in',
    detail:
      'Wait as long as Retry-After says. A new link from an admin of the tenant lets one choose a password and sign in at once.',
  },
  too_many_streams: {
    status: 429,
    title: 'Too many open streams',
    detail: 'Close streams that are no longer needed, then try again.',
  },

  // Idempotency and preconditions
  idempotency_key_in_use: {
    status: 409,
    title: 'The same request is still being worked on',
    detail: 'Wait a second and send it again with the same Idempotency-Key to get its answer.',
  },
  idempotency_key_reused: {
    status: 422,
    title: 'The Idempotency-Key was used for another request',
    detail: 'Use a new key for a new request; a repeated request must be the same to the byte.',
  },
  precondition_required: {
    status: 428,
    title: 'If-Match is missing',
    detail:
      'Read the resource, then send its ETag as If-Match, so that no change of somebody else is overwritten.',
  },
  precondition_failed: {
    status: 412,
    title: 'Somebody else changed it meanwhile',
    detail: 'Read the resource again, repeat your change on it, and send the new ETag as If-Match.',
  },

  // What is addressed
  tenant_not_found: {
    status: 404,
    title: 'There is no such tenant',
    detail: 'Check the id; GET /v1/tenants lists all tenants.',
  },
  api_key_not_found: {
    status: 404,
    title: 'There is no such API key',
    detail: 'Check the id; GET /v1/api-keys lists the keys of the tenant.',
  },
  person_not_found: {
    status: 404,
    title: 'There is no such person',
    detail: 'Check the id; GET /v1/people lists the people of the tenant.',
  },
  session_not_found: {
    status: 404,
    title: 'There is no such session',
    detail: 'It may have ended. List the sessions again.',
  },
  integration_not_found: {
    status: 404,
    title: 'There is no such integration',
    detail: 'Check the id; GET /v1/integrations lists the integrations of the tenant.',
  },
  record_not_found: {
    status: 404,
    title: 'There is no such record',
    detail: 'Check record type and external id. PATCH and DELETE need a record that exists; PUT makes one.',
  },
  record_sync_not_found: {
    status: 404,
    title: 'This integration does not sync this record',
    detail: 'GET the record to see which integrations sync it.',
  },
  push_not_found: {
    status: 404,
    title: 'There is no such push',
    detail: 'Check the id; GET /v1/pushes lists the push log.',
  },
  notification_not_found: {
    status: 404,
    title: 'There is no such notification',
    detail: 'Check the id; GET /v1/notifications lists those of the person who asks.',
  },
  person_required: {
    status: 403,
    title: 'This is about a person',
    detail: 'Sign in to the console, or name with Syncline-Acting-As whom the key acts for.',
  },
  sync_run_not_found: {
    status: 404,
    title: 'There is no such sync run',
    detail: 'Check the id; GET /v1/sync-runs lists the sync runs.',
  },
  deletion_review_not_found: {
    status: 404,
    title: 'There is no such deletion review',
    detail: 'Check the id; GET /v1/deletion-reviews lists the reviews.',
  },
  endpoint_not_found: {
    status: 404,
    title: 'There is no such webhook endpoint',
    detail:
      "Check the id; GET /v1/webhook-endpoints lists the tenant's endpoints, GET /v1/platform/webhook-endpoints those of the platform.",
  },
  delivery_not_found: {
    status: 404,
    title: 'There is no such webhook delivery',
    detail: 'Check the id; GET /v1/webhook-deliveries lists deliveries. They are kept for 30 days.',
  },
  connector_not_found: {
    status: 404,
    title: 'There is no such connector',
    detail: 'GET /v1/connectors lists the connectors.',
  },

  // What is asked for
  unknown_connector: {
    status: 422,
    title: 'There is no such connector',
    detail: 'GET /v1/connectors lists the connectors.',
  },
  invalid_config: {
    status: 422,
    title: 'The configuration does not fit the connector',
    detail: 'Correct what `errors` points at; GET /v1/connectors/{kind} shows the schema.',
  },
  invalid_credentials_shape: {
    status: 422,
    title: 'The credentials do not fit the connector',
    detail: 'Correct what `errors` points at; GET /v1/connectors/{kind} shows the schema.',
  },
  invalid_mapping: {
    status: 422,
    title: 'The mapping cannot be used',
    detail: 'Correct what `errors` points at.',
  },
  invalid_settings: {
    status: 422,
    title: 'The settings contradict each other',
    detail: 'Correct what `errors` points at.',
  },
  egress_refused: {
    status: 422,
    title: 'An address may not be reached',
    detail: 'Use a public https address. An operator can open networks by EGRESS_ALLOW_CIDRS.',
  },
  unknown_time_zone: {
    status: 422,
    title: 'The time zone is unknown',
    detail: 'Use a name of GET /v1/time-zones, such as Europe/Berlin.',
  },
  too_many_api_keys: {
    status: 422,
    title: 'The tenant has too many API keys',
    detail: 'A tenant has at most 50 keys that are neither revoked nor expired. Revoke one first.',
  },
  email_taken: {
    status: 409,
    title: 'Somebody has this e-mail address already',
    detail:
      'An address names one person of the whole installation, whoever is disabled included. Use another one.',
  },
  last_admin: {
    status: 409,
    title: 'The tenant would be left without an admin',
    detail: 'Make somebody else an admin first.',
  },
  person_disabled: {
    status: 409,
    title: 'The person is disabled',
    detail: 'PATCH the person with {"is_disabled": false} first.',
  },
  too_many_people: {
    status: 422,
    title: 'The tenant has too many people',
    detail: 'A tenant has at most 1,000 people, whoever is disabled included.',
  },
  token_spent: {
    status: 410,
    title: 'The link is no longer good',
    detail: 'It was used, has expired, or a newer one was made. An admin of the tenant gives a new one.',
  },
  wrong_password: {
    status: 422,
    title: 'The current password is wrong',
    detail: 'Check the current password.',
  },
  too_many_endpoints: {
    status: 422,
    title: 'There are too many webhook endpoints',
    detail: 'A tenant has at most 50, and so has the platform. Delete one first.',
  },
  recover_too_far: {
    status: 422,
    title: 'That is too long ago',
    detail: 'Deliveries can be recovered for 14 days. What is older is in GET /v1/events for 30 days.',
  },
  policy_gone: {
    status: 422,
    title: 'The policy first_dataset is gone',
    detail:
      'Since the switch COMPANY_SYNCHRONIZED waits for all datasets: use all_datasets. An operator can set a later date by COMPANY_SYNCHRONIZED_SWITCH_AT.',
  },
  unknown_record_type: {
    status: 422,
    title: 'The integration pulls no such record type',
    detail: 'Name only record types that the integration maps with the direction pull or both.',
  },
  version_reused: {
    status: 409,
    title: 'This version already stands for other content',
    detail: 'Send a version above the current one; GET the record to see it.',
  },
  onboarding_in_progress: {
    status: 409,
    title: 'These records are being onboarded',
    detail:
      'Until the first full read of the integration is done, its record types can be read but not changed. Its onboarding tells how far it is.',
  },
  field_owned_by_third_party: {
    status: 409,
    title: 'This only comes from the third party',
    detail: 'Change it there; it is read again by the next sync run.',
  },
  nothing_pending: {
    status: 409,
    title: 'Nothing is waiting to be pushed',
    detail:
      'GET the record to see its state. A new change opens a window; what failed is sent again by retry.',
  },
  nothing_failed: {
    status: 409,
    title: 'Nothing has failed',
    detail: 'Only a pair with the status sync_failed can be retried.',
  },
  already_syncing: {
    status: 409,
    title: 'A push is under way',
    detail: 'Wait for the push to end; GET the record to see its state.',
  },
  integration_paused: {
    status: 409,
    title: 'The integration is paused',
    detail: 'Resume the integration first.',
  },
  needs_reauthorization: {
    status: 409,
    title: 'The third party refused the credentials',
    detail:
      'Give new ones by PUT /v1/integrations/{integration_id}/credentials: what could not be read is read then.',
  },
  nothing_to_sync: {
    status: 409,
    title: 'There is nothing to sync',
    detail:
      'The integration maps no record type in this direction. Map one by PATCH /v1/integrations/{integration_id}.',
  },
  overview_not_found: {
    status: 404,
    title: 'There is no such Sync Overview',
    detail: 'Take its id from GET /v1/overviews.',
  },
  overview_not_ready: {
    status: 409,
    title: 'The Sync Overview is not ready',
    detail:
      'Follow GET /v1/overviews/{overview_id} until its state is ready; where it has failed, ask for another one.',
  },
  overview_no_longer_valid: {
    status: 410,
    title: 'Sync Overview data no longer valid',
    detail: 'Ask for another Sync Overview.',
  },
  operation_not_found: {
    status: 404,
    title: 'There is no such operation',
    detail: 'Take its id from the answer that began it.',
  },
  nothing_to_pull: {
    status: 409,
    title: 'The integration only pushes',
    detail:
      'Map a record type with the direction pull or both first. What is pushed is listed by GET /v1/record-syncs.',
  },
  endpoint_disabled: {
    status: 409,
    title: 'The webhook endpoint is switched off',
    detail: 'Enable it first; with recover_since what it missed is sent too.',
  },
  too_many_secrets: {
    status: 409,
    title: 'Three secrets are good already',
    detail: 'Wait until a former one has expired: the endpoint says when.',
  },
  sync_run_finished: {
    status: 409,
    title: 'The sync run has ended',
    detail: 'Only a run that is queued, running or waiting can be canceled.',
  },
  review_decided: {
    status: 409,
    title: 'The review is no longer pending',
    detail:
      'GET the review to see what was decided. A later full pass that misses records again makes a new one.',
  },
  credentials_missing: {
    status: 409,
    title: 'The integration has no credentials yet',
    detail: 'Give them by PUT /v1/integrations/{integration_id}/credentials.',
  },

  // Trouble on our side
  internal_error: {
    status: 500,
    title: 'Something went wrong on our side',
    detail: 'Try again. If it happens again, tell the operators the request_id.',
  },
  database_unavailable: {
    status: 503,
    title: 'The database does not answer',
    detail:
      'Nothing is lost that was acknowledged. Send the request again after Retry-After, with the same Idempotency-Key if it had one.',
  },
  database_read_only: {
    status: 503,
    title: 'The database takes no writes at the moment',
    detail: 'Reading goes on. Send the request again after Retry-After.',
  },
  identity_provider_unavailable: {
    status: 503,
    title: 'The identity provider does not answer',
    detail: 'Try again after Retry-After, or sign in with a password.',
  },
  oidc_not_configured: {
    status: 404,
    title: 'There is no other provider to sign in with',
    detail: 'Sign in with e-mail address and password.',
  },
  temporal_unavailable: {
    status: 503,
    title: 'Temporal does not answer',
    detail: 'Changes are still accepted and wait. Try this again after Retry-After.',
  },
  check_unanswered: {
    status: 503,
    title: 'No worker ran the check in time',
    detail: 'See that a worker is running, then try again after Retry-After.',
  },
  not_ready: {
    status: 503,
    title: 'This process takes no traffic',
    detail: 'Use another replica, or try again after Retry-After.',
  },
} as const satisfies Record<string, ErrorCodeEntry>;

export type ErrorCode = keyof typeof ERROR_CODES;
