/** Notifications: what people have to know of. */
import { z } from 'zod';
import { toWireId } from '../../db/ids';
import { listNotifications, type Notification } from '../../db/notifications';
import { NOTIFICATION_KINDS } from '../../db/tables';
import { type Route, tenantRoute } from '../route';
import { booleanParam, instant, toInstant, toInstantOrNull, wireId } from '../wire/common';
import { listOf, listParams, readPage, toPage, uuidPosition } from '../wire/lists';

const notification = z
  .object({
    id: wireId('ntf'),
    kind: z.enum(NOTIFICATION_KINDS),
    integration_id: wireId('int'),
    detail: z.string(),
    created_at: instant,
    resolved_at: instant.nullable().meta({ description: 'When its cause went away.' }),
  })
  .meta({ id: 'Notification' });

export const notificationRoutes: readonly Route[] = [
  tenantRoute({
    method: 'get',
    path: '/v1/notifications',
    operationId: 'listNotifications',
    tag: 'Notifications',
    summary: 'List notifications, newest first',
    query: z.strictObject({ ...listParams, is_open: booleanParam.optional() }),
    answers: { 200: { description: 'One notification per episode, however many records it concerns.', schema: listOf(notification) } },
    problems: ['invalid_cursor'],
    async run(work, { query }) {
      const scope = ['notifications', work.tenantId, query.is_open];
      const { limit, after } = readPage(query, scope, uuidPosition);
      const rows = await listNotifications(work, { limit: limit + 1, before: after, isOpen: query.is_open });
      return { status: 200, body: toPage(rows, limit, scope, ({ notificationId }) => notificationId, toWire) };
    },
  }),
];

function toWire({ notificationId, kind, integrationId, detail, createdAt, resolvedAt }: Notification): z.output<typeof notification> {
  return {
    id: toWireId('ntf', notificationId),
    kind,
    integration_id: toWireId('int', integrationId),
    detail,
    created_at: toInstant(createdAt),
    resolved_at: toInstantOrNull(resolvedAt),
  };
}
