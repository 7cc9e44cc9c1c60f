/**
 * The sync runs of one integration, one after the other (rules.md 28 to 36): one workflow per integration, so
 * that two runs never read the same third party at the same time. Runs, jobs and checkpoints are rows. The
 * workflow starts the jobs, a few at a time, waits with those that have to wait, and reports every 12 h that
 * a run is still in progress.
 *
 * A signal tells it that something about its runs has changed: a run was requested, canceled, paused or
 * resumed. It ends when no run is left; the next signal-with-start begins a new one. There is no await
 * between the last look for runs and `return`.
 */
import {
  condition,
  continueAsNew,
  patched,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
} from '@temporalio/workflow';
import { SEARCH_ATTRIBUTES } from '../contract/search-attributes';
import {
  type StartedSyncRun,
  type SyncJobReport,
  type SyncRunInput,
  type SyncRunKey,
  syncRunQuery,
  syncRunsChangedSignal,
} from '../contract/sync-run';
import type { SyncJobRef } from '../domain/sync-runs/sync-job';
import { MILESTONE_MS } from '../domain/sync-runs/sync-run';
import { PRIORITIES } from '../domain/work-priorities';
import { describeJob, describeSyncRun } from '../domain/sync-runs/sync-run-description';
import { syncRunActivities } from './activities';
import { isHistoryLong } from './history';
import { Semaphore } from './semaphore';

/** Jobs of one run that read at the same time. */
const PARALLEL_JOBS = 4;
/** Continues in a new history after this many events, earlier than the server suggests (rules.md R22). */
const HISTORY_LENGTH_MAX = 3_000;
const mustContinueAsNew = (): boolean => isHistoryLong({ eventsMax: HISTORY_LENGTH_MAX });

/** Counts the changes that signals have reported. */
interface Changes {
  version: number;
}

export async function syncRunWorkflow(input: SyncRunInput): Promise<void> {
  const { tenantId, integrationId } = input;
  const { startNextSyncRun } = syncRunActivities(tenantId);
  const changes: Changes = { version: 0 };
  let current: SyncRunExecution | null = null;

  setHandler(syncRunsChangedSignal, () => {
    changes.version += 1;
  });
  setHandler(syncRunQuery, () => ({
    syncRunId: current?.run.syncRunId ?? null,
    jobs: current?.jobs.map(({ job, state }) => ({ job, state })) ?? [],
  }));

  let processedVersion = -1;
  while (processedVersion !== changes.version) {
    processedVersion = changes.version;
    for (;;) {
      const run = await startNextSyncRun({ tenantId, integrationId });
      current = run === null ? null : new SyncRunExecution(input, run, changes);
      if (current === null) break;
      await current.runAllJobs();
      if (mustContinueAsNew()) await continueAsNew<typeof syncRunWorkflow>(input);
    }
  }
}

class SyncRunExecution {
  readonly jobs: { job: SyncJobRef; state: string }[];
  private activities;
  private readonly key: SyncRunKey & { syncRunId: string };
  private readonly semaphore = new Semaphore(PARALLEL_JOBS, mustContinueAsNew);
  private isFinished = false;

  constructor(
    private readonly input: SyncRunInput,
    readonly run: StartedSyncRun,
    private readonly changes: Changes,
  ) {
    const { tenantId, integrationId } = input;
    this.jobs = run.jobs.map((job) => ({ job, state: 'queued' }));
    this.activities = syncRunActivities(tenantId, run.priorityKey ?? PRIORITIES.hourly);
    this.key = { tenantId, integrationId, syncRunId: run.syncRunId };
  }

  /** Returns when every job of the run has ended, or when the workflow has to continue in a new history. */
  async runAllJobs(): Promise<void> {
    await this.publishState();
    const milestones = this.emitMilestones();
    // Awaited below. If the workflow is canceled before, the rejection must not be reported as unhandled.
    milestones.catch(() => undefined);
    // A Sync Now in both directions reads first, then pushes (rules.md 22).
    await Promise.all(this.jobs.filter(({ job }) => job.kind !== 'push').map((job) => this.runJob(job)));
    await Promise.all(this.jobs.filter(({ job }) => job.kind === 'push').map((job) => this.runJob(job)));
    this.isFinished = true;
    await milestones;
    await this.publishState();
  }

