/** Histograms of the worker, shown by `GET /metrics` on WORKER_METRICS_PORT. Labels are connectors only. */
import { metricMeter } from '@temporalio/activity';
import type { FinishedPush } from '../db/push/push-outcome';

const PUSH_AFTER_DUE = 'syncline_push_after_due_seconds';
const PUSH_AFTER_ACCEPTED = 'syncline_push_after_accepted_seconds';
const PULL_PAGE = 'syncline_pull_page_seconds';

/** In seconds, from a call to the 72 hours after which a push is given up. */
const PUSH_BUCKETS = [
  0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1_800, 3_600, 14_400, 86_400, 259_200,
];
const PAGE_BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120];

export const LATENCY_BUCKETS: Record<string, number[]> = {
  [PUSH_AFTER_DUE]: PUSH_BUCKETS,
  [PUSH_AFTER_ACCEPTED]: PUSH_BUCKETS,
  [PULL_PAGE]: PAGE_BUCKETS,
};

/** Of pushes that have ended; one that waits is measured once it has ended. */
export function measurePushes(connector: string, finished: readonly FinishedPush[], now: Date): void {
  const afterDue = metricMeter.createHistogram(
    PUSH_AFTER_DUE,
    'float',
    '',
    'From the instant at which a push was due first to its result.',
  );
  const afterAccepted = metricMeter.createHistogram(
    PUSH_AFTER_ACCEPTED,
    'float',
    '',
    'From the acceptance of the first change of a grace period to the result of its push. A push that is ' +
      'sent again counts from its first attempt.',
  );
  const since = (instant: Date): number => Math.max(0, now.getTime() - instant.getTime()) / 1_000;
  for (const { push, outcome } of finished) {
    if (outcome.kind !== 'succeeded' && outcome.kind !== 'failed') continue;
    afterDue.record(since(push.firstDueAt), { connector });
    afterAccepted.record(since(push.acceptedAt), { connector });
  }
}

/** @returns a function to be called when the page has arrived. */
export function measurePage(connector: string): () => void {
  const beganAt = performance.now();
  return () =>
    metricMeter
      .createHistogram(PULL_PAGE, 'float', '', 'From the request of a page of a list to its arrival.')
      .record((performance.now() - beganAt) / 1_000, { connector });
}
