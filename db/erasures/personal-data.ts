/**
 * What every column of every table may hold of people (rules.md 62). A test reads the schema and fails for a
 * column with text that is not listed here; the erasure is driven by this list.
 *
 *   row     of one record: the row is deleted with the record
 *   ids     may name records among other things: their names are replaced
 *   words   texts of people, third parties and receivers: names and values of erased records are replaced
 *   tenant  settings, people and authors of the tenant: deleted with the tenant
 *   figure  states, kinds, names of fields and types: no personal data
 *   secret  encrypted, or a hash of a secret; deleted with the tenant and never exported
 *
 * Columns with ids, numbers and instants are not listed. `deletes` says which rows belong to a record:
 * those with its `record_id`, its `remote_id` or its `external_id`, or each row that `mentions` it.
 */
type Holds = 'row' | 'ids' | 'words' | 'tenant' | 'figure' | 'secret';
type DeletedBy = 'record_id' | 'remote_id' | 'external_id' | 'mentions';

export interface PersonalData {
  deletes?: readonly DeletedBy[];
  /** Of tables without a primary key: columns in the order of an index. */
  key?: readonly string[];
  columns: Readonly<Record<string, Holds>>;
}

/** Columns of one kind, separated by spaces. */
function columns(kinds: Partial<Record<Holds, string>>): Record<string, Holds> {
  return Object.fromEntries(
    Object.entries(kinds).flatMap(([holds, names]) =>
      names.split(' ').map((name) => [name, holds as Holds] as const),
    ),
  );
}

const ofRecord = (kinds: Partial<Record<Holds, string>>, ...more: DeletedBy[]): PersonalData => ({
  deletes: ['record_id', ...more],
  columns: columns(kinds),
});
const of = (kinds: Partial<Record<Holds, string>>): PersonalData => ({ columns: columns(kinds) });

