/**
 * The steps of a sync run: start the next one, advance its jobs slice by slice, report that it takes long.
 */
import type {
  StartedSyncRun,
  AdvanceSyncJobInput,
  SyncJobReport,
  SyncMilestoneInput,
  SyncRunOutcome,
  SyncRunKey,
} from '../../contract/sync-run';
import { findSyncRun, listSyncJobs } from '../../db/pull/job-rows';
import { beginSyncRun, emitSyncMilestone } from '../../db/sync-runs/sync-jobs';
import { parseSyncJobName, syncJobName } from '../../domain/sync-runs/sync-job';
import { isJobEnded, priorityOfRun } from '../../domain/sync-runs/sync-run';
import type { ActivityDependencies } from '../dependencies';
import { SyncJobExecutor } from './sync-job';

export interface SyncRunActivities {
  /** The run to execute with its unfinished jobs; null = no run is left. */
  startNextSyncRun(place: SyncRunKey): Promise<StartedSyncRun | null>;
  /** One time-boxed slice of a job. The report says whether and when to call it again. */
  advanceSyncJob(input: AdvanceSyncJobInput): Promise<SyncJobReport>;
  emitSyncMilestone(input: SyncMilestoneInput): Promise<void>;
  readSyncRun(input: SyncRunKey & { syncRunId: string }): Promise<SyncRunOutcome>;
}

type Dependencies = Pick<
  ActivityDependencies,
  'database' | 'openConnector' | 'log' | 'isStopping' | 'pulling' | 'oauth'
>;

export const createSyncRunActivities = (dependencies: Dependencies): SyncRunActivities => {
  const { database } = dependencies;
  return {
    async startNextSyncRun({ tenantId, integrationId }) {
      return database.withTenant(tenantId, async (work) => {
        const run = await beginSyncRun(work, { integrationId });
        if (run === undefined) return null;
        const unfinished = (await listSyncJobs(work, run)).filter(({ state }) => !isJobEnded(state));
        return {
          syncRunId: run.syncRunId,
          kind: run.kind,
          jobs: unfinished.map(({ recordType }) => parseSyncJobName(recordType)),
          startedAt: (run.startedAt ?? work.now).getTime(),
          priorityKey: priorityOfRun(run),
        };
      });
    },

    advanceSyncJob: ({ job, ...input }) =>
      new SyncJobExecutor(dependencies, { ...input, recordType: syncJobName(job) }).run(),

    async emitSyncMilestone({ tenantId, syncRunId, count }) {
      await database.withTenant(tenantId, (work) => emitSyncMilestone(work, { syncRunId, count }));
    },

    async readSyncRun({ tenantId, syncRunId }) {
      const run = await database.withTenant(tenantId, (work) => findSyncRun(work, { syncRunId }));
      if (run === undefined)
        return { state: 'canceled', successfulJobs: 0, failedJobs: 0, isSyncFinished: true };
      const { state, successfulJobs, failedJobs, isSyncFinished } = run;
      return { state, successfulJobs, failedJobs, isSyncFinished };
    },
  };
};
