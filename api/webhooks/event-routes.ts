/** Events as a feed: the same that webhooks tell, for those who would rather ask (rules.md 37). */
import { z } from 'zod';
import { listEvents } from '../../db/webhooks/event-feed';
import { EVENT_TYPES } from '../../domain/webhooks/event-catalogue';
import { type Route, tenantRoute } from '../routing/define-route';
import { idParam, namesParam } from '../routing/common-schemas';
import { eventView } from './event-schema';
import { listParams, readPage, writeCursor } from '../routing/pagination';
import { requireIntegration } from '../integrations/integration-routes';

const feed = z
  .object({
    data: z.array(eventView),
    next_cursor: z
      .string()
      .meta({ description: 'Where to go on, now or later: unlike that of a list it is never null.' }),
    has_more: z.boolean().meta({ description: 'There is more to be read now.' }),
  })
  .meta({ id: 'EventFeed' });

export const eventRoutes: readonly Route[] = [
  tenantRoute({
    method: 'get',
    path: '/v1/events',
    operationId: 'listEvents',
    tag: 'Events',
    summary: 'Read events, oldest first',
    description:
      'Kept for 30 days. Keep `next_cursor` and ask again with it: what has happened meanwhile comes then, each event once and in order.',
    query: z.strictObject({
      ...listParams,
      type: namesParam(EVENT_TYPES, 'SYNC_COMPLETE').optional(),
      integration_id: idParam('int', 'integration_not_found').optional(),
    }),
    answers: { 200: { description: 'Events in the order of their sequence.', schema: feed } },
    problems: ['invalid_cursor', 'integration_not_found'],
    async run(work, { query }) {
      if (query.integration_id !== undefined) await requireIntegration(work, query.integration_id);
      const scope = ['events', work.tenantId, query.type?.join(), query.integration_id];
      const { limit, after = 0 } = readPage(query, scope, z.int().min(0));
      const rows = await listEvents(work, {
        after,
        limit: limit + 1,
        types: query.type,
        integrationId: query.integration_id,
      });
      const shown = rows.slice(0, limit);
      const data = shown.map(({ payload }) => payload as unknown as z.output<typeof eventView>);
      return {
        status: 200,
        body: {
          data,
          next_cursor: writeCursor(scope, shown.at(-1)?.sequence ?? after),
          has_more: rows.length > limit,
        },
      };
    },
  }),
];
