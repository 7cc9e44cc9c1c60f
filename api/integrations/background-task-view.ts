/** Background tasks as callers see them at their integration (rules.md 60). */
import { z } from 'zod';
import type { BackgroundTask } from '../../db/platform/background-tasks';
import { toTypeId } from '../../db/sql/ids';
import { instant, toInstant, typeId } from '../routing/common-schemas';

const backgroundTask = z
  .object({
    id: typeId('btk'),
    kind: z.string().meta({
      example: 'decide_deletion_review',
      description:
        '`decide_deletion_review`: deletes or empties the records of a review that was approved. ' +
        '`clear_pass_state`: deletes what a large pass needed while it ran. ' +
        '`clear_sync_now`: deletes the differences that a Sync Now has found.',
    }),
    done_rows: z.int().meta({ description: 'The number of rows that were deleted or changed so far.' }),
    created_at: instant,
    updated_at: instant,
  })
  .meta({ id: 'BackgroundTask' });

export const backgroundTasksView = z.array(backgroundTask).meta({
  description: 'Work on many rows that is not finished and continues by itself.',
});

export const toWireBackgroundTasks = (
  tasks: readonly BackgroundTask[],
): z.output<typeof backgroundTasksView> =>
  tasks.map((task) => ({
    id: toTypeId('btk', task.backgroundTaskId),
    kind: task.kind,
    done_rows: task.doneRows,
    created_at: toInstant(task.createdAt),
    updated_at: toInstant(task.updatedAt),
  }));
