/**
 * The sync runs of one integration, one after the other (rules.md 28 to 36): one workflow per integration, so that never two read the
 * same third party at once. Runs, jobs and checkpoints are rows; the workflow keeps time: it hands out the jobs, a few at once,
 * lets those wait that have to, and notes every 12 h that a run goes on.
 *
 * Woken by a signal whenever something about its runs has changed: one was asked for, canceled, paused, may go on. Ends when no run
 * waits; the next signal-with-start brings it back. Between the last look and `return` there is no await.
 */
import {
  condition,
  continueAsNew,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import { SEARCH_ATTRIBUTES } from '../contract/search-attributes';
import {
  type StartedSyncRun,
  type SyncRunInput,
  syncRunQuery,
  syncRunsChangedSignal,
} from '../contract/sync-run';
import { directionOfJob } from '../domain/overviews/overview';
import { MILESTONE_MS } from '../domain/sync-runs/sync-run';
import { describeSyncRun, nameOfJob } from '../domain/sync-runs/sync-run-description';
import { syncRunActivities } from './activities';

/** Jobs of one run that read at the same time. */
const JOBS_AT_ONCE = 4;
/** Events after which it goes on in a new history, before the server suggests it (rules.md R22). */
const HISTORY_LENGTH_MAX = 3_000;

/** What lets so many jobs read at once and no more. */
interface Turn {
  take(): Promise<void>;
  give(): void;
}

export async function syncRunWorkflow(input: SyncRunInput): Promise<void> {
  const { tenantId, integrationId } = input;
  const place = { tenantId, integrationId };
  const { beginSyncRun, workOnSyncJob, emitSyncMilestone, readSyncRun } = syncRunActivities(tenantId);
  let changes = 0;
  let current: StartedSyncRun | null = null;
  const states = new Map<string, string>();

  setHandler(syncRunsChangedSignal, () => {
    changes += 1;
  });
  setHandler(syncRunQuery, () => ({
    syncRunId: current?.syncRunId ?? null,
    jobs: [...states].map(([recordType, state]) => ({ recordType, state })),
  }));

  let looked = -1;
  while (looked !== changes) {
    looked = changes;
    for (current = await beginSyncRun(place); current !== null; current = await beginSyncRun(place))
      await workOff(current);
  }

  /** Ends when every job of the run has ended. */
  async function workOff(run: StartedSyncRun): Promise<void> {
    let isOver = false;
    states.clear();
    for (const recordType of run.recordTypes) states.set(recordType, 'queued');
    await show(run);
    const milestones = emitMilestones(run, () => isOver);
    // It is awaited at the end; where the workflow is canceled before, nobody else hears of it.
    milestones.catch(() => undefined);
    let free = JOBS_AT_ONCE;
    const turn: Turn = {
      async take() {
        while (free === 0 && !isHistoryLong()) await condition(() => free > 0 || isHistoryLong());
        free -= 1;
      },
      give() {
        free += 1;
      },
    };
    const isPush = (job: string) => directionOfJob(job).direction === 'push';
    await Promise.all(run.recordTypes.filter((job) => !isPush(job)).map((job) => workOnJob(run, job, turn)));
    // What goes both ways is read first, then sent (rules.md 22).
    await Promise.all(run.recordTypes.filter(isPush).map((job) => workOnJob(run, job, turn)));
    isOver = true;
    await milestones;
    await show(run);
    if (isHistoryLong()) await continueAsNew<typeof syncRunWorkflow>(input);
  }

  /**
   * One that waits to be tried again lets others read meanwhile: its trouble is its own. What holds back the whole integration holds back all, so
   * those that have not begun need not be told one by one.
   */
  async function workOnJob(run: StartedSyncRun, recordType: string, turn: Turn): Promise<void> {
    await turn.take();
    while (!isHistoryLong()) {
      const seen = changes;
      states.set(recordType, 'running');
      const report = await workOnSyncJob({
        ...place,
        syncRunId: run.syncRunId,
        recordType,
        firedAt: Date.now(),
      });
      states.set(
        recordType,
        report.state === 'waiting'
          ? `waiting: ${report.reason}`
          : report.state === 'ended'
            ? 'ended'
            : 'running',
      );
      setCurrentDetails(describeSyncRun(run.kind, states));
      if (report.state === 'ended') break;
      if (report.state === 'waiting') {
        const isItsOwn = report.reason === 'retry';
        if (isItsOwn) turn.give();
        const restMs = Math.max(report.until - Date.now(), 1);
        await condition(() => changes !== seen || isHistoryLong(), restMs, {
          summary: `${nameOfJob(recordType)} waits: ${report.reason}`,
        });
        if (isItsOwn) await turn.take();
      }
    }
    turn.give();
  }

  async function emitMilestones(
    { syncRunId, startedAt }: StartedSyncRun,
    isOver: () => boolean,
  ): Promise<void> {
    for (;;) {
      const count = Math.floor((Date.now() - startedAt) / MILESTONE_MS) + 1;
      const isEnded = await condition(
        () => isOver() || isHistoryLong(),
        startedAt + count * MILESTONE_MS - Date.now(),
        {
          summary: `goes on for ${count * 12} h`,
        },
      );
      if (isEnded) return;
      await emitSyncMilestone({ ...place, syncRunId, count });
    }
  }

  async function show(run: StartedSyncRun): Promise<void> {
    setCurrentDetails(describeSyncRun(run.kind, states));
    if (!input.hasSearchAttributes) return;
    const { state, failedJobs, isSyncFinished } = await readSyncRun({ ...place, syncRunId: run.syncRunId });
    upsertSearchAttributes([
      { key: SEARCH_ATTRIBUTES.runKind, value: run.kind },
      { key: SEARCH_ATTRIBUTES.runState, value: state },
      { key: SEARCH_ATTRIBUTES.failedJobs, value: failedJobs },
      { key: SEARCH_ATTRIBUTES.isSyncFinished, value: isSyncFinished },
    ]);
  }

  function isHistoryLong(): boolean {
    const { continueAsNewSuggested, historyLength } = workflowInfo();
    return continueAsNewSuggested || historyLength > HISTORY_LENGTH_MAX;
  }
}
