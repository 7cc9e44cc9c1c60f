/** The Sync Status log: how many records both sides held at the end of each sync run (rules.md 32). */
import { z } from 'zod';
import { toTypeId } from '../../db/sql/ids';
import { listSyncStatuses, type SyncStatus } from '../../db/sync-runs/sync-status-log';
import { type Route, tenantRoute } from '../routing/define-route';
import { idParam, instant, instantParam, recordTypeName, toInstant, typeId } from '../routing/common-schemas';
import { listOf, listParams, readPage, toPage, uuidPosition } from '../routing/pagination';
import { requireIntegration } from '../integrations/integration-routes';

const ours = z
  .int()
  .nullable()
  .meta({ description: 'Records that Syncline holds of this; null = not counted.', example: 1204 });
const theirs = z.int().nullable().meta({
  description: 'Records that the third party holds; null = it does not say. Never 0 for unknown.',
  example: 1205,
});
const difference = z
  .int()
  .nullable()
  .meta({ description: 'Ours minus theirs; null where one of them is unknown.', example: -1 });

const status = z
  .object({
    id: typeId('sst'),
    integration_id: typeId('int'),
    sync_run_id: typeId('run').meta({ description: 'The run at whose end it was noted.' }),
    app: z.string().meta({ example: 'Example HR' }),
    account_name: z.string().meta({ example: 'Ada & Sons, production' }),
    as_of: instant,
    total_difference: difference,
    total_syncline: ours,
    total_app: theirs,
    breakdown: z.array(
      z.object({
        record_type: recordTypeName,
        syncline: ours,
        app: theirs,
        difference,
        counted_at: instant
          .nullable()
          .meta({ description: 'When both sides of this record type were counted; null = never.' }),
      }),
    ),
  })
  .meta({ id: 'SyncStatusEntry' });

export const syncStatusRoutes: readonly Route[] = [
  tenantRoute({
    method: 'get',
    path: '/v1/sync-status',
    operationId: 'listSyncStatus',
    tag: 'Sync status',
    summary: 'List the Sync Status log, newest first',
    description:
      'An entry per sync run, kept for ever. A difference that remains after an incremental run brings forward a full pass; one that survives it is a notification.',
    query: z.strictObject({
      ...listParams,
      app: z.string().max(100).optional().meta({ description: 'Exactly this app.', example: 'Example HR' }),
      account_name: z.string().max(200).optional().meta({ description: 'Exactly this account.' }),
      integration_id: idParam('int', 'integration_not_found').optional(),
      as_of_after: instantParam
        .optional()
        .meta({ description: 'As of this instant or later.', example: '2026-11-21T00:00:00Z' }),
      as_of_before: instantParam
        .optional()
        .meta({ description: 'As of before this instant.', example: '2026-11-22T00:00:00Z' }),
    }),
    answers: { 200: { description: 'Totals of both sides, and by record type.', schema: listOf(status) } },
    problems: ['invalid_cursor', 'integration_not_found'],
    async run(work, { query }) {
      const {
        app,
        account_name: accountName,
        integration_id: integrationId,
        as_of_after: asOfAfter,
        as_of_before: asOfBefore,
      } = query;
      if (integrationId !== undefined) await requireIntegration(work, integrationId);
      const scope = [
        'sync-status',
        work.tenantId,
        app,
        accountName,
        integrationId,
        asOfAfter?.toISOString(),
        asOfBefore?.toISOString(),
      ];
      const { limit, after } = readPage(query, scope, uuidPosition);
      const rows = await listSyncStatuses(work, {
        app,
        accountName,
        integrationId,
        asOfAfter,
        asOfBefore,
        limit: limit + 1,
        before: after,
      });
      return { status: 200, body: toPage(rows, limit, scope, ({ syncStatusId }) => syncStatusId, toWire) };
    },
  }),
];

function toWire(entry: SyncStatus): z.output<typeof status> {
  return {
    id: toTypeId('sst', entry.syncStatusId),
    integration_id: toTypeId('int', entry.integrationId),
    sync_run_id: toTypeId('run', entry.syncRunId),
    app: entry.app,
    account_name: entry.accountName,
    as_of: toInstant(entry.asOf),
    total_difference: entry.totalDifference,
    total_syncline: entry.totalSyncline,
    total_app: entry.totalApp,
    breakdown: entry.breakdown,
  };
}
