/** Decides a scheduled sync in one transaction. Repeating it changes nothing. */
import type { ScheduledSyncResult, RequestScheduledSyncInput } from '../../contract/sync-schedule';
import { decideScheduledRun } from '../../db/sync-runs/scheduled-requests';
import { typeIdOf } from '../../domain/typeid';
import type { ActivityDependencies } from '../dependencies';

export interface ScheduledSyncActivities {
  requestScheduledSync(input: RequestScheduledSyncInput): Promise<ScheduledSyncResult>;
}

export const createScheduledSyncActivities = ({
  database,
}: Pick<ActivityDependencies, 'database'>): ScheduledSyncActivities => ({
  async requestScheduledSync({ tenantId, integrationId, schedule, scheduledAt }) {
    const { outcome, syncRunId } = await database.withTenant(tenantId, (work) =>
      decideScheduledRun(work, { integrationId, schedule, scheduledAt: new Date(scheduledAt) }),
    );
    return { outcome, syncRunId: syncRunId === null ? null : typeIdOf('run', syncRunId) };
  },
});
