/**
 * The schedule of an integration: as text, its next runs, and the scheduled runs that were skipped (rules.md
 * 16, 28 to 30).
 */
import { z } from 'zod';
import { toTypeId } from '../../db/sql/ids';
import type { Integration } from '../../db/integrations/integrations';
import {
  nightlyWaitsSince,
  readScheduleSettings,
  type ScheduleSettings,
} from '../../db/sync-runs/sync-schedules';
import { pulledRecordTypes } from '../../domain/records/mapping-directions';
import { listSkippedRuns, type SkippedRun } from '../../db/sync-runs/scheduled-requests';
import { fallbackTime } from '../../domain/sync-runs/nightly-schedule';
import { hourlyMinute } from '../../domain/sync-runs/schedule-ticks';
import { type NextRun, nextRuns } from '../../domain/sync-runs/next-runs';
import { defineRoute, type Route } from '../routing/define-route';
import { instant, toInstant, typeId } from '../routing/common-schemas';
import { listOf, listParams, readPage, toPage, uuidPosition } from '../routing/pagination';
import { integrationParams } from '../integrations/integration-schema';
import { requireIntegration } from '../integrations/integration-views';

const NEXT_RUNS = 5;
const SKIPPED_SHOWN = 10;

const schedule = z.enum(['hourly', 'nightly']);
const skippedRun = z
  .object({
    id: typeId('skr'),
    integration_id: typeId('int'),
    schedule,
    scheduled_at: instant,
    reason: z
      .enum(['skipped_overlap', 'skipped_paused', 'skipped_needs_reauthorization', 'skipped_already_ran'])
      .meta({
        id: 'SkippedRunReason',
        description: [
          '- `skipped_overlap`: another run was running or waiting; see `sync_run_id`.',
          '- `skipped_paused`: the integration was paused.',
          '- `skipped_needs_reauthorization`: the integration needed new credentials.',
          '- `skipped_already_ran`: the local date already had its nightly run, because the clock ' +
            'was set back or the tenant changed its time zone.',
        ].join('\n'),
      }),
    sync_run_id: typeId('run').nullable(),
    at: instant,
  })
  .meta({ id: 'SkippedRun' });

const nextRun = z
  .object({
    schedule,
    at: instant,
    local_time: z.string().meta({
      description: "The same time in the tenant's time zone.",
      example: '2027-03-14T03:45:00-04:00',
    }),
    is_clock_change: z.boolean().meta({
      description:
        'True if daylight saving time begins or ends within 12 hours of the run. A nightly run ' +
        'can then start up to 75 minutes late.',
    }),
  })
  .meta({ id: 'NextRun' });

const syncSchedule = z
  .object({
    state: z.enum(['on', 'off', 'paused', 'needs_reauthorization']).meta({
      description:
        '`off`: the integration syncs nothing, or both schedules are off. While it is `paused` ' +
        'or needs new credentials, scheduled runs are skipped and logged.',
    }),
    summary: z.string().meta({
      description: 'The schedule as a text.',
      example: 'Changes every hour at minute 17; everything at 02:00 (Europe/Berlin).',
    }),
    time_zone: z.string().nullable().meta({
      description: 'The time zone of the tenant; null if nothing is synced.',
      example: 'Europe/Berlin',
    }),
    hourly_at_minute: z.number().int().nullable().meta({
      description: 'The minute of each hour. A run starts within it.',
      example: 17,
    }),
    nightly_at: z.string().nullable().meta({ example: '02:00' }),
    nightly_fallback_at: z
      .string()
      .nullable()
      .meta({ description: 'The second attempt, if the date has had no run until then.', example: '03:15' }),
    nightly_waits_since: instant.nullable().meta({
      description:
        'The nightly run is due and waits since then, because as many are in progress as the installation ' +
        'allows at the same time. null = it does not wait.',
    }),
    next_runs: z.array(nextRun).meta({ description: 'The next five runs of each schedule, soonest first.' }),
    skipped_runs: z.array(skippedRun).meta({ description: 'The last ten skipped runs, newest first.' }),
  })
  .meta({ id: 'SyncSchedule' });

