/**
 * Previews or erases records (rules.md 62), slice by slice, and waits for third parties in between. It ends
 * when the preview is ready; the confirmation starts it again.
 */
import { continueAsNew, setHandler, sleep } from '@temporalio/workflow';
import { erasureChangedSignal, type ErasureInput } from '../contract/erasure';
import { erasureActivities } from './activities';
import { isHistoryLong } from './history';

export async function erasureWorkflow(input: ErasureInput): Promise<void> {
  const { advanceErasure } = erasureActivities(input.tenantId);
  let changes = 0;
  setHandler(erasureChangedSignal, () => {
    changes += 1;
  });

  for (;;) {
    const processedChanges = changes;
    const report = await advanceErasure(input);
    if (report.state === 'ended' && changes === processedChanges) return;
    if (report.state === 'waiting') await sleep(Math.max(report.until - Date.now(), 1));
    if (isHistoryLong()) await continueAsNew<typeof erasureWorkflow>(input);
  }
}
