import { type RawBuilder, sql } from 'kysely';
import { FIRST_ID } from './ids';

/**
 * The common table expression `queue`: the integrations with open record syncs, in their order. Goes from one
 * to the next, however many record syncs each has. `after`: `<tenant id> <integration id>` of the last one
 * that was seen; none = begin with the first.
 */
export function openPushQueues(after: string | null | undefined): RawBuilder<unknown> {
  const [tenantId = FIRST_ID, integrationId = FIRST_ID] = after?.split(' ') ?? [];
  return sql`queue as (
      (select tenant_id, integration_id from record_syncs
       where next_due_at is not null and (tenant_id, integration_id) > (${tenantId}, ${integrationId})
       order by tenant_id, integration_id, is_backfill, next_due_at limit 1)
      union all
      select next.tenant_id, next.integration_id from queue, lateral (
        select tenant_id, integration_id from record_syncs other
        where other.next_due_at is not null
          and (other.tenant_id, other.integration_id) > (queue.tenant_id, queue.integration_id)
        order by tenant_id, integration_id, is_backfill, next_due_at limit 1) next)`;
}
