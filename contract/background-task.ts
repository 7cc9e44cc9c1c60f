/** Names and messages of the workflow of one background task. Permanent: running workflows carry them. */
import { typeIdOf } from '../domain/typeid';

export const BACKGROUND_TASK_WORKFLOW = 'backgroundTaskWorkflow';

export interface BackgroundTaskInput {
  tenantId: string;
  backgroundTaskId: string;
}

/** One workflow per task, also if it is requested more than once. */
export function backgroundTaskWorkflowId({
  backgroundTaskId,
}: Pick<BackgroundTaskInput, 'backgroundTaskId'>): string {
  return `background-task:${typeIdOf('btk', backgroundTaskId)}`;
}

export interface BackgroundTaskReport {
  kind: string;
  doneRows: number;
  isFinished: boolean;
}
