/** What waits for Temporal, for the team that runs Syncline (rules.md 60). */
import { z } from 'zod';
import { acrossTenants } from '../../db/across-tenants';
import {
  listRefusedMessages,
  readTopicFigures,
  type RefusedMessageRow,
  retryRefusedMessage,
} from '../../db/platform/outbox-overview';
import { toTypeId } from '../../db/sql/ids';
import { HttpError } from '../http/http-error';
import { instant, toInstant, toInstantOrNull, typeId } from '../routing/common-schemas';
import { defineRoute, type Route } from '../routing/define-route';

const REFUSED_MAX = 100;
const base = '/v1/platform/outbox';

const refusedMessage = z
  .object({
    id: z.string().meta({ example: '4711' }),
    topic: z.string().meta({ example: 'sync_schedule' }),
    tenant_id: typeId('ten'),
    subject_id: z.uuid().meta({ description: 'The row that the message is about, as the database has it.' }),
    attempts: z.int(),
    last_error: z.string().nullable(),
    created_at: instant,
    next_attempt_at: instant.nullable().meta({ description: 'null = at once.' }),
  })
  .meta({ id: 'RefusedMessage' });

const outbox = z
  .object({
    topics: z.array(
      z
        .object({
          topic: z.string().meta({ example: 'record_push' }),
          messages: z.int(),
          oldest_at: instant,
          refused: z.int().meta({ description: 'Messages that were refused at least once.' }),
        })
        .meta({ id: 'OutboxTopic' }),
    ),
    refused: z
      .array(refusedMessage)
      .meta({ description: `The ${REFUSED_MAX} messages that were refused most often.` }),
  })
  .meta({ id: 'Outbox' });

export const outboxRoutes: readonly Route[] = [
  defineRoute({
    scope: 'plain',
    method: 'get',
    path: base,
    operationId: 'getOutbox',
    tag: 'Outbox',
    summary: 'Show what waits for Temporal',
    description: 'Topics without messages are left out.',
    responses: { 200: { description: 'The outbox of all tenants.', schema: outbox } },
    async run(_input, { services }) {
      const [topics, refused] = await services.database.withDispatcher(async (work) => [
        await readTopicFigures(work),
        await listRefusedMessages(work, { limit: REFUSED_MAX }),
      ]);
      return {
        status: 200,
        body: {
          topics: topics.map(({ topic, messages, oldestAt, refused: count }) => ({
            topic,
            messages,
            oldest_at: toInstant(oldestAt),
            refused: count,
          })),
          refused: refused.map(toWire),
        },
      };
    },
  }),

  defineRoute({
    scope: 'platform',
    method: 'post',
    path: `${base}/{message_id}/retry`,
    operationId: 'retryOutboxMessage',
    tag: 'Outbox',
    summary: 'Send a refused message again now',
    description: 'If it is refused again, its next back-off is longer.',
    params: z.strictObject({
      message_id: z.string().meta({ pattern: '^[0-9]{1,15}$', example: '4711' }),
    }),
    responses: { 200: { description: 'The message.', schema: refusedMessage } },
    problems: ['outbox_message_not_found'],
    action: 'outbox_message.retried',
    async run(work, { params: { message_id: id } }) {
      const retried = /^\d{1,15}$/.test(id)
        ? await acrossTenants(work, 'dispatcher', (all) => retryRefusedMessage(all, Number(id)))
        : undefined;
      if (retried === undefined) throw new HttpError('outbox_message_not_found');
      const body = toWire(retried);
      const { topic, tenant_id, subject_id } = body;
      return { status: 200, body, audit: { target: body.id, detail: { topic, tenant_id, subject_id } } };
    },
  }),
];

function toWire(row: RefusedMessageRow): z.output<typeof refusedMessage> {
  return {
    id: String(row.outboxId),
    topic: row.topic,
    tenant_id: toTypeId('ten', row.tenantId),
    subject_id: row.subjectId,
    attempts: row.attempts,
    last_error: row.lastError,
    created_at: toInstant(row.createdAt),
    next_attempt_at: toInstantOrNull(row.leasedUntil),
  };
}
