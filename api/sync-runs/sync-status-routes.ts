/**
 * The Sync Status log: the number of records in Syncline and in the app at the end of each sync run (rules.md
 * 32).
 */
import { z } from 'zod';
import { toTypeId } from '../../db/sql/ids';
import { listSyncStatuses, type SyncStatus } from '../../db/sync-runs/sync-status-log';
import { defineRoute, type Route } from '../routing/define-route';
import { idParam, instant, instantParam, recordTypeName, toInstant, typeId } from '../routing/common-schemas';
import { listOf, listParams, readPage, toPage, uuidPosition } from '../routing/pagination';
import { requireIntegration } from '../integrations/integration-views';

const localCount = z
  .int()
  .nullable()
  .meta({ description: 'The number of records in Syncline; null = not counted.', example: 1204 });
const remoteCount = z.int().nullable().meta({
  description:
    'The number of records in the app; null = the app does not tell. An unknown number is never 0.',
  example: 1205,
});
const difference = z.int().nullable().meta({
  description: 'The number in Syncline minus the number in the app; null if one of them is unknown.',
  example: -1,
});

const status = z
  .object({
    id: typeId('sst'),
    integration_id: typeId('int'),
    sync_run_id: typeId('run').meta({ description: 'The sync run after which the records were counted.' }),
    app: z.string().meta({ example: 'Example HR' }),
    account_name: z.string().meta({ example: 'Ada & Sons, production' }),
    as_of: instant,
    total_difference: difference,
    total_syncline: localCount,
    total_app: remoteCount,
    breakdown: z.array(
      z.object({
        record_type: recordTypeName,
        syncline: localCount,
        app: remoteCount,
        difference,
        counted_at: instant
          .nullable()
          .meta({ description: 'When the records of this type were counted; null = never.' }),
      }),
    ),
  })
  .meta({ id: 'SyncStatusEntry' });

export const syncStatusRoutes: readonly Route[] = [
  defineRoute({
    scope: 'tenant',
    method: 'get',
    path: '/v1/sync-status',
    operationId: 'listSyncStatus',
    tag: 'Sync status',
    summary: 'List the Sync Status log, newest first',
    description:
      'One entry per sync run, kept forever. A difference that remains after an incremental ' +
      'run triggers a full sync; if it still remains, the admins are notified.',
    query: z.strictObject({
      ...listParams,
      app: z
        .string()
        .max(100)
        .optional()
        .meta({ description: 'Only entries of this app; exact match.', example: 'Example HR' }),
      account_name: z
        .string()
        .max(200)
        .optional()
        .meta({ description: 'Only entries of this account; exact match.' }),
      integration_id: idParam('int', 'integration_not_found').optional(),
      as_of_after: instantParam
        .optional()
        .meta({ description: 'At this time or later.', example: '2026-11-21T00:00:00Z' }),
      as_of_before: instantParam
        .optional()
        .meta({ description: 'Before this time.', example: '2026-11-22T00:00:00Z' }),
    }),
    responses: {
      200: { description: 'The totals, and the numbers by record type.', schema: listOf(status) },
    },
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
