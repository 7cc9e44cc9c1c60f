/** What a tick of a schedule comes to, in one transaction. Repeating it is harmless. */
import type { SyncTickResult, TickSyncScheduleInput } from '../../contract/sync-schedule';
import { decideTick } from '../../db/sync-runs/scheduled-requests';
import { wireIdOf } from '../../domain/typeid';
import type { ActivityDependencies } from '../dependencies';

export interface SyncTickActivities {
  tickSyncSchedule(input: TickSyncScheduleInput): Promise<SyncTickResult>;
}

export const createSyncTickActivities = ({ database }: Pick<ActivityDependencies, 'database'>): SyncTickActivities => ({
  async tickSyncSchedule({ tenantId, integrationId, schedule, scheduledAt }) {
    const { outcome, syncRunId } = await database.withTenant(tenantId, (work) =>
      decideTick(work, { integrationId, schedule, scheduledAt: new Date(scheduledAt) }),
    );
    return { outcome, syncRunId: syncRunId === null ? null : wireIdOf('run', syncRunId) };
  },
});