export const syncScheduleRoutes: readonly Route[] = [
  defineRoute({
    scope: 'tenant',
    method: 'get',
    path: '/v1/integrations/{integration_id}/sync-schedule',
    operationId: 'getSyncSchedule',
    tag: 'Sync schedules',
    summary: 'Show the schedule of an integration',
    description:
      'The schedule follows from the settings of the integration (`is_hourly_sync_on`, ' +
      '`nightly_sync_at`) and the time zone of the tenant.',
    params: integrationParams,
    responses: {
      200: {
        description: 'The schedule, its next runs and its skipped runs.',
        schema: syncSchedule,
      },
    },
    problems: ['integration_not_found'],
    async run(work, { params }) {
      const integration = await requireIntegration(work, params.integration_id);
      const settings = await readScheduleSettings(work, integration);
      const waitsSince = await nightlyWaitsSince(work, integration);
      const skipped = await listSkippedRuns(work, {
        integrationId: integration.integrationId,
        limit: SKIPPED_SHOWN,
      });
      return {
        status: 200,
        body: {
          ...toWireSchedule(integration, settings, work.now),
          nightly_waits_since: waitsSince === undefined ? null : toInstant(waitsSince),
          skipped_runs: skipped.map(toWireSkippedRun),
        },
      };
    },
  }),

  defineRoute({
    scope: 'tenant',
    method: 'get',
    path: '/v1/integrations/{integration_id}/skipped-runs',
    operationId: 'listSkippedRuns',
    tag: 'Sync schedules',
    summary: 'List the scheduled runs that were skipped, newest first',
    params: integrationParams,
    query: z.strictObject(listParams),
    responses: {
      200: { description: 'One entry per skipped run, with the reason.', schema: listOf(skippedRun) },
    },
    problems: ['invalid_cursor', 'integration_not_found'],
    async run(work, { params, query }) {
      const { integrationId } = await requireIntegration(work, params.integration_id);
      const scope = ['skipped-runs', work.tenantId, integrationId];
      const { limit, after } = readPage(query, scope, uuidPosition);
      const rows = await listSkippedRuns(work, { integrationId, limit: limit + 1, before: after });
      return {
        status: 200,
        body: toPage(rows, limit, scope, ({ skippedRunId }) => skippedRunId, toWireSkippedRun),
      };
    },
  }),
];

function toWireSchedule(
  integration: Integration,
  settings: ScheduleSettings | undefined,
  now: Date,
): Omit<z.output<typeof syncSchedule>, 'skipped_runs' | 'nightly_waits_since'> {
  const minute = settings?.isHourlyOn === true ? hourlyMinute(integration.integrationId) : null;
  const nightlyAt = settings?.nightlyAt ?? null;
  const isOff = minute === null && nightlyAt === null;
  const zone = settings?.zone ?? 'UTC';
  return {
    state: isOff
      ? 'off'
      : integration.pausedAt !== null
        ? 'paused'
        : integration.needsReauthorizationAt !== null
          ? 'needs_reauthorization'
          : 'on',
    summary: describeSchedule(integration, settings, minute),
    time_zone: settings?.zone ?? null,
    hourly_at_minute: minute,
    nightly_at: nightlyAt,
    nightly_fallback_at: nightlyAt === null ? null : fallbackTime(nightlyAt),
    next_runs: nextRuns({ hourlyMinute: minute, nightlyAt, zone, now, count: NEXT_RUNS }).map(toWireRun),
  };
}

function describeSchedule(
  integration: Integration,
  settings: ScheduleSettings | undefined,
  minute: number | null,
): string {
  if (settings === undefined) return 'Nothing is synced with this app.';
  const nightly = pulledRecordTypes(integration).length > 0 ? 'everything' : 'what was pushed is compared';
  const parts = [
    ...(minute === null ? [] : [`changes every hour at minute ${minute}`]),
    ...(settings.nightlyAt === null ? [] : [`${nightly} at ${settings.nightlyAt} (${settings.zone})`]),
  ];
  const text = parts.length === 0 ? 'only on request' : parts.join('; ');
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

function toWireRun({ schedule: of, at, localTime, isClockChange }: NextRun): z.output<typeof nextRun> {
  return { schedule: of, at: toInstant(at), local_time: localTime, is_clock_change: isClockChange };
}

function toWireSkippedRun(skipped: SkippedRun): z.output<typeof skippedRun> {
  return {
    id: toTypeId('skr', skipped.skippedRunId),
    integration_id: toTypeId('int', skipped.integrationId),
    schedule: skipped.schedule,
    scheduled_at: toInstant(skipped.scheduledAt),
    reason: skipped.reason,
    sync_run_id: skipped.syncRunId === null ? null : toTypeId('run', skipped.syncRunId),
    at: toInstant(skipped.at),
  };
}
