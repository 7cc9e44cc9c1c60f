/** Reads of many rows that test/plans accepts, each with its reason. */
export interface AllowedRead {
  /** Absent: any table. */
  table?: string;
  /** A part of the statement, its white space collapsed. */
  contains: string;
  reason: string;
}

export const ALLOWED_READS: readonly AllowedRead[] = [
  {
    contains: ' as erased where',
    reason: 'An erasure walks a table in chunks; only the last chunk has no end, and it is the smallest.',
  },
  {
    contains: ' as tenant_row where',
    reason: 'A tenant is deleted and exported in chunks; only the last chunk of a table has no end.',
  },
  {
    table: 'pushes',
    contains: 'union all select unresolved_push_id from record_syncs',
    reason: 'Looks once for what is still needed in a partition, before it is dropped.',
  },
  {
    table: 'operations',
    contains: 'select operation_id as id from operations where ended_at is null',
    reason: 'Looks once for what is still needed in a partition, before it is dropped.',
  },
  {
    table: 'outbox',
    contains: 'min(created_at)',
    reason: 'A metric and the page of operators. The outbox is nearly empty unless Temporal is away.',
  },
  {
    table: 'record_links',
    contains: 'as is_initial_load',
    reason: 'Ends at the first link of the type. Until there is one, a page reads the links of other types.',
  },
  {
    table: 'emptied_records',
    contains: 'as has_emptied',
    reason: 'Ends at the first record that waits.',
  },
  {
    table: 'sync_datasets',
    contains: 'tablesample system',
    reason: 'A sample of 40 pages, whatever the size of the table. The planner does not know that number.',
  },
];
