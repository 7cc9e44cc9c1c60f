/** The event feed: the events that webhooks send, for clients that prefer polling (rules.md 37). */
import { z } from 'zod';
import { listEvents } from '../../db/webhooks/event-feed';
import { EVENT_TYPES } from '../../domain/event-catalogue';
import { defineRoute, type Route } from '../routing/define-route';
import { keptSince, oldestKeptAt } from '../routing/kept-history';
import { idParam, namesParam, toInstant } from '../routing/common-schemas';
import { eventView } from './event-schema';
import { listParams, readPage, writeCursor } from '../routing/pagination';
import { requireIntegration } from '../integrations/integration-views';

const feed = z
  .object({
    data: z.array(eventView),
    next_cursor: z
      .string()
      .meta({ description: 'The cursor of the next request. Unlike the cursor of a list it is never null.' }),
    oldest_kept_at: oldestKeptAt,
    has_more: z.boolean().meta({ description: 'True if more events can be read at once.' }),
  })
  .meta({ id: 'EventFeed' });

export const eventRoutes: readonly Route[] = [
  defineRoute({
    scope: 'tenant',
    method: 'get',
    path: '/v1/events',
    operationId: 'listEvents',
    tag: 'Events',
    summary: 'Read events, oldest first',
    description:
      'Events are kept for 30 days, or as long as the installation sets. Store `next_cursor` and use it in the next request to get ' +
      'the events since then, each once and in order.',
    query: z.strictObject({
      ...listParams,
      type: namesParam(EVENT_TYPES, 'SYNC_COMPLETE').optional(),
      integration_id: idParam('int', 'integration_not_found').optional(),
    }),
    responses: { 200: { description: 'Events in the order of their sequence numbers.', schema: feed } },
    problems: ['invalid_cursor', 'integration_not_found'],
    async run(work, { query }, { services }) {
      if (query.integration_id !== undefined) await requireIntegration(work, query.integration_id);
      const scope = ['events', work.tenantId, query.type?.join(), query.integration_id];
      const { limit, after = 0 } = readPage(query, scope, z.int().min(0));
      const since = keptSince(work, services, 'events');
      const rows = await listEvents(work, {
        since,
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
          oldest_kept_at: toInstant(since),
          has_more: rows.length > limit,
        },
      };
    },
  }),
];
