/**
 * Waits until what the webhooks of a third party have named is quiet, then has a run read it: one workflow
 * per integration. What waits are rows; the workflow stores only the next instant at which some of it may be
 * due (due-loop.ts).
 */
import { continueAsNew, setCurrentDetails, setHandler } from '@temporalio/workflow';
import {
  incomingChangesQuery,
  type IncomingChangesInput,
  incomingDueSignal,
} from '../../contract/incoming-changes';
import { incomingChangesActivities } from '../activities';
import { DueLoop } from '../due-loop';

export async function incomingChangesWorkflow(input: IncomingChangesInput): Promise<void> {
  const { tenantId, integrationId } = input;
  const { startIncomingReads } = incomingChangesActivities(tenantId);
  let waiting = 0;
  const queue = new DueLoop({
    ...input,
    continueAsNew: (nextDueAt) => continueAsNew<typeof incomingChangesWorkflow>({ ...input, nextDueAt }),
  });

  setHandler(incomingDueSignal, (due) => queue.onDueSignal(due));
  setHandler(incomingChangesQuery, () => ({ nextDueAt: queue.nextDueAt, waiting }));

  while (queue.hasWork) {
    setCurrentDetails(`Webhooks have named ${waiting} records that wait to be read.`);
    await queue.sleepUntilDue('until the webhooks are quiet');
    ({ waiting } = await queue.runDue(() => startIncomingReads({ tenantId, integrationId })));
    await queue.continueInNewHistoryIfLong();
  }
}
