/** When an integration is read by itself, in words and as the next runs, and the ticks that could not have theirs (rules.md 16, 28 to 30). */
import { z } from 'zod';
import { toTypeId } from '../../db/sql/ids';
import type { Integration } from '../../db/integrations/integrations';
import { readScheduleSettings, type ScheduleSettings } from '../../db/sync-runs/sync-schedules';
import { listSkippedRuns, type SkippedRun } from '../../db/sync-runs/scheduled-requests';
import { fallbackTime, hourlyMinute } from '../../domain/sync-runs/nightly-schedule';
import { type NextRun, nextRuns } from '../../domain/sync-runs/next-runs';
import { type Route, tenantRoute } from '../routing/define-route';
import { instant, toInstant, typeId } from '../routing/common-schemas';
import { listOf, listParams, readPage, toPage, uuidPosition } from '../routing/pagination';
import { integrationParams, requireIntegration } from '../integrations/integration-routes';

const NEXT_RUNS = 5;
const SKIPPED_SHOWN = 10;

const schedule = z.enum(['hourly', 'nightly']);
const skippedRun = z
  .object({
    id: typeId('tck'),
    integration_id: typeId('int'),
    schedule,
    scheduled_at: instant,
    reason: z
      .enum(['skipped_overlap', 'skipped_paused', 'skipped_needs_reauthorization', 'skipped_already_ran'])
      .meta({
        id: 'SkippedRunReason',
        description: [
          '- `skipped_overlap`: a run was at work or waited; `sync_run_id` says which.',
          '- `skipped_paused`: the integration was paused.',
          '- `skipped_needs_reauthorization`: it waited for new credentials.',
          '- `skipped_already_ran`: the local date had its nightly run; the clock was set back, or the tenant moved to another time zone.',
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
    local_time: z
      .string()
      .meta({ description: "The same moment on the tenant's clock.", example: '2027-03-14T03:45:00-04:00' }),
    is_clock_change: z.boolean().meta({
      description: 'Clocks are moved within 12 hours of it: a nightly run may begin up to 75 minutes off.',
    }),
  })
  .meta({ id: 'NextRun' });

const syncSchedule = z
  .object({
    state: z.enum(['on', 'off', 'paused', 'needs_reauthorization']).meta({
      description:
        '`off`: it pulls nothing, or both schedules are off. While it is paused or waits for new credentials, ticks come and are logged as skipped.',
    }),
    summary: z.string().meta({
      description: 'In words.',
      example: 'Each hour at minute 17 what has changed; at 02:00 in Europe/Berlin everything.',
    }),
    time_zone: z
      .string()
      .nullable()
      .meta({ description: 'Of the tenant; null where nothing is pulled.', example: 'Europe/Berlin' }),
    hourly_at_minute: z.number().int().nullable().meta({
      description: 'Its own minute of each hour; a run begins up to five minutes later.',
      example: 17,
    }),
    nightly_at: z.string().nullable().meta({ example: '02:00' }),
    nightly_fallback_at: z
      .string()
      .nullable()
      .meta({ description: 'When it is tried again if the date has had no run.', example: '03:15' }),
    next_runs: z.array(nextRun).meta({ description: 'The next five of each schedule, the soonest first.' }),
    skipped_runs: z.array(skippedRun).meta({ description: 'The last ten, newest first.' }),
  })
  .meta({ id: 'SyncSchedule' });

export const syncScheduleRoutes: readonly Route[] = [
  tenantRoute({
    method: 'get',
    path: '/v1/integrations/{integration_id}/sync-schedule',
    operationId: 'getSyncSchedule',
    tag: 'Sync schedules',
    summary: 'Show when an integration is read by itself',
    description:
      'The settings are those of the integration (`is_hourly_sync_on`, `nightly_sync_at`) and the time zone of the tenant.',
    params: integrationParams,
    answers: {
      200: {
        description: 'The schedule in words, its next runs and what was skipped.',
        schema: syncSchedule,
      },
    },
    problems: ['integration_not_found'],
    async run(work, { params }) {
      const integration = await requireIntegration(work, params.integration_id);
      const settings = await readScheduleSettings(work, integration);
      const skipped = await listSkippedRuns(work, {
        integrationId: integration.integrationId,
        limit: SKIPPED_SHOWN,
      });
      return {
        status: 200,
        body: {
          ...toWireSchedule(integration, settings, work.now),
          skipped_runs: skipped.map(toWireSkippedRun),
        },
      };
    },
  }),

  tenantRoute({
    method: 'get',
    path: '/v1/integrations/{integration_id}/skipped-ticks',
    operationId: 'listSkippedRuns',
    tag: 'Sync schedules',
    summary: 'List the scheduled runs that were skipped, newest first',
    params: integrationParams,
    query: z.strictObject(listParams),
    answers: { 200: { description: 'One entry per tick, with the reason.', schema: listOf(skippedRun) } },
    problems: ['invalid_cursor', 'integration_not_found'],
    async run(work, { params, query }) {
      const { integrationId } = await requireIntegration(work, params.integration_id);
      const scope = ['skipped-ticks', work.tenantId, integrationId];
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
): Omit<z.output<typeof syncSchedule>, 'skipped_runs'> {
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
    summary: inWords(settings, minute),
    time_zone: settings?.zone ?? null,
    hourly_at_minute: minute,
    nightly_at: nightlyAt,
    nightly_fallback_at: nightlyAt === null ? null : fallbackTime(nightlyAt),
    next_runs: nextRuns({ hourlyMinute: minute, nightlyAt, zone, now, count: NEXT_RUNS }).map(toWireRun),
  };
}

function inWords(settings: ScheduleSettings | undefined, minute: number | null): string {
  if (settings === undefined) return 'Nothing is read from this app.';
  const parts = [
    ...(minute === null ? [] : [`each hour at minute ${minute} what has changed`]),
    ...(settings.nightlyAt === null ? [] : [`at ${settings.nightlyAt} in ${settings.zone} everything`]),
  ];
  const words = parts.length === 0 ? 'only when somebody asks for it' : parts.join('; ');
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}.`;
}

function toWireRun({ schedule: of, at, localTime, isClockChange }: NextRun): z.output<typeof nextRun> {
  return { schedule: of, at: toInstant(at), local_time: localTime, is_clock_change: isClockChange };
}

function toWireSkippedRun(tick: SkippedRun): z.output<typeof skippedRun> {
  return {
    id: toTypeId('tck', tick.skippedRunId),
    integration_id: toTypeId('int', tick.integrationId),
    schedule: tick.schedule,
    scheduled_at: toInstant(tick.scheduledAt),
    reason: tick.reason,
    sync_run_id: tick.syncRunId === null ? null : toTypeId('run', tick.syncRunId),
    at: toInstant(tick.at),
  };
}
