/** The sweep removes texts of old errors and ended conflicts; it finds them by an index (rules.md 36). */
import { type Kysely, sql } from 'kysely';
import { createIndex } from '../concurrent-indexes';

const ROLE = 'syncline_dispatcher';
const TABLES = {
  sync_record_errors: { reads: 'ctid, at, message', writes: 'message' },
  sync_jobs: { reads: 'ctid, finished_at, error', writes: 'error' },
  overview_jobs: { reads: 'ctid, finished_at, error', writes: 'error' },
  sync_conflicts: { reads: 'ctid, ended_at, state, detail', writes: 'ours, theirs, detail' },
};

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const [table, { reads, writes }] of Object.entries(TABLES)) {
    await sql.raw(createIndex(`${table}_texts` as Parameters<typeof createIndex>[0])).execute(db);
    if (table !== 'sync_jobs')
      // has it already
      await sql.raw(`create policy dispatcher_rows on ${table} to ${ROLE} using (true)`).execute(db);
    await sql.raw(`grant select (${reads}), update (${writes}) on ${table} to ${ROLE}`).execute(db);
  }
}
