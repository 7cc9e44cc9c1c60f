/** Stream events are read in an order of their own, not in that of the cluster's transactions. */
import { type Kysely, sql } from 'kysely';

const statements = [
  // Assigned by the first reader after the commit.
  `alter table stream_events add column position bigint`,
  `create index stream_events_by_position on stream_events (tenant_id, position)`,
  `create sequence stream_positions`,
  // Clients may still send positions of the former order, which were transaction ids.
  `select setval('stream_positions', pg_current_xact_id()::text::bigint)`,
  `grant update (position) on stream_events to syncline_app`,
  `grant usage, select on stream_positions to syncline_app`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
