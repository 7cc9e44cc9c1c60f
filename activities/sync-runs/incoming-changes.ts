/** Starts the runs that read what webhooks of third parties have named. */
import type { IncomingChangesInput, IncomingChangesReport } from '../../contract/incoming-changes';
import { startIncomingReads } from '../../db/sync-runs/schedules/incoming-runs';
import type { ActivityDependencies } from '../dependencies';

export interface IncomingChangesActivities {
  startIncomingReads(
    place: Pick<IncomingChangesInput, 'tenantId' | 'integrationId'>,
  ): Promise<IncomingChangesReport>;
}

export const createIncomingChangesActivities = ({
  database,
}: Pick<ActivityDependencies, 'database'>): IncomingChangesActivities => ({
  async startIncomingReads({ tenantId, integrationId }) {
    const { nextDueAt, waiting } = await database.withTenant(tenantId, (work) =>
      startIncomingReads(work, { integrationId }),
    );
    return { nextDueAt: nextDueAt?.getTime() ?? null, waiting };
  },
});
