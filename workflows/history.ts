/** When a workflow has to continue in a new history. */
import { workflowInfo } from '@temporalio/workflow';

/**
 * The server suggests a new history long before the current one reaches a limit. @param eventsMax a lower
 * limit of our own.
 */
export function isHistoryLong({ eventsMax = Infinity }: { eventsMax?: number } = {}): boolean {
  const { continueAsNewSuggested, historyLength } = workflowInfo();
  return continueAsNewSuggested || historyLength > eventsMax;
}
