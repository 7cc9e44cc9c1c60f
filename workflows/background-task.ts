/**
 * Does one background task in chunks (rules.md 60). The place of the next chunk is in the task's row, so the
 * workflow only repeats the activity until the task has finished.
 */
import { continueAsNew, setCurrentDetails } from '@temporalio/workflow';
import type { BackgroundTaskInput, BackgroundTaskReport } from '../contract/background-task';
import { describeBackgroundTask } from '../domain/platform/background-task';
import { backgroundTaskActivities } from './activities';
import { isHistoryLong } from './history';

export async function backgroundTaskWorkflow(input: BackgroundTaskInput): Promise<BackgroundTaskReport> {
  const { advanceBackgroundTask } = backgroundTaskActivities(input.tenantId);
  for (;;) {
    const report = await advanceBackgroundTask(input);
    setCurrentDetails(describeBackgroundTask(report));
    if (report.isFinished) return report;
    if (isHistoryLong()) await continueAsNew<typeof backgroundTaskWorkflow>(input);
  }
}