export const PERSONAL_DATA: Readonly<Record<string, PersonalData>> = {
  api_keys: of({ figure: 'public_id role', secret: 'secret_hash', tenant: 'name created_by' }),
  audit_log: of({ figure: 'action request_id', ids: 'target detail', tenant: 'actor ip' }),
  background_tasks: of({ figure: 'kind step', tenant: 'requested_by cursor' }),
  brake_counts: of({ figure: 'record_type effect' }),
  company_syncs: of({}),
  connect_sessions: of({
    figure: 'state',
    tenant: 'settings person guidance return_url created_by consent_url',
    words: 'problem',
    secret: 'secret_hash browser_hash state_hash',
  }),
  connect_settings: of({ tenant: 'name color logo_text return_origins frame_ancestors' }),
  console_sessions: of({ secret: 'sid sess' }),
  definition_rollout_integrations: of({
    figure: 'state changes differences effects health_before',
    words: 'problems',
    tenant: 'settings_before settings_after',
  }),
  definition_rollouts: of({
    figure: 'definition_key state steps list_cursor paused_because trouble created_by approved_by',
  }),
  deletion_reviews: of({ figure: 'record_type state kind fields', tenant: 'decided_by' }),
  drifts: ofRecord({ figure: 'record_type place', row: 'expected found' }),
  emails: of({ figure: 'kind withdrawn_reason', words: 'content last_error', tenant: 'recipient' }),
  emptied_records: ofRecord({ figure: 'record_type fields', row: 'remote' }),
  erased_hashes: of({ secret: 'hash list_hash', figure: 'record_type' }),
  erasure_items: ofRecord({ figure: 'record_type', row: 'external_id remote_ids links texts' }),
  erasure_keys: of({ secret: 'secret' }),
  erasures: of({
    figure: 'state found erased third_parties progress requested_by confirmed_by',
    row: 'search',
  }),
  event_sequences: of({}),
  events: of({ figure: 'type', ids: 'payload' }),
  idempotency_keys: {
    deletes: ['mentions'],
    columns: columns({ row: 'idempotency_key response', figure: 'fingerprint' }),
  },
  incoming_addresses: of({
    secret: 'token_hash secret address',
    figure: 'subscription_ids',
    words: 'subscription_error',
  }),
  incoming_changes: {
    deletes: ['remote_id'],
    columns: columns({ figure: 'record_type', row: 'remote_id' }),
  },
  installations: of({ figure: 'server' }),
  integration_trials: of({
    figure: 'connector',
    tenant: 'config record_types',
    secret: 'credentials',
    words: 'tries result samples',
  }),
  integrations: of({
    figure:
      'connector initial_push blocked_reason backfill_reason company_synchronized_policy nightly_sync_at ' +
      'unverified_types definition_key definition_sign_in',
    tenant:
      'app account_name config config_app_id record_types mapping_changed_by type_settings definition_parameters',
    secret: 'credentials',
    words: 'blocked_detail last_check',
  }),
  leases: of({ figure: 'name' }),
  match_keys: {
    ...ofRecord({ figure: 'record_type', row: 'value' }),
    key: ['sync_run_id', 'record_type', 'value', 'record_id'],
  },
  metadata_changes: of({ figure: 'record_type kind field', tenant: 'detail' }),
  missing_records: ofRecord({ figure: 'record_type' }),
  notification_recipients: of({ figure: 'viewed_how decision decision_reason email_withdrawn_reason' }),
  notification_settings: of({}),
  notifications: of({ figure: 'kind', words: 'detail' }),
  oauth_accounts: of({
    secret: 'access_token refresh_token previous_refresh_token',
    tenant: 'scopes account_id account_name connected_by',
    words: 'refused_reason',
  }),
  oauth_app_webhooks: of({ figure: 'definition_key', secret: 'token_hash secret' }),
  oauth_apps: of({ tenant: 'name client_id allowed_origins', secret: 'client_secret webhook_secret' }),
  oauth_consents: of({
    secret: 'state_hash verifier code',
    tenant: 'iss redirect_uri auth created_by',
    words: 'result',
  }),
  operator_findings: of({ figure: 'finding detail told' }),
  operations: of({ figure: 'kind', tenant: 'requested_by' }),
  outage_give_ups: of({}),
  outbox: of({ figure: 'topic', tenant: 'last_error' }),
  overview_items: ofRecord(
    {
      figure: 'direction record_type action outcome',
      row: 'external_id remote_id remote_hash before after search_text',
      words: 'reason',
    },
    'remote_id',
    'external_id',
  ),
  overview_jobs: of({
    figure: 'record_type direction state compared_with',
    tenant: 'cursor',
    words: 'error',
  }),
  overview_pages: of({ figure: 'record_type direction ids_digest' }),
  overviews: of({ figure: 'state invalid_reason', tenant: 'requested_by invalid_by' }),
  people: of({ figure: 'role', tenant: 'name email canonical_email', secret: 'password_hash' }),
  person_identities: of({ tenant: 'issuer subject' }),
  person_tokens: of({ figure: 'kind', secret: 'token_hash', tenant: 'created_by' }),
  push_references: ofRecord(
    { figure: 'place record_type field state', row: 'external_id remote_id' },
    'external_id',
    'remote_id',
  ),
  push_reviews: of({
    figure: 'record_type effect started_because state',
    tenant: 'caused_by decided_by',
  }),
  pushes: ofRecord({
    figure: 'operation started_because changed_fields result effect',
    row: 'payload remote_id',
    tenant: 'changed_by',
    words: 'errors',
  }),
  push_queue_looks: of({ figure: 'turn_run' }),
  rate_limits: of({}),
  record_changes: ofRecord({ figure: 'outcome changed_fields request_id', tenant: 'changed_by' }),
  record_counts: of({ figure: 'record_type' }),
  record_links: ofRecord({
    figure: 'record_type',
    row: 'remote_id remote_version remote_hash agreed notation',
  }),
  record_syncs: ofRecord({
    figure: 'window_reason window_fields result_status status window_effect window_record_type erase_as',
    row: 'push_hash result_hash',
    tenant: 'window_changed_by held_by discarded_by',
    words: 'errors',
  }),
  records: ofRecord({
    figure: 'record_type field_versions',
    row: 'external_id fields',
    tenant: 'changed_by',
  }),
  reference_promises: ofRecord(
    { figure: 'field place record_type', row: 'remote_id', ids: 'value' },
    'remote_id',
  ),
  remote_claims: { deletes: ['mentions'], columns: columns({ row: 'external_id' }) },
  remote_record_types: of({ figure: 'record_type', tenant: 'label fields' }),
  running_work: of({ figure: 'kind job' }),
  sign_in_failures: of({ secret: 'subject' }),
  skipped_runs: of({ figure: 'schedule reason' }),
  stream_events: { deletes: ['mentions'], columns: columns({ figure: 'topic', row: 'body' }) },
  sync_conflicts: ofRecord(
    {
      figure: 'record_type kind field winner state decision',
      row: 'remote_id',
      tenant: 'decided_by',
      words: 'ours theirs detail',
    },
    'remote_id',
  ),
  sync_datasets: of({ figure: 'record_type initial_state', tenant: 'sync_token' }),
  sync_jobs: of({
    figure: 'record_type state deletes_withheld waiting_reason watermark_kept items_settled_action',
    tenant: 'cursor sync_token next_sync_token',
    words: 'error',
  }),
  sync_pages: of({ figure: 'record_type ids_digest changed' }),
  sync_ranges: of({ figure: 'record_type', tenant: 'bounds cursor' }),
  sync_record_errors: {
    deletes: ['remote_id'],
    columns: columns({ figure: 'record_type code', row: 'remote_id', words: 'message' }),
  },
  sync_run_pushes: of({ figure: 'record_type outcome' }),
  sync_runs: of({ figure: 'kind scope record_types state stands_for', tenant: 'started_by canceled_by' }),
  sync_schedules: of({ figure: 'schedule basis' }),
  sync_statuses: of({ figure: 'breakdown', tenant: 'app account_name' }),
  tenant_deletions: of({ figure: 'state progress rows request_id' }),
  tenant_keys: of({ secret: 'wrapped_key' }),
  tenants: of({ figure: 'time_zone company_synchronized_policy', tenant: 'name contact_email' }),
  third_party_definition_versions: of({ figure: 'definition_key document rules hash origin created_by' }),
  third_party_definitions: of({ figure: 'definition_key' }),
  undeliverable_addresses: of({ tenant: 'email', words: 'detail' }),
  webhook_attempts: of({ words: 'error request_headers response_headers response_body' }),
  webhook_deliveries: of({ figure: 'state trigger', words: 'last_error' }),
  webhook_endpoints: of({
    figure: 'event_types disabled_reason',
    tenant: 'url description header_names',
    secret: 'secrets headers',
  }),
};
