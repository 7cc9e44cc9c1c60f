/**
 * One Sync Overview (rules.md 19 to 23): read slice by slice, kept until it is superseded, applied or 7 days
 * old; then its data is deleted. Its contents and the reason why it is no longer valid are rows; the workflow
 * only keeps time.
 */
import { condition, setCurrentDetails, setHandler } from '@temporalio/workflow';
import { type OverviewInput, overviewChangedSignal } from '../contract/overview';
import { describeOverview } from '../domain/overviews/overview-description';
import { overviewActivities } from './activities';

export async function overviewWorkflow({ tenantId, overviewId }: OverviewInput): Promise<void> {
  const { advanceOverview } = overviewActivities(tenantId);
  let changes = 0;
  setHandler(overviewChangedSignal, () => {
    changes += 1;
  });

  for (;;) {
    const processedChanges = changes;
    const report = await advanceOverview({ tenantId, overviewId, firedAt: Date.now() });
    setCurrentDetails(describeOverview(report));
    if (report.state === 'ended') return;
    if (report.state === 'waiting')
      await condition(() => changes !== processedChanges, Math.max(report.until - Date.now(), 1));
  }
}
