/** What sync runs and scheduled requests go through when their histories are recorded (record.ts). */
import { ScheduleOverlapPolicy } from '@temporalio/client';
import type { SyncRunActivities } from '../../activities/sync-runs/sync-run';
import type { ScheduledSyncActivities } from '../../activities/sync-runs/scheduled-sync';
import type { StartedSyncRun, SyncJobReport } from '../../contract/sync-run';
import { syncRunsChangedSignal, syncRunWorkflowId } from '../../contract/sync-run';
import {
  SCHEDULED_SYNC_WORKFLOW,
  scheduledSyncWorkflowId,
  syncScheduleId,
} from '../../contract/sync-schedule';
import { TASK_QUEUES } from '../../contract/task-queues';
import { parseSyncJobName, syncJobName } from '../../domain/sync-runs/sync-job';
import { type JobWait, MILESTONE_MS } from '../../domain/sync-runs/sync-run';
import { createOutboxHandlers } from '../../worker/outbox-handlers';
import type { PushWorker } from './push-worker';

type Slice = (firedAt: number) => Promise<SyncJobReport> | SyncJobReport;
interface Run {
  kind?: string;
  /** How long ago it began. */
  beganMsAgo?: number;
  /** The slices of each job; afterwards it has ended. '' is the metadata job, `contacts#1` a range. */
  jobs: Record<string, Slice[]>;
}
interface Scenario {
  name: string;
  runs: Run[];
  /** With search attributes too. */
  isSearchable?: boolean;
  duringRun?: (handle: ReturnType<PushWorker['client']['workflow']['getHandle']>) => Promise<void>;
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const more: Slice = () => ({ state: 'more' });
const ended: Slice = () => ({ state: 'ended' });
const waits =
  (reason: JobWait, ms: number): Slice =>
  (firedAt) => ({ state: 'waiting', until: firedAt + ms, reason });
/** However often it is looked at, it goes on when its time has come. */
function waitsThroughSignals(reason: JobWait, ms: number): Slice[] {
  let until = 0;
  return Array.from({ length: 100 }, (): Slice => (firedAt) => {
    until ||= firedAt + ms;
    return firedAt < until ? { state: 'waiting', until, reason } : { state: 'ended' };
  });
}
const divides =
  (...ranges: number[]): Slice =>
  () => ({ state: 'more', ranges });
const crashes: Slice = () => Promise.reject(new Error('The database does not answer.'));
const HOUR_MS = 3_600_000;

export const scenarios: Scenario[] = [
  { name: 'nothing-to-do', runs: [] },
  {
    name: 'plain',
    runs: [{ jobs: { '': [ended], companies: [more, ended], contacts: [more, more, ended] } }],
    isSearchable: true,
  },
  {
    name: 'followed-by-another',
    runs: [
      { kind: 'hourly', jobs: { contacts: [ended] } },
      { kind: 'full', jobs: { contacts: [more, ended] } },
    ],
  },
  {
    // More jobs than may read at once; while a job waits for a retry, others read.
    name: 'waiting',
    runs: [
      {
        jobs: {
          '': [ended],
          activities: [waits('outage', 300), waits('outage', 300), ended],
          companies: [waits('rate_limit', 400), more, ended],
          contacts: [waits('retry', 300), ended],
          deals: [waits('permits', 200), ended],
          notes: [more, ended],
          tickets: [waits('retry', 100), waits('retry', 200), ended],
        },
      },
    ],
    isSearchable: true,
  },
  {
    name: 'paused-and-resumed',
    runs: [
      {
        jobs: {
          companies: [waits('paused', HOUR_MS), ended],
          contacts: [waits('paused', HOUR_MS), more, ended],
        },
      },
    ],
    async duringRun(handle) {
      await sleep(700);
      await handle.signal(syncRunsChangedSignal);
    },
  },
  {
    // The rows say so: the next look of each job finds that it has ended.
    name: 'canceled-while-waiting',
    runs: [
      {
        jobs: {
          companies: [waits('outage', HOUR_MS), ended],
          contacts: [waits('rate_limit', HOUR_MS), ended],
        },
      },
    ],
    async duringRun(handle) {
      await sleep(700);
      await handle.signal(syncRunsChangedSignal);
    },
  },
  {
    name: 'longer-than-12-hours',
    runs: [{ beganMsAgo: MILESTONE_MS - 600, jobs: { contacts: [waits('outage', 1_200), ended] } }],
  },
  { name: 'activity-failed', runs: [{ jobs: { contacts: [crashes, more, ended] } }] },
  {
    // One range waits, one crashes; the job goes on once all of them have ended.
    name: 'read-in-ranges',
    runs: [
      {
        jobs: {
          contacts: [divides(0, 1, 2), ended],
          'contacts#0': [ended],
          'contacts#1': [waits('retry', 300), ended],
          'contacts#2': [crashes, ended],
        },
      },
    ],
    isSearchable: true,
  },
  {
    name: 'continued-as-new-while-reading-ranges',
    runs: [
      {
        jobs: {
          companies: [more, more, ended],
          contacts: [divides(0, 1, 2, 3), divides(1, 2), divides(1, 2), more, ended],
          'contacts#0': [more, ended],
          'contacts#1': [more, more, more, waits('rate_limit', 200), more, ended],
          'contacts#2': [more, more, more, more, ended],
          'contacts#3': [ended],
        },
      },
    ],
  },
  {
    // What is pushed waits until everything is read, then until its pushes have ended.
    name: 'sync-now',
    runs: [
      {
        kind: 'sync_now',
        jobs: {
          companies: [more, ended],
          contacts: [waits('retry', 300), ended],
          'push:contacts': [more, waits('pushes', 300), waits('pushes', 300), ended],
          'push:deals': [waits('rate_limit', 200), waits('pushes', HOUR_MS), ended],
        },
      },
    ],
    async duringRun(handle) {
      await sleep(2_500);
      await handle.signal(syncRunsChangedSignal);
    },
    isSearchable: true,
  },
  {
    name: 'continued-as-new-while-reading',
    runs: [
      {
        jobs: {
          '': [ended],
          companies: Array.from({ length: 9 }, () => more),
          contacts: Array.from({ length: 12 }, () => more),
        },
      },
    ],
    isSearchable: true,
  },
  {
    name: 'continued-as-new-while-waiting',
    runs: [
      {
        jobs: {
          companies: waitsThroughSignals('outage', 4_000),
          contacts: waitsThroughSignals('paused', 5_000),
        },
      },
    ],
    async duringRun(handle) {
      await sleep(500);
      for (let signal = 0; signal < 25; signal += 1) await handle.signal(syncRunsChangedSignal);
    },
  },
];

interface RunRow extends Omit<StartedSyncRun, 'jobs'> {
  /** The remaining slices of each unfinished job. */
  slices: Map<string, Slice[]>;
}
/** The runs of the scenario, as the database would store them. */
let rows: RunRow[] = [];

export const syncRunActivities: SyncRunActivities = {
  startNextSyncRun: async () => {
    const run = rows.find(({ slices }) => [...slices.keys()].some((name) => !name.includes('#')));
    if (run === undefined) return null;
    const { slices, ...started } = run;
    return {
      ...started,
      jobs: [...slices.keys()].filter((name) => !name.includes('#')).map(parseSyncJobName),
    };
  },
  advanceSyncJob: async ({ syncRunId, job, range, firedAt }) => {
    const slices = rows.find((run) => run.syncRunId === syncRunId)?.slices;
    const name = `${syncJobName(job)}${range === undefined ? '' : `#${range}`}`;
    const report = (await slices?.get(name)?.shift()?.(firedAt)) ?? { state: 'ended' };
    if (report.state === 'ended') slices?.delete(name);
    return report;
  },
  emitSyncMilestone: async () => undefined,
  readSyncRun: async ({ syncRunId }) => {
    const isSyncFinished = (rows.find((run) => run.syncRunId === syncRunId)?.slices.size ?? 0) === 0;
    return {
      state: isSyncFinished ? 'succeeded' : 'running',
      successfulJobs: 0,
      failedJobs: 0,
      isSyncFinished,
    };
  },
};

export interface Place {
  tenantId: string;
  integrationId: string;
}

/** Plays a scenario to its end. @returns the workflow's id. */
export async function playSyncRun(
  { client }: PushWorker,
  scenario: Scenario,
  { tenantId, integrationId }: Place,
  hasSearchAttributes: boolean,
): Promise<string> {
  rows = scenario.runs.map(({ kind = 'nightly', beganMsAgo = 0, jobs }, index) => ({
    syncRunId: `01900000-0000-7000-8000-2${String(index).padStart(11, '0')}`,
    kind,
    startedAt: Date.now() - beganMsAgo,
    slices: new Map(Object.entries(jobs).map(([job, slices]) => [job, [...slices]])),
  }));
  await createOutboxHandlers(client, { hasSearchAttributes })({
    topic: 'sync_run',
    tenantId,
    integrationId,
    nextDueAt: new Date(),
  });
  const handle = client.workflow.getHandle(syncRunWorkflowId({ integrationId }));
  await scenario.duringRun?.(handle);
  await handle.result();
  return handle.workflowId;
}

let scheduleFailures = 0;
export const scheduledSyncActivities: ScheduledSyncActivities = {
  requestScheduledSync: async () => {
    if ((scheduleFailures -= 1) >= 0) throw new Error('The database does not answer.');
    return { outcome: 'requested', syncRunId: 'run_01j00000000000000000000000' };
  },
};

export const SCHEDULED_SYNC_SCENARIOS = ['by-schedule', 'manual', 'activity-failed'] as const;

/**
 * A schedule sets the scheduled time; a run started by an operator has only its start time.
 * @returns the workflow's id.
 */
export async function playScheduledSync(
  { client }: PushWorker,
  name: (typeof SCHEDULED_SYNC_SCENARIOS)[number],
  place: Place,
): Promise<string> {
  scheduleFailures = name === 'activity-failed' ? 1 : 0;
  const input = { ...place, schedule: 'hourly' as const };
  if (name !== 'by-schedule') {
    const workflowId = `${scheduledSyncWorkflowId(input)}-manual`;
    const handle = await client.workflow.start(SCHEDULED_SYNC_WORKFLOW, {
      workflowId,
      taskQueue: TASK_QUEUES.workflows,
      args: [input],
    });
    await handle.result();
    return workflowId;
  }
  const schedule = await client.schedule.create({
    scheduleId: syncScheduleId(input),
    spec: {},
    action: {
      type: 'startWorkflow',
      workflowType: SCHEDULED_SYNC_WORKFLOW,
      workflowId: scheduledSyncWorkflowId(input),
      taskQueue: TASK_QUEUES.workflows,
      args: [input],
    },
  });
  await schedule.trigger(ScheduleOverlapPolicy.ALLOW_ALL);
  for (;;) {
    const [started] = (await schedule.describe()).info.recentActions;
    if (started?.action.type === 'startWorkflow') {
      const { workflowId } = started.action.workflow;
      await client.workflow.getHandle(workflowId).result();
      await schedule.delete();
      return workflowId;
    }
    await sleep(100);
  }
}
