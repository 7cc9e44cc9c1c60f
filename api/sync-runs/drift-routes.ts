/** What was changed at third parties after it was pushed (rules.md 54). */
import { z } from 'zod';
import { listDrifts } from '../../db/verify/drifts';
import { requireIntegration } from '../integrations/integration-views';
import { idParam } from '../routing/common-schemas';
import { defineRoute, type Route } from '../routing/define-route';
import { listOf, listParams, readPage, toPage } from '../routing/pagination';
import { driftView, toWireDrift } from './drift-schema';

const position = z.object({ integrationId: z.uuid(), recordId: z.uuid(), place: z.string() });

export const driftRoutes: readonly Route[] = [
  defineRoute({
    scope: 'tenant',
    method: 'get',
    path: '/v1/drifts',
    operationId: 'listDrifts',
    tag: 'Drifts',
    summary: 'List what was changed in apps after it was pushed',
    description:
      'The nightly run compares record types that are only pushed with what the app holds, where the ' +
      'connector can read. A later run, or a push of the record, ends a drift.',
    query: z.strictObject({
      ...listParams,
      integration_id: idParam('int', 'integration_not_found').optional(),
    }),
    responses: { 200: { description: 'Open drifts, by integration and record.', schema: listOf(driftView) } },
    problems: ['invalid_cursor', 'integration_not_found'],
    async run(work, { query }) {
      const { integration_id: integrationId } = query;
      if (integrationId !== undefined) await requireIntegration(work, integrationId);
      const scope = ['drifts', work.tenantId, integrationId];
      const { limit, after } = readPage(query, scope, position);
      const rows = await listDrifts(work, { integrationId, after, limit: limit + 1 });
      return {
        status: 200,
        body: toPage(
          rows,
          limit,
          scope,
          (row) => ({ integrationId: row.integrationId, recordId: row.recordId, place: row.place }),
          toWireDrift,
        ),
      };
    },
  }),
];
