/** A remote record is linked to at most one record (rules.md 49). */
import { type Kysely, sql } from 'kysely';

const ERROR = `jsonb_build_array(jsonb_build_object('category', 'rejected_record', 'origin', 'us',
  'code', 'already_linked', 'field', null, 'remote_field', null,
  'message', 'The record ' || remote_id || ' of the third party belongs to the record ' || holder || ' already.',
  'explanation',
  'Correct the values that identify the record. If both records are the same, delete one of them. Then retry.'))`;

const statements = [
  // The oldest record keeps the link; the others were shown as Synced although they share it.
  `create temporary table shared_links on commit drop as
   select link.tenant_id, link.integration_id, link.record_id, link.record_type, link.remote_id,
     holder.external_id as holder
   from (
     select *, first_value(record_id) over (partition by remote_key, tenant_id, remote_id order by record_id)
       as holder_id
     from record_links) link
   join records holder on holder.tenant_id = link.tenant_id and holder.record_id = link.holder_id
   where link.record_id <> link.holder_id`,
  `delete from record_links link using shared_links shared
   where link.tenant_id = shared.tenant_id and link.integration_id = shared.integration_id
     and link.record_id = shared.record_id`,
  `update record_syncs record_sync set result_status = 'sync_failed', errors = ${ERROR}
   from shared_links shared
   where record_sync.tenant_id = shared.tenant_id and record_sync.integration_id = shared.integration_id
     and record_sync.record_id = shared.record_id`,
  `insert into sync_conflicts (tenant_id, sync_conflict_id, integration_id, sync_run_id, record_type, remote_id,
     record_id, kind, field, ours, theirs, winner, detail, at)
   select tenant_id, gen_random_uuid(), integration_id, null, record_type, remote_id, record_id,
     'already_linked', null, null, to_jsonb(holder), null,
     'The record ' || remote_id || ' of the third party belongs to the record ' || holder || ' already.', now()
   from shared_links on conflict do nothing`,
  `drop index record_links_by_remote`,
  `create unique index record_links_by_remote on record_links (remote_key, tenant_id)`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
