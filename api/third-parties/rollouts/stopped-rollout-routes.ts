/** The rollouts of all definitions that wait for a person of the team that runs Syncline. */
import { z } from 'zod';
import { toTypeId } from '../../../db/sql/ids';
import { listStoppedRollouts } from '../../../db/third-parties/stopped-rollouts';
import { instant, toInstantOrNull, typeId } from '../../routing/common-schemas';
import { defineRoute, type Route } from '../../routing/define-route';
import { listOf, listParams, readPage, toPage, uuidPosition } from '../../routing/pagination';
import { definitionKey } from '../definition-schema';

const stoppedRollout = z
  .object({
    id: typeId('rol'),
    definition_key: definitionKey,
    version: z.int(),
    stopped_at: instant.nullable(),
  })
  .meta({ id: 'StoppedRollout' });

export const stoppedRolloutRoutes: readonly Route[] = [
  defineRoute({
    scope: 'all_tenants',
    method: 'get',
    path: '/v1/platform/stopped-rollouts',
    operationId: 'listStoppedRollouts',
    tag: 'Third-party definitions',
    summary: 'List the rollouts that stopped by themselves',
    description:
      'Of all definitions: integrations failed after their change. Each waits until it is resumed, canceled or ' +
      'rolled back.',
    query: z.strictObject(listParams),
    responses: { 200: { description: 'The newest first.', schema: listOf(stoppedRollout) } },
    problems: ['invalid_cursor'],
    async run(work, { query }) {
      const scope = ['stopped-rollouts'];
      const { limit, after } = readPage(query, scope, uuidPosition);
      const rows = await listStoppedRollouts(work, { limit: limit + 1, before: after });
      const body = toPage(
        rows,
        limit,
        scope,
        ({ rolloutId }) => rolloutId,
        (row) => ({
          id: toTypeId('rol', row.rolloutId),
          definition_key: row.definitionKey,
          version: row.version,
          stopped_at: toInstantOrNull(row.pausedAt),
        }),
      );
      return { status: 200, body };
    },
  }),
];
