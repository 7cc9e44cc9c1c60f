/** What a pass no longer found ends with its job unless a review is about it (rules.md 31, 62). */
import { type Kysely, sql } from 'kysely';
import { createIndex } from '../concurrent-indexes';

const statements = [
  createIndex('deletion_reviews_by_run'),
  // The sweep finds what processes of former versions left: lists, and where a job stopped to read.
  createIndex('sync_jobs_left_at'),
  'grant select (record_type, cursor), update (cursor) on sync_jobs to syncline_dispatcher',
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
