/** The steps of a sync run: take the next one, work on its jobs piece by piece, note that it goes on for long. */
import type {
  StartedSyncRun,
  SyncJobInput,
  SyncJobReport,
  SyncMilestoneInput,
  SyncRunOutcome,
  SyncRunKey,
} from '../../contract/sync-run';
import { beginSyncRun, findSyncRun, listSyncJobs, emitSyncMilestone } from '../../db/sync-runs/sync-jobs';
import { isJobEnded } from '../../domain/sync-runs/sync-run';
import type { ActivityDependencies } from '../dependencies';
import { SyncJobExecutor } from '../pull/sync-job';

export interface SyncRunActivities {
  /** The run to work on and the jobs of it that have not ended; null = there is none. */
  beginSyncRun(place: SyncRunKey): Promise<StartedSyncRun | null>;
  /** One time-boxed piece of a job. Called again as its report says. */
  workOnSyncJob(input: SyncJobInput): Promise<SyncJobReport>;
  emitSyncMilestone(input: SyncMilestoneInput): Promise<void>;
  readSyncRun(input: SyncRunKey & { syncRunId: string }): Promise<SyncRunOutcome>;
}

type Dependencies = Pick<
  ActivityDependencies,
  'database' | 'openConnector' | 'log' | 'isStopping' | 'pulling'
>;

export const createSyncRunActivities = (dependencies: Dependencies): SyncRunActivities => {
  const { database } = dependencies;
  return {
    async beginSyncRun({ tenantId, integrationId }) {
      return database.withTenant(tenantId, async (work) => {
        const run = await beginSyncRun(work, { integrationId });
        if (run === undefined) return null;
        const jobs = await listSyncJobs(work, run);
        const recordTypes = jobs
          .filter(({ state }) => !isJobEnded(state))
          .map(({ recordType }) => recordType);
        return {
          syncRunId: run.syncRunId,
          kind: run.kind,
          recordTypes,
          startedAt: (run.startedAt ?? work.now).getTime(),
        };
      });
    },

    workOnSyncJob: (input) => new SyncJobExecutor(dependencies, input).run(),

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
