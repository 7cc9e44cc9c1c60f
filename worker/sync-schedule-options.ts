/** The two schedules of an integration as Temporal takes them (rules.md 28 to 30). Each tick only starts the workflow that decides by rows. */
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
/** So that integrations of one zone do not all begin at once; much less than the time to the fallback. */
const JITTER_MS = 5 * 60_000;

interface Common {
  tenantId: string;
  integrationId: string;
  hasSearchAttributes: boolean;
}
type Of = Common & ({ schedule: 'hourly' } | { schedule: 'nightly'; nightlyAt: string; zone: string });

export function syncScheduleOptions(of: Of): ScheduleOptions {
  const { tenantId, integrationId, schedule, hasSearchAttributes } = of;
  const input: ScheduledSyncInput = { tenantId, integrationId, schedule };
  const attributes = hasSearchAttributes
    ? {
        typedSearchAttributes: new TypedSearchAttributes([
          { key: SEARCH_ATTRIBUTES.tenantId, value: typeIdOf('ten', tenantId) },
          { key: SEARCH_ATTRIBUTES.integrationId, value: typeIdOf('int', integrationId) },
        ]),
      }
    : {};
  return {
    scheduleId: syncScheduleId(input),
    ...(of.schedule === 'hourly' ? hourly(integrationId) : nightly(of)),
    action: {
      type: 'startWorkflow',
      workflowType: SCHEDULED_SYNC_WORKFLOW,
      workflowId: scheduledSyncWorkflowId(input),
      taskQueue: TASK_QUEUES.workflows,
      args: [input],
      staticSummary: `Asks for the ${schedule} sync run of one integration, if rows allow it`,
      ...attributes,
    },
    ...attributes,
  };
}

/** What is missed in a longer outage is read by the one catch-up run: it reads all that changed since the last one. */
function hourly(integrationId: string): Pick<ScheduleOptions, 'spec' | 'policies' | 'state' | 'memo'> {
  const minute = hourlyMinute(integrationId);
  return {
    spec: {
      calendars: [{ hour: [{ start: 0, end: 23, step: 1 }], minute: at(minute) }],
      jitter: JITTER_MS,
      timezone: 'UTC',
    },
    policies: { overlap: 'SKIP', catchupWindow: HOUR_MS },
    state: { note: `Each hour at minute ${minute} and up to five minutes later.` },
    memo: { what: 'Reads what has changed since the last successful run.' },
  };
}

/** One tick may wait behind another: a fallback is worth something only once the first tick has come to its end. */
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
      note: `At ${nightlyAt} in ${zone}, and again at ${fallback}, when there is something to do only if the night has no run yet.`,
    },
    memo: { what: 'Reads everything; one run per local date.' },
  };
}

/** In the form in which the server gives it back. */
const at = (value: number) => [{ start: value, end: value, step: 1 }];

function calendarOf(time: string): CalendarSpec {
  const minutes = minutesOf(time);
  return { hour: at(Math.floor(minutes / 60)), minute: at(minutes % 60) };
}
