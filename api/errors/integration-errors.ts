/** Errors about connectors and integrations. */
import type { ErrorEntries } from './error-entry';

export const INTEGRATION_ERRORS = {
  incoming_call_refused: {
    status: 401,
    title: 'The call is refused',
    detail: 'It could not be verified.',
  },
  webhooks_not_described: {
    status: 422,
    title: 'The configuration describes no webhooks',
    detail: 'Add `webhooks` to the configuration of the integration: docs/connectors/rest-webhooks.md.',
  },
  incoming_address_missing: {
    status: 409,
    title: 'There is no address for webhooks yet',
    detail: 'Make it with POST /v1/integrations/{integration_id}/incoming-webhooks/address.',
  },
  app_webhooks_not_described: {
    status: 422,
    title: 'The definition describes no webhooks for all accounts of an app',
    detail:
      'Publish a version of the definition whose `webhooks` say where an event names its `account`: ' +
      'docs/connectors/rest-app-webhooks.md.',
  },
  app_address_missing: {
    status: 409,
    title: 'There is no address for webhooks of the app yet',
    detail: 'Make it with POST …/oauth-apps/{oauth_app_id}/incoming-webhooks/address.',
  },
  connector_not_found: {
    status: 404,
    title: 'Connector not found',
    detail: 'GET /v1/connectors lists the connectors.',
  },
  unknown_connector: {
    status: 422,
    title: 'The connector does not exist',
    detail:
      'Use a connector listed by GET /v1/connectors. That of a package has to be installed for the api ' +
      '(CONNECTOR_PACKAGES).',
  },
  definition_not_found: {
    status: 404,
    title: 'Third-party definition not found',
    detail: 'GET /v1/third-party-definitions lists the definitions.',
  },
  rollout_not_found: {
    status: 404,
    title: 'Rollout not found',
    detail: 'GET /v1/platform/third-party-definitions/{definition_key}/rollouts lists those of a definition.',
  },
  rollout_in_progress: {
    status: 409,
    title: 'Another rollout of this definition is in progress',
    detail: 'Wait for its end, cancel it or roll it back. `rollout_id` names it.',
  },
  rollout_not_possible: {
    status: 409,
    title: 'The state of the rollout does not allow this',
    detail: 'Read the rollout for its state.',
  },
  unknown_definition: {
    status: 422,
    title: 'The third-party definition does not exist',
    detail: 'Use a definition listed by GET /v1/third-party-definitions, in a version that it has.',
  },
  invalid_definition: {
    status: 422,
    title: 'The third-party definition is invalid',
    detail: 'Correct the values listed in `errors`.',
  },
  integration_not_found: {
    status: 404,
    title: 'Integration not found',
    detail: 'Check the id. GET /v1/integrations lists the integrations of the tenant.',
  },
  too_many_integrations: {
    status: 422,
    title: 'The tenant has too many integrations',
    detail: 'Disconnect one first, or ask your operator to raise INTEGRATIONS_PER_TENANT.',
  },
  invalid_config: {
    status: 422,
    title: 'The configuration is invalid for this connector',
    detail: 'Correct the values listed in `errors`. GET /v1/connectors/{kind} shows the schema.',
  },
  invalid_credentials_shape: {
    status: 422,
    title: 'The credentials are invalid for this connector',
    detail: 'Correct the values listed in `errors`. GET /v1/connectors/{kind} shows the schema.',
  },
  credentials_needed: {
    status: 422,
    title: 'The credentials must be entered again for the new address',
    detail:
      'Credentials are only sent to the scheme, host and port that they were given for. Send `credentials` ' +
      'together with the new `config`.',
  },
  oauth_app_not_found: {
    status: 404,
    title: 'OAuth app not found',
    detail:
      'Check the id. GET /v1/oauth-apps lists the apps. Only the platform changes apps of the platform.',
  },
  oauth_app_in_use: {
    status: 409,
    title: 'The OAuth app is in use',
    detail: 'Connect the integrations that use it by another app, or disconnect them.',
  },
  client_secret_needed: {
    status: 422,
    title: 'The client secret must be entered again for the new origin',
    detail: 'The secret is only sent to the origins that it was given for. Send `client_secret` with them.',
  },
  invalid_mapping: {
    status: 422,
    title: 'The mapping is invalid',
    detail: 'Correct the values listed in `errors`.',
  },
  check_refused: {
    status: 422,
    title: 'The app cannot be synced with these settings',
    detail:
      'Correct the settings listed in `errors`, which failed the check at the app. To store them ' +
      'without a check, send `check=false`.',
  },
  invalid_settings: {
    status: 422,
    title: 'The settings contradict each other',
    detail: 'Correct the settings listed in `errors`.',
  },
  egress_refused: {
    status: 422,
    title: 'The egress policy does not allow this address',
    detail: 'Use a public https address. An operator can allow other networks with EGRESS_ALLOW_CIDRS.',
  },
  onboarding_in_progress: {
    status: 409,
    title: 'The initial import is still running',
    detail:
      'Until the initial import of the integration is done, its record types can be read but ' +
      'not changed. `onboarding` of the integration shows the progress.',
  },
  integration_paused: {
    status: 409,
    title: 'The integration is paused',
    detail: 'Resume the integration first.',
  },
  needs_reauthorization: {
    status: 409,
    title: 'The app rejected the credentials',
    detail:
      'Send new credentials with PUT /v1/integrations/{integration_id}/credentials. Pending ' +
      'work continues afterwards.',
  },
  credentials_missing: {
    status: 409,
    title: 'The integration has no credentials',
    detail: 'Send them with PUT /v1/integrations/{integration_id}/credentials.',
  },
  temporal_unavailable: {
    status: 503,
    title: 'Temporal does not respond',
    detail: 'Changes are still accepted and queued. Try this request again after the time in Retry-After.',
  },
  check_unanswered: {
    status: 503,
    title: 'No worker finished the check in time',
    detail: 'Make sure that a worker is running, then try again after the time in Retry-After.',
  },
} as const satisfies ErrorEntries;
