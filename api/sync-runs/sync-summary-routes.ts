/** What an admin looks at first: what needs attention, what is pending, and how fresh each integration is. */
import { z } from 'zod';
import type { TenantWork } from '../../db/database';
import { type Integration, listIntegrations } from '../../db/integrations/integrations';
import { toTypeId } from '../../db/sql/ids';
import { readTimeZone } from '../../db/sync-runs/sync-schedules';
import {
  COUNTED_MAX,
  countPendingReviews,
  countRecordsByType,
  type Freshness,
  listFreshness,
  type OpenStatus,
} from '../../db/sync-runs/sync-summary';
import { listEndpoints } from '../../db/webhooks/endpoints';
import { countOpenConflicts } from '../../db/records/conflicts';
import { pulledRecordTypes } from '../../domain/records/mapping-directions';
import { nextRuns } from '../../domain/sync-runs/next-runs';
import { hourlyMinute } from '../../domain/sync-runs/schedule-ticks';
import { instant, recordTypeName, toInstant, toInstantOrNull, typeId } from '../routing/common-schemas';
import { defineRoute, type Route } from '../routing/define-route';

const INTEGRATIONS_SHOWN = 200;
const ENDPOINTS_SHOWN = 50;
const STATUSES: readonly OpenStatus[] = ['sync_failed', 'sync_pending', 'syncing'];

const recordCount = z.object({
  record_type: recordTypeName,
  status: z.enum(['sync_failed', 'sync_pending', 'syncing']),
  records: z.int().meta({
    description: 'Records that are not deleted and have this status at one integration or more.',
    example: 3,
  }),
  is_lower_bound: z
    .boolean()
    .meta({ description: `True if there may be more: ${COUNTED_MAX} record syncs of a status are counted.` }),
});

const integrationFreshness = z.object({
  integration_id: typeId('int'),
  is_pulled: z.boolean().meta({ description: 'Whether any record type is read from it.' }),
  last_succeeded_at: instant.nullable().meta({
    description: 'When all its record types had been read successfully; null = one of them never was.',
  }),
  next_run: z
    .object({ schedule: z.enum(['hourly', 'nightly']), at: instant })
    .nullable()
    .meta({ description: 'The next scheduled run; null = none, or it is paused or needs new credentials.' }),
  difference: z.int().nullable().meta({
    description: 'Records in Syncline minus records at the third party after the newest run; null = unknown.',
    example: 0,
  }),
});

const syncSummary = z
  .object({
    as_of: instant,
    records: z.array(recordCount).meta({ description: 'Only record types and statuses that occur.' }),
    integrations: z
      .array(integrationFreshness)
      .meta({ description: `The first ${INTEGRATIONS_SHOWN}, in the order they were linked.` }),
    open_conflicts: z.int().meta({
      description: 'Conflicts that need a decision; counted up to 1,000.',
    }),
    pending_deletion_reviews: z.int().meta({ description: 'Deletion reviews that wait for a decision.' }),
    failing_webhook_endpoints: z
      .int()
      .meta({ description: 'Enabled endpoints whose deliveries have failed since the last success.' }),
    disabled_webhook_endpoints: z.int(),
  })
  .meta({ id: 'SyncSummary' });

export const syncSummaryRoutes: readonly Route[] = [
  defineRoute({
    scope: 'tenant',
    method: 'get',
    path: '/v1/sync-summary',
    operationId: 'getSyncSummary',
    tag: 'Sync status',
    summary: 'Summarize what needs attention, what is pending, and how fresh each integration is',
    description:
      'Counts are bounded, so that the answer takes no longer with more records. ' +
      '`GET /v1/stream?topics=record_syncs,integrations,sync_runs` says when to read it again.',
    responses: { 200: { description: 'The summary as of now.', schema: syncSummary } },
    async run(work) {
      return { status: 200, body: await readSummary(work) };
    },
  }),
];

async function readSummary(work: TenantWork): Promise<z.output<typeof syncSummary>> {
  const records: z.output<typeof recordCount>[] = [];
  for (const status of STATUSES)
    for (const { recordType, records: count, isLowerBound } of await countRecordsByType(work, { status }))
      records.push({ record_type: recordType, status, records: count, is_lower_bound: isLowerBound });
  const endpoints = await listEndpoints(work, { limit: ENDPOINTS_SHOWN });
  return {
    as_of: toInstant(work.now),
    records,
    integrations: await summarizeIntegrations(work),
    open_conflicts: await countOpenConflicts(work),
    pending_deletion_reviews: await countPendingReviews(work),
    failing_webhook_endpoints: endpoints.filter((one) => one.disabledAt === null && one.failingSince !== null)
      .length,
    disabled_webhook_endpoints: endpoints.filter((one) => one.disabledAt !== null).length,
  };
}

async function summarizeIntegrations(work: TenantWork): Promise<z.output<typeof integrationFreshness>[]> {
  const limit = INTEGRATIONS_SHOWN;
  const zone = await readTimeZone(work);
  const freshness = new Map((await listFreshness(work, { limit })).map((one) => [one.integrationId, one]));
  return (await listIntegrations(work, { limit })).map((integration) => ({
    integration_id: toTypeId('int', integration.integrationId),
    is_pulled: pulledRecordTypes(integration).length > 0,
    ...toWireFreshness(freshness.get(integration.integrationId)),
    next_run: nextRunOf(integration, { zone, now: work.now }),
  }));
}

const toWireFreshness = (freshness: Freshness | undefined) => ({
  last_succeeded_at: toInstantOrNull(freshness?.lastSucceededAt ?? null),
  difference: freshness?.difference ?? null,
});

function nextRunOf(
  integration: Integration,
  { zone, now }: { zone: string; now: Date },
): z.output<typeof integrationFreshness>['next_run'] {
  const isOn =
    integration.pausedAt === null &&
    integration.needsReauthorizationAt === null &&
    pulledRecordTypes(integration).length > 0;
  const [next] = isOn
    ? nextRuns({
        hourlyMinute: integration.isHourlySyncOn ? hourlyMinute(integration.integrationId) : null,
        nightlyAt: integration.nightlySyncAt,
        zone,
        now,
        count: 1,
      })
    : [];
  return next === undefined ? null : { schedule: next.schedule, at: toInstant(next.at) };
}
