/**
 * One Sync Overview (rules.md 19 to 23): made piece by piece, kept until it is superseded, applied or 7 days old, and then its data is
 * deleted. What it shows and why it no longer holds are rows; the workflow keeps time.
 */
import { condition, setCurrentDetails, setHandler } from '@temporalio/workflow';
import { type OverviewInput, overviewChangedSignal } from '../contract/overview';
import { overviewActivities } from './activities';

export async function overviewWorkflow({ tenantId, overviewId }: OverviewInput): Promise<void> {
  const { workOnOverview } = overviewActivities(tenantId);
  let changes = 0;
  setHandler(overviewChangedSignal, () => {
    changes += 1;
  });

  for (;;) {
    const seen = changes;
    const report = await workOnOverview({ tenantId, overviewId, firedAt: Date.now() });
    setCurrentDetails(report.state);
    if (report.state === 'over') return;
    if (report.state === 'waiting')
      await condition(() => changes !== seen, Math.max(report.until - Date.now(), 1));
  }
}
