/** What sync runs and scheduled requests go through when their histories are recorded (record.ts). */
import { ScheduleOverlapPolicy } from '@temporalio/client';
import type { SyncRunActivities } from '../../activities/sync-runs/sync-run';
import type { ScheduledSyncActivities } from '../../activities/sync-runs/scheduled-sync';
import type { StartedSyncRun, SyncJobReport } from '../../contract/sync-run';
import { syncRunsChangedSignal, syncRunWorkflowId } from '../../contract/sync-run';
import { SCHEDULED_SYNC_WORKFLOW, scheduledSyncWorkflowId } from '../../contract/sync-schedule';
import { TASK_QUEUES } from '../../contract/task-queues';
import { type JobWait, MILESTONE_MS } from '../../domain/sync-runs/sync-run';
import { syncScheduleOptions } from '../../worker/sync-schedule-options';
import { createOutboxHandlers } from '../../worker/outbox-handlers';
import type { PushWorker } from './lane-worker';

type Piece = (firedAt: number) => Promise<SyncJobReport> | SyncJobReport;
interface Run {
  kind?: string;
  /** How long ago it began. */
  beganMsAgo?: number;
  /** Pieces of each job; afterwards it has ended. '' is the metadata job. */
  jobs: Record<string, Piece[]>;
}
interface Scenario {
  name: string;
  runs: Run[];
  /** With search attributes too. */
  isSearchable?: boolean;
  meanwhile?: (handle: ReturnType<PushWorker['client']['workflow']['getHandle']>) => Promise<void>;
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const more: Piece = () => ({ state: 'more' });
const ended: Piece = () => ({ state: 'ended' });
const waits =
  (reason: JobWait, ms: number): Piece =>
  (firedAt) => ({ state: 'waiting', until: firedAt + ms, reason });
/** However often it is looked at, it goes on when its time has come. */
function waitsThroughSignals(reason: JobWait, ms: number): Piece[] {
  let until = 0;
  return Array.from({ length: 100 }, (): Piece => (firedAt) => {
    until ||= firedAt + ms;
    return firedAt < until ? { state: 'waiting', until, reason } : { state: 'ended' };
  });
}
const crashes: Piece = () => Promise.reject(new Error('The database does not answer.'));
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
    // More jobs than may read at once; those that are tried again let others read meanwhile.
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
    async meanwhile(handle) {
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
    async meanwhile(handle) {
      await sleep(700);
      await handle.signal(syncRunsChangedSignal);
    },
  },
  {
    name: 'goes-on-for-12-hours',
    runs: [{ beganMsAgo: MILESTONE_MS - 600, jobs: { contacts: [waits('outage', 1_200), ended] } }],
  },
  { name: 'activity-failed', runs: [{ jobs: { contacts: [crashes, more, ended] } }] },
  {
    // What is pushed waits until everything is read, then until its pushes have ended.
    name: 'synced-now',
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
    async meanwhile(handle) {
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
    async meanwhile(handle) {
      await sleep(500);
      for (let signal = 0; signal < 25; signal += 1) await handle.signal(syncRunsChangedSignal);
    },
  },
];

interface Laid extends StartedSyncRun {
  pieces: Map<string, Piece[]>;
}
/** What is left of the runs of the scenario, as rows would tell it. */
let rows: Laid[] = [];

export const syncRunActivities: SyncRunActivities = {
  beginSyncRun: async () => {
    const run = rows.find(({ pieces }) => pieces.size > 0);
    return run === undefined
      ? null
      : {
          syncRunId: run.syncRunId,
          kind: run.kind,
          recordTypes: [...run.pieces.keys()],
          startedAt: run.startedAt,
        };
  },
  workOnSyncJob: async ({ syncRunId, recordType, firedAt }) => {
    const pieces = rows.find((run) => run.syncRunId === syncRunId)?.pieces;
    const report = (await pieces?.get(recordType)?.shift()?.(firedAt)) ?? { state: 'ended' };
    if (report.state === 'ended') pieces?.delete(recordType);
    return report;
  },
  emitSyncMilestone: async () => undefined,
  readSyncRun: async ({ syncRunId }) => {
    const isSyncFinished = (rows.find((run) => run.syncRunId === syncRunId)?.pieces.size ?? 0) === 0;
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
    recordTypes: Object.keys(jobs),
    startedAt: Date.now() - beganMsAgo,
    pieces: new Map(Object.entries(jobs).map(([recordType, pieces]) => [recordType, [...pieces]])),
  }));
  await createOutboxHandlers(client, { hasSearchAttributes })({
    topic: 'sync_run',
    tenantId,
    integrationId,
    nextDueAt: new Date(),
  });
  const handle = client.workflow.getHandle(syncRunWorkflowId({ integrationId }));
  await scenario.meanwhile?.(handle);
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

export const TICKS = ['by-schedule', 'by-hand', 'activity-failed'] as const;

/**
 * A schedule sets the scheduled time; a run that an operator starts only has its start time. @returns the
 * workflow's id.
 */
export async function playTick(
  { client }: PushWorker,
  name: (typeof TICKS)[number],
  place: Place,
): Promise<string> {
  scheduleFailures = name === 'activity-failed' ? 1 : 0;
  const input = { ...place, schedule: 'hourly' as const };
  if (name !== 'by-schedule') {
    const workflowId = `${scheduledSyncWorkflowId(input)}-by-hand`;
    const handle = await client.workflow.start(SCHEDULED_SYNC_WORKFLOW, {
      workflowId,
      taskQueue: TASK_QUEUES.workflows,
      args: [input],
    });
    await handle.result();
    return workflowId;
  }
  const schedule = await client.schedule.create(
    syncScheduleOptions({ ...input, hasSearchAttributes: false }),
  );
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
