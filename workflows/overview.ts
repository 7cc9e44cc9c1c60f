/**
 * One Sync Overview (rules.md 19 to 23): read slice by slice, kept until it is superseded, applied or 7 days
 * old; then its data is deleted. Its contents and the reason why it is no longer valid are rows; the workflow
 * only keeps time.
 */
import { condition, continueAsNew, patched, setCurrentDetails, setHandler } from '@temporalio/workflow';
import { type OverviewInput, overviewChangedSignal } from '../contract/overview';
import { describeOverview } from '../domain/overviews/overview-description';
import { overviewActivities } from './activities';
import { isHistoryLong } from './history';

export async function overviewWorkflow(input: OverviewInput): Promise<void> {
  const { tenantId, overviewId } = input;
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
    // Its first activity looks at the rows, so that no signal is lost.
    if (isHistoryLong() && patched('overview-history')) await continueAsNew<typeof overviewWorkflow>(input);
    if (report.state === 'waiting')
      await condition(() => changes !== processedChanges, Math.max(report.until - Date.now(), 1));
  }
}
