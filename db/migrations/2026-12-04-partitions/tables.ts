import { type Kysely, sql } from 'kysely';

export interface PartitionedTable {
  name: string;
  /** The id by which rows are partitioned, a UUID version 7. */
  key: string;
  /** Storage options of each partition. */
  options: string;
  /** Indexes that each partition has on its own. */
  indexesOf: (partition: string) => string[];
  /** The columns that tell how old a row is, and whether it is finished. */
  readByUpkeep: string[];
}

const table = (
  name: string,
  key: string,
  readByUpkeep: string[],
  { options = '', indexesOf = () => [] }: Partial<Pick<PartitionedTable, 'options' | 'indexesOf'>> = {},
): PartitionedTable => ({ name, key, readByUpkeep: [key, ...readByUpkeep], options, indexesOf });

export const PARTITIONED_TABLES: readonly PartitionedTable[] = [
  table('events', 'event_id', ['tenant_id', 'created_at'], {
    indexesOf: (partition) => [`create unique index on ${partition} (tenant_id, sequence)`],
  }),
  table('webhook_deliveries', 'webhook_delivery_id', ['tenant_id', 'created_at', 'next_attempt_at'], {
    options: ' with (fillfactor = 70)',
  }),
  table('webhook_attempts', 'webhook_delivery_id', ['tenant_id', 'at']),
  table('pushes', 'push_id', ['tenant_id', 'started_at', 'result'], { options: ' with (fillfactor = 60)' }),
  table('record_changes', 'change_id', ['tenant_id', 'changed_at']),
  table('audit_log', 'audit_id', ['tenant_id', 'at']),
  table('emails', 'email_id', ['tenant_id', 'created_at', 'sent_at', 'failed_at', 'withdrawn_at']),
  table('operations', 'operation_id', ['tenant_id', 'requested_at', 'ended_at']),
];

/** Proves that every row of the table belongs to the first partition. */
export const boundCheckOf = (name: string): string => `${name}_is_before`;

/**
 * The end of the first partition. Until then all rows are in one partition, as processes of the former
 * release expect that address rows by their place in a table (`ctid`).
 */
export const NEW_BOUND = `rpad(lpad(to_hex((extract(epoch from date_trunc('day', now()) + interval '15 days')
  * 1000)::bigint), 12, '0'), 32, '0')::uuid::text`;

/** undefined: there is no database, as the statements are only recorded. */
export async function schemaOf(db: Kysely<unknown>): Promise<string | undefined> {
  const { rows } = await sql<{ schema: string | null }>`select current_schema() as schema`.execute(db);
  return rows[0]?.schema ?? undefined;
}
