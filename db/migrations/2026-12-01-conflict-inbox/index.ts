/** Conflicts that people decide, also those that a push finds (rules.md 46, 49). */
import { type Kysely, sql } from 'kysely';

const statements = [
  `alter table sync_conflicts
     drop constraint sync_conflicts_kind_check,
     add constraint sync_conflicts_kind_check check (kind in ('field_changed_on_both_sides',
       'field_keeps_changing', 'ambiguous_match', 'already_linked', 'answered_other_id',
       'edited_here_deleted_there', 'doubtful_creation')),
     -- null = found by a push.
     alter column sync_run_id drop not null,
     add column state text not null default 'open' check (state in ('open', 'decided', 'ended')),
     add column decision text check (decision in ('ours', 'theirs', 'dismiss')),
     add column decided_by text,
     add column ended_at timestamptz`,
  // The winner of these was settled by the setting of the mapping, before they could be decided.
  `update sync_conflicts set state = 'ended', ended_at = at where kind = 'field_changed_on_both_sides'`,
  `update sync_conflicts older set state = 'ended', ended_at = at
   where state = 'open' and exists (
     select from sync_conflicts newer
     where newer.tenant_id = older.tenant_id and newer.integration_id = older.integration_id
       and newer.record_type = older.record_type and newer.remote_id = older.remote_id
       and newer.sync_conflict_id > older.sync_conflict_id)`,
  `create unique index sync_conflicts_open on sync_conflicts
     (tenant_id, integration_id, kind, record_type, md5(remote_id), record_id, field)
     nulls not distinct where state = 'open'`,
  `grant update on sync_conflicts to syncline_app`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
