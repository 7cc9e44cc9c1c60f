/** A message of the outbox that was refused; nothing sends messages in the tests of the API. */
import { newUuid } from '../../../db/sql/ids';
import type { OutboxTopic } from '../../../db/tables/platform';
import type { GivenTenant, Service } from './service';

/** @returns the id of the message. */
export async function givenRefusedMessage(
  { database }: Service,
  { uuid }: Pick<GivenTenant, 'uuid'>,
  { topic = 'sync_schedule', attempts = 3 }: { topic?: string; attempts?: number } = {},
): Promise<number> {
  const row = {
    tenantId: uuid,
    topic: topic as OutboxTopic,
    subjectId: newUuid(),
    nextDueAt: new Date(),
    leasedUntil: new Date(Date.now() + 3_600_000),
    attempts,
    lastError: attempts === 0 ? null : 'Error: unknown time zone europe/berlin',
  };
  const { outboxId } = await database.withTenant(uuid, ({ trx }) =>
    trx.insertInto('outbox').values(row).returning('outboxId').executeTakeFirstOrThrow(),
  );
  return outboxId;
}
