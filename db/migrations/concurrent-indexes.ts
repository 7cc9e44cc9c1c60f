/**
 * Indexes of tables that grow for ever. They are built before the migration, while processes write to these
 * tables; the migration itself builds what is missing then, for example in a new database.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';

const INDEXES = {
  sync_runs_open: `sync_runs (sync_run_id) where state in ('queued', 'running', 'waiting')`,
  sync_runs_full: `sync_runs (tenant_id, integration_id, (coalesce(finished_at, 'infinity')))
    where scope = 'full' and overview_id is null`,
  background_tasks_open: `background_tasks (background_task_id) where finished_at is null`,
  overviews_open: `overviews (overview_id) where data_deleted_at is null`,
  notification_recipients_open: `notification_recipients (notification_recipient_id) where decision is null`,
  sync_record_errors_texts: `sync_record_errors (at) where message not like 'Removed after %'`,
  sync_jobs_left_at: `sync_jobs (finished_at) where finished_at is not null and cursor is not null`,
  sync_jobs_texts: `sync_jobs (finished_at) where error ->> 'message' not like 'Removed after %'`,
  overview_jobs_texts: `overview_jobs (finished_at) where error ->> 'message' not like 'Removed after %'`,
  sync_conflicts_texts: `sync_conflicts (ended_at)
    where state <> 'open' and detail not like 'Removed after %'`,
  sync_conflicts_open_newest: `sync_conflicts
    (tenant_id, (case when state = 'open' then sync_conflict_id end))
    where case when state = 'open' then sync_conflict_id end is not null`,
  sync_conflicts_open_of_integration: `sync_conflicts
    (tenant_id, integration_id, (case when state = 'open' then sync_conflict_id end))
    where case when state = 'open' then sync_conflict_id end is not null`,
  emails_open: `emails (email_id) where sent_at is null and failed_at is null and withdrawn_at is null`,
  record_syncs_due_by_kind: `record_syncs
    (tenant_id, integration_id, (case when is_backfill then 3 else push_priority end), next_due_at)
    where next_due_at is not null`,
  record_syncs_due_windows: `record_syncs (tenant_id, integration_id, is_backfill, next_due_at)
    where next_due_at is not null and (window_opened_at is not null or lease_until is not null)`,
  record_syncs_giving_up: `record_syncs (tenant_id, integration_id, give_up_at)
    where give_up_at is not null and lease_until is null`,
  // The columns of its condition are not in it: PostgreSQL knows that they hold.
  record_syncs_by_type: `record_syncs
    (tenant_id, integration_id, window_effect, window_record_type, push_review_id)
    where window_effect is not null and window_opened_at is not null
      and (held_at is null or push_review_id is not null)`,
  // The condition always holds, and only what counts links states it: others would be planned with this index
  // instead of the primary key where statistics are missing.
  record_links_by_type: `record_links (tenant_id, integration_id, record_type)
    where integration_id::text <> ''`,
  sync_run_pushes_open: `sync_run_pushes (tenant_id, sync_run_id, record_type, record_id)
    where outcome is null`,
  webhook_deliveries_turns: `webhook_deliveries (webhook_endpoint_id, tenant_id, next_attempt_at)
    where next_attempt_at is not null`,
  webhook_deliveries_missed: `webhook_deliveries (webhook_endpoint_id, webhook_delivery_id)
    where state in ('failed', 'disabled') and superseded_at is null`,
  notifications_over: `notifications (resolved_at) where resolved_at is not null`,
  // Without the tenant, so that the planner does not choose it for other statements about a tenant.
  notification_recipients_by_notification: `notification_recipients (notification_id)`,
  notification_recipients_unviewed: `notification_recipients
    (tenant_id, person_id, revealed_at, notification_id) where revealed_at is not null and viewed_at is null`,
  metadata_changes_by_age: `metadata_changes (at)`,
  background_tasks_finished: `background_tasks (finished_at) where finished_at is not null`,
  push_reviews_finished: `push_reviews (finished_at) where finished_at is not null`,
  deletion_reviews_by_run: `deletion_reviews (tenant_id, sync_run_id)`,
  deletion_reviews_decided: `deletion_reviews (decided_at) where decided_at is not null`,
  sync_conflicts_ended: `sync_conflicts (ended_at) where ended_at is not null`,
  overviews_without_data: `overviews (data_deleted_at) where data_deleted_at is not null`,
  person_tokens_by_expiry: `person_tokens (expires_at)`,
  sync_runs_one_waiting: `sync_runs (tenant_id, integration_id)
    where state = 'queued' and kind not in ('sync_now', 'webhook')`,
  erased_hashes_of_erasures: `erased_hashes (tenant_id, hash, erasure_id)`,
  sync_runs_one_webhook: `sync_runs (tenant_id, integration_id) where state = 'queued' and kind = 'webhook'`,
};
const UNIQUE: readonly string[] = [
  'sync_runs_one_waiting',
  'sync_runs_one_webhook',
  'erased_hashes_of_erasures',
];

type IndexName = keyof typeof INDEXES;

const BUILT_BY_ANOTHER_MS = 500;

export const createIndex = (name: IndexName): string =>
  `create ${UNIQUE.includes(name) ? 'unique index' : 'index'} if not exists ${name} on ${INDEXES[name]}`;

/** The column of an index has to exist before it. The default is written nowhere, so it is added at once. */
export const ADD_PUSH_PRIORITY =
  'alter table record_syncs add column if not exists push_priority smallint not null default 1';
