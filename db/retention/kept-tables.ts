/** The partitioned tables: how old a row is, and which rows outlive the retention because they are needed. */
import { type RawBuilder, sql } from 'kysely';
import type { Retention } from '../../domain/retention';

export interface KeptTable {
  name: string;
  /** The id, a UUID version 7, that the table is partitioned by. */
  key: string;
  kind: keyof Retention;
  /** Storage options of a partition, and indexes that only partitions have. */
  options: string;
  indexesOf: (partition: string) => string[];
  /** Whether a row of the partition `…_other` is older than `cutoff` and not needed any more. */
  isOldIn: (cutoff: Date) => RawBuilder<unknown>;
  /** Selects the ids from `from` to `to` that are still needed. */
  findNeeded: ((from: string, to: string) => RawBuilder<{ id: string }>) | null;
}

/** Whether an e-mail is still to be sent. */
export const IS_UNSENT = sql`sent_at is null and failed_at is null and withdrawn_at is null`;
const PLAIN = { options: '', indexesOf: () => [] };

/** In the order in which partitions are dropped. */
export const KEPT_TABLES: readonly KeptTable[] = [
  {
    ...PLAIN,
    name: 'webhook_attempts',
    key: 'webhook_delivery_id',
    kind: 'events',
    isOldIn: (cutoff) => sql`at < ${cutoff}`,
    findNeeded: null,
  },
  {
    ...PLAIN,
    name: 'webhook_deliveries',
    key: 'webhook_delivery_id',
    kind: 'events',
    // A claim and its result keep a row where it is: a claim then writes to no index.
    options: ' with (fillfactor = 45)',
    isOldIn: (cutoff) => sql`created_at < ${cutoff} and next_attempt_at is null`,
    findNeeded: (from, to) => sql`
      select webhook_delivery_id as id from webhook_deliveries
      where next_attempt_at is not null and webhook_delivery_id >= ${from} and webhook_delivery_id < ${to}`,
  },
  {
    name: 'events',
    key: 'event_id',
    kind: 'events',
    options: '',
    indexesOf: (partition) => [`create unique index on ${partition} (tenant_id, sequence)`],
    isOldIn: (cutoff) => sql`created_at < ${cutoff} and not exists (
      select from webhook_deliveries delivery where delivery.tenant_id = row.tenant_id
        and delivery.event_id = row.event_id and delivery.next_attempt_at is not null)`,
    findNeeded: (from, to) => sql`
      select event_id as id from webhook_deliveries
      where next_attempt_at is not null and event_id >= ${from} and event_id < ${to}`,
  },
  {
    ...PLAIN,
    name: 'pushes',
    key: 'push_id',
    kind: 'pushes',
    options: ' with (fillfactor = 45)',
    isOldIn: (cutoff) => sql`started_at < ${cutoff} and result is not null and not exists (
      select from record_syncs where tenant_id = row.tenant_id and unresolved_push_id = row.push_id
        and (lease_until is not null or unresolved_push_id is not null))`,
    // The payload of a creation whose response was lost identifies the record at the third party.
    findNeeded: (from, to) => sql`
      select push_id as id from pushes where result is null and push_id >= ${from} and push_id < ${to}
      union all
      select unresolved_push_id from record_syncs
      where (lease_until is not null or unresolved_push_id is not null)
        and unresolved_push_id >= ${from} and unresolved_push_id < ${to}`,
  },
  {
    ...PLAIN,
    name: 'record_changes',
    key: 'change_id',
    kind: 'recordChanges',
    isOldIn: (cutoff) => sql`changed_at < ${cutoff}`,
    findNeeded: null,
  },
  {
    ...PLAIN,
    name: 'audit_log',
    key: 'audit_id',
    kind: 'auditLog',
    isOldIn: (cutoff) => sql`at < ${cutoff}`,
    findNeeded: null,
  },
  {
    ...PLAIN,
    name: 'emails',
    key: 'email_id',
    kind: 'emails',
    isOldIn: (cutoff) => sql`created_at < ${cutoff} and not (${IS_UNSENT})`,
    findNeeded: (from, to) => sql`
      select email_id as id from emails where ${IS_UNSENT} and email_id >= ${from} and email_id < ${to}`,
  },
  {
    ...PLAIN,
    name: 'operations',
    key: 'operation_id',
    kind: 'operations',
    isOldIn: (cutoff) => sql`requested_at < ${cutoff} and ended_at is not null`,
    findNeeded: (from, to) => sql`
      select operation_id as id from operations
      where ended_at is null and operation_id >= ${from} and operation_id < ${to}`,
  },
];
