/**
 * Publishes a version of a third-party definition: dry run, approval, one step after the other. Each slice
 * reads the rollout's row. The workflow ends where a person has to decide; the decision starts it again.
 */
import { condition, continueAsNew, setHandler } from '@temporalio/workflow';
import { definitionRolloutChangedSignal, type DefinitionRolloutInput } from '../contract/definition-rollout';
import { definitionRolloutActivities } from './activities';
import { isHistoryLong } from './history';

export async function definitionRolloutWorkflow(input: DefinitionRolloutInput): Promise<void> {
  const { advanceDefinitionRollout } = definitionRolloutActivities(input.tenantId);
  let changes = 0;
  setHandler(definitionRolloutChangedSignal, () => {
    changes += 1;
  });

  for (;;) {
    const processedChanges = changes;
    const report = await advanceDefinitionRollout(input);
    if (report.state === 'ended' && changes === processedChanges) return;
    if (report.state === 'waiting')
      await condition(() => changes !== processedChanges, Math.max(report.until - Date.now(), 1));
    if (isHistoryLong()) await continueAsNew<typeof definitionRolloutWorkflow>(input);
  }
}