export const ADD_WINDOW_RECORD_TYPE =
  'alter table record_syncs add column if not exists window_record_type text';
export const ADD_SUPERSEDED_AT =
  'alter table webhook_deliveries add column if not exists superseded_at timestamptz';
const COLUMNS: Partial<Record<IndexName, string>> = {
  record_syncs_due_by_kind: ADD_PUSH_PRIORITY,
  record_syncs_by_type: ADD_WINDOW_RECORD_TYPE,
  webhook_deliveries_missed: ADD_SUPERSEDED_AT,
};

/** Works outside of a transaction. What cannot be built is left to the migration. */
export async function prepareIndexes(databaseUrl: string): Promise<void> {
  const client = new Client({ connectionString: databaseUrl, keepAlive: true });
  client.on('error', () => undefined); // the query that runs then fails
  await client.connect();
  try {
    await client.query('set statement_timeout = 0');
    await client.query('set lock_timeout = 0');
    for (const name of Object.keys(INDEXES) as IndexName[])
      await prepareIndex(client, name).catch(() => dropUnlessValid(client, name));
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function prepareIndex(client: Client, name: IndexName): Promise<void> {
  const [table = ''] = INDEXES[name].split(/\s/);
  await dropUnlessValid(client, name);
  const { rows } = await client.query<{ isMissing: boolean }>(
    'select to_regclass($1) is not null and to_regclass($2) is null as "isMissing"',
    [table, name],
  );
  if (rows[0]?.isMissing !== true) return; // or the database is new
  if (COLUMNS[name] !== undefined) await client.query(COLUMNS[name]);
  await client.query(createIndex(name).replace(' index ', ' index concurrently '));
}

/** Of a process that died. Another one that migrates now is waited for. */
async function dropUnlessValid(client: Client, name: IndexName): Promise<void> {
  for (;;) {
    const { rows } = await client.query<{ isBuilt: boolean }>(
      `select exists (select from pg_stat_progress_create_index where index_relid = indexrelid) as "isBuilt"
         from pg_index where indexrelid = to_regclass($1) and not indisvalid`,
      [name],
    );
    if (rows[0] === undefined) return;
    if (!rows[0].isBuilt) break;
    await sleep(BUILT_BY_ANOTHER_MS);
  }
  await client.query(`drop index concurrently if exists ${name}`);
}
