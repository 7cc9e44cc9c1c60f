/** The chunks of background tasks, by kind. */
import { Context } from '@temporalio/activity';
import type { BackgroundTaskInput, BackgroundTaskReport } from '../../contract/background-task';
import { removeIntegrationRows } from '../../db/integrations/remove-integration-rows';
import { clearSyncNow } from '../../db/overviews/overview-lifecycle';
import { advanceBackgroundTask, type BackgroundTask, type DoChunk } from '../../db/platform/background-tasks';
import { clearPassStateOfRun } from '../../db/pull/clear-pass-state';
import { carryOutDeletionReview } from '../../db/pull/decide-deletion-review';
import type { BackgroundTaskKind } from '../../domain/platform/background-task';
import type { ActivityDependencies } from '../dependencies';

export interface BackgroundTaskActivities {
  advanceBackgroundTask(input: BackgroundTaskInput): Promise<BackgroundTaskReport>;
}

const ROWS_PER_CHUNK = 1_000;
const EXECUTION_MS = 10_000;

const CHUNKS: Record<BackgroundTaskKind, DoChunk> = {
  clear_pass_state: clearPassStateOfRun,
  clear_sync_now: clearSyncNow,
  delete_integration: removeIntegrationRows,
  decide_deletion_review: carryOutDeletionReview,
};

function doChunkOf(kind: BackgroundTask['kind']): DoChunk {
  const doChunk = (CHUNKS as Partial<typeof CHUNKS>)[kind];
  if (doChunk === undefined) throw new Error(`This version does not know the background task ${kind}.`);
  return doChunk;
}

export const createBackgroundTaskActivities = ({
  database,
  isStopping,
}: Pick<ActivityDependencies, 'database' | 'isStopping'>): BackgroundTaskActivities => ({
  async advanceBackgroundTask({ tenantId, backgroundTaskId }) {
    const endsAt = performance.now() + EXECUTION_MS;
    for (;;) {
      const task = await database.withTenant(tenantId, (work) =>
        advanceBackgroundTask(work, { backgroundTaskId, limit: ROWS_PER_CHUNK, doChunkOf }),
      );
      if (task === undefined) return { kind: 'unknown', doneRows: 0, isFinished: true };
      const { kind, doneRows, finishedAt } = task;
      Context.current().heartbeat();
      if (finishedAt !== null || isStopping() || performance.now() > endsAt)
        return { kind, doneRows, isFinished: finishedAt !== null };
    }
  },
});
