/**
 * The options of an integration's hourly and nightly Temporal Schedule (rules.md 28 to 30). A schedule only
 * starts the workflow that decides, by the rows, whether there is a run.
 */
import type { CalendarSpec, ScheduleOptions } from '@temporalio/client';
import { TypedSearchAttributes } from '@temporalio/common';
import { SEARCH_ATTRIBUTES } from '../contract/search-attributes';
import {
  SCHEDULED_SYNC_WORKFLOW,
  type ScheduledSyncInput,
  syncScheduleId,
  scheduledSyncWorkflowId,
} from '../contract/sync-schedule';
import { TASK_QUEUES } from '../contract/task-queues';
import { fallbackTime, hourlyMinute, minutesOf } from '../domain/sync-runs/nightly-schedule';
import { typeIdOf } from '../domain/typeid';

const HOUR_MS = 3_600_000;
/** Spreads the integrations of one time zone. Much shorter than the time to the fallback. */
const JITTER_MS = 5 * 60_000;

interface ScheduledIntegration {
  tenantId: string;
  integrationId: string;
  hasSearchAttributes: boolean;
}
type ScheduleInput = ScheduledIntegration &
  ({ schedule: 'hourly' } | { schedule: 'nightly'; nightlyAt: string; zone: string });

export function syncScheduleOptions(input: ScheduleInput): ScheduleOptions {
  const { tenantId, integrationId, schedule: kind, hasSearchAttributes } = input;
  const workflowInput: ScheduledSyncInput = { tenantId, integrationId, schedule: kind };
  const attributes = hasSearchAttributes
    ? {
        typedSearchAttributes: new TypedSearchAttributes([
          { key: SEARCH_ATTRIBUTES.tenantId, value: typeIdOf('ten', tenantId) },
          { key: SEARCH_ATTRIBUTES.integrationId, value: typeIdOf('int', integrationId) },
        ]),
      }
    : {};
  return {
    scheduleId: syncScheduleId(workflowInput),
    ...(input.schedule === 'hourly' ? hourly(integrationId) : nightly(input)),
    action: {
      type: 'startWorkflow',
      workflowType: SCHEDULED_SYNC_WORKFLOW,
      workflowId: scheduledSyncWorkflowId(workflowInput),
      taskQueue: TASK_QUEUES.workflows,
      args: [workflowInput],
      staticSummary: `Requests the ${kind} sync run of one integration, if its rows allow one`,
      ...attributes,
    },
    ...attributes,
  };
}

/** After a longer outage one catch-up run is enough: it reads everything that changed since the last run. */
function hourly(integrationId: string): Pick<ScheduleOptions, 'spec' | 'policies' | 'state' | 'memo'> {
  const minute = hourlyMinute(integrationId);
  return {
    spec: {
      calendars: [{ hour: [{ start: 0, end: 23, step: 1 }], minute: range(minute) }],
      jitter: JITTER_MS,
      timezone: 'UTC',
    },
    policies: { overlap: 'SKIP', catchupWindow: HOUR_MS },
    state: { note: `Every hour at minute ${minute}, or up to five minutes later.` },
    memo: { what: 'Reads records that changed since the last successful run.' },
  };
}

/** BUFFER_ONE: the fallback has to wait until the first workflow has decided. */
function nightly({
  nightlyAt,
  zone,
}: {
  nightlyAt: string;
  zone: string;
}): Pick<ScheduleOptions, 'spec' | 'policies' | 'state' | 'memo'> {
  const fallback = fallbackTime(nightlyAt);
  return {
    spec: { calendars: [nightlyAt, fallback].map(calendarOf), jitter: JITTER_MS, timezone: zone },
    policies: { overlap: 'BUFFER_ONE', catchupWindow: 12 * HOUR_MS },
    state: {
      note:
        `At ${nightlyAt} in ${zone}, and again at ${fallback}, ` +
        'which has something to do only if the local date has no run yet.',
    },
    memo: { what: 'Reads all records; one run per local date.' },
  };
}

/** In the form in which the server returns it. */
const range = (value: number) => [{ start: value, end: value, step: 1 }];

function calendarOf(time: string): CalendarSpec {
  const minutes = minutesOf(time);
  return { hour: range(Math.floor(minutes / 60)), minute: range(minutes % 60) };
}