  /**
   * A job that waits to be retried gives its permit back, so that others read in the meantime. A job that
   * waits for the whole integration keeps its permit: the jobs that have not started would have to wait as
   * well.
   */
  private async runJob(entry: SyncRunExecution['jobs'][number], range?: number): Promise<void> {
    const part = range === undefined ? { divides: true } : { range };
    await this.semaphore.acquire();
    while (!mustContinueAsNew()) {
      const { version } = this.changes;
      entry.state = 'running';
      const report = await this.activities.advanceSyncJob({
        ...this.key,
        job: entry.job,
        firedAt: Date.now(),
        ...part,
      });
      if (report.state !== 'ended' || range === undefined) entry.state = stateOf(report);
      this.showProgress();
      if (report.state === 'ended') break;
      if (report.state === 'more' && report.priorityKey !== undefined)
        this.activities = syncRunActivities(this.input.tenantId, report.priorityKey);
      if (report.state === 'more' && report.ranges !== undefined)
        part.divides = await this.runRanges(entry, report.ranges);
      if (report.state === 'waiting') {
        const givesWay = report.reason === 'retry';
        if (givesWay) this.semaphore.release();
        await this.waitForChange(version, report.until, `${describeJob(entry.job)} waits: ${report.reason}`);
        if (givesWay) await this.semaphore.acquire();
      }
    }
    this.semaphore.release();
  }

  /**
   * The job gives its permit to its ranges, and goes on once they have ended. @returns false if the job must
   * read them itself, because a worker of a former version has done so in this history.
   */
  private async runRanges(
    entry: SyncRunExecution['jobs'][number],
    ranges: readonly number[],
  ): Promise<boolean> {
    if (!patched('pull-ranges')) return false;
    this.semaphore.release();
    await Promise.all(ranges.map((range) => this.runJob(entry, range)));
    await this.semaphore.acquire();
    return true;
  }

  private async waitForChange(seenVersion: number, until: number, summary: string): Promise<void> {
    const waitMs = Math.max(until - Date.now(), 1);
    await condition(() => this.changes.version !== seenVersion || mustContinueAsNew(), waitMs, { summary });
  }

  /** Reports every 12 h that the run is still in progress (rules.md 38). */
  private async emitMilestones(): Promise<void> {
    const { startedAt } = this.run;
    for (;;) {
      const count = Math.floor((Date.now() - startedAt) / MILESTONE_MS) + 1;
      const waitMs = startedAt + count * MILESTONE_MS - Date.now();
      const hasEnded = await condition(() => this.isFinished || mustContinueAsNew(), waitMs, {
        summary: `until the run has taken ${count * 12} h`,
      });
      if (hasEnded) return;
      await this.activities.emitSyncMilestone({ ...this.key, count });
    }
  }

  private showProgress(): void {
    setCurrentDetails(describeSyncRun(this.run.kind, this.jobs));
  }

  private async publishState(): Promise<void> {
    this.showProgress();
    if (!this.input.hasSearchAttributes) return;
    const { state, failedJobs, isSyncFinished } = await this.activities.readSyncRun(this.key);
    upsertSearchAttributes([
      { key: SEARCH_ATTRIBUTES.runKind, value: this.run.kind },
      { key: SEARCH_ATTRIBUTES.runState, value: state },
      { key: SEARCH_ATTRIBUTES.failedJobs, value: failedJobs },
      { key: SEARCH_ATTRIBUTES.isSyncFinished, value: isSyncFinished },
    ]);
  }
}

function stateOf(report: SyncJobReport): string {
  if (report.state === 'waiting') return `waiting: ${report.reason}`;
  return report.state === 'ended' ? 'ended' : 'running';
}
