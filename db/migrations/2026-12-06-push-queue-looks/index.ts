/** When each push queue looks at its rows next, so that it is not told of a record that is due later. */
import { type Kysely, sql } from 'kysely';
import { allTenants, erasable, tenantTable } from '../2026-11-28-baseline/access';

const statements = [
  `create table push_queue_looks (
     tenant_id uuid not null,
     integration_id uuid not null,
     -- How often the queue has looked.
     looks bigint not null,
     -- The newest execution that has looked.
     newest bigint not null default 0,
     -- null = it looks now, or nothing is known.
     next_look_at timestamptz,
     primary key (tenant_id, integration_id)
   )`,
  ...tenantTable('push_queue_looks', 'select, insert, update, delete'),
  ...allTenants('syncline_dispatcher', 'push_queue_looks', 'select', 'insert', 'update'),
  ...erasable('push_queue_looks'),
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
