/** Rows that are deleted when they are old, unless something that is open needs them (rules.md 62). */
import { type RawBuilder, sql } from 'kysely';
import type { Retention } from '../../domain/retention';
import { IS_UNSENT } from './kept-tables';

export interface ExpiringRows {
  /** Not a partitioned table: each partition numbers its own rows. */
  table: string;
  /** When a row began to age; null while it is open. The first column of an index. */
  since: string;
  /** An interval of PostgreSQL, or a kind with a setting. */
  age: `${number} ${'hours' | 'days'}` | keyof Retention;
  /** Selects a row if something that is open needs the old row, which is called `old`. */
  needed?: RawBuilder<unknown>;
  parts?: Parts;
}

/** Rows of another table, which end with the old row. */
export interface Parts {
  table: string;
  /** In both tables. An index of the parts begins with them. */
  key: readonly string[];
  /** False for a row `old` without parts. */
  when?: RawBuilder<unknown>;
}

export const EXPIRING_ROWS: readonly ExpiringRows[] = [
  { table: 'stream_events', since: 'created_at', age: '1 hours' },
  { table: 'integration_trials', since: 'created_at', age: '1 hours' },
  { table: 'oauth_consents', since: 'created_at', age: '1 hours' },
  { table: 'idempotency_keys', since: 'created_at', age: '24 hours' },
  { table: 'connect_sessions', since: 'created_at', age: '30 days' },
  { table: 'person_tokens', since: 'expires_at', age: '30 days' },
  {
    table: 'notifications',
    since: 'resolved_at',
    age: 'notifications',
    // An e-mail about it may still be sent.
    needed: sql`
      select true from notification_recipients recipient
      where recipient.tenant_id = old.tenant_id and recipient.notification_id = old.notification_id
        and (recipient.decision is null or exists (
          select from emails where emails.tenant_id = recipient.tenant_id
            and emails.email_id = recipient.email_id and ${IS_UNSENT}))
      limit 1`,
    parts: { table: 'notification_recipients', key: ['tenant_id', 'notification_id'] },
  },
  { table: 'metadata_changes', since: 'at', age: 'metadataChanges' },
  { table: 'background_tasks', since: 'finished_at', age: 'operations' },
  { table: 'push_reviews', since: 'finished_at', age: 'reviews' },
  {
    table: 'deletion_reviews',
    since: 'decided_at',
    age: 'reviews',
    // Approved, and still being carried out, or it lets records in until the dataset is counted again.
    needed: sql`
      select true from background_tasks task
      where task.tenant_id = old.tenant_id and task.integration_id = old.integration_id
        and task.finished_at is null and task.subject_id = old.deletion_review_id
      union all
      select true from sync_datasets dataset
      where old.kind = 'grow' and old.state = 'approved' and dataset.tenant_id = old.tenant_id
        and dataset.integration_id = old.integration_id and dataset.record_type = old.record_type
        and dataset.counted_at < old.decided_at
      limit 1`,
    parts: {
      table: 'missing_records',
      key: ['tenant_id', 'sync_run_id', 'record_type'],
      when: sql`old.kind = 'delete'`,
    },
  },
  { table: 'sync_conflicts', since: 'ended_at', age: 'conflicts' },
  {
    table: 'overviews',
    since: 'data_deleted_at',
    age: 'overviews',
    parts: { table: 'overview_jobs', key: ['tenant_id', 'overview_id'] },
  },
];
