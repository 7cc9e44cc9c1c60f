/** What the worker measures of pushes (rules.md 60). */
import { MockActivityEnvironment } from '@temporalio/testing';
import { measurePushes } from '../../activities/latency';
import type { ClaimedPush } from '../../db/push/claim';
import type { PushOutcome } from '../../db/push/push-outcome';

const now = new Date('2026-11-21T12:00:00Z');
const before = (seconds: number) => new Date(now.getTime() - seconds * 1_000);

async function measured(outcome: PushOutcome, acceptedAt: Date, firstDueAt: Date): Promise<unknown[]> {
  const records: unknown[] = [];
  const createHistogram = (name: string) => ({
    record: (value: number, tags: object) => void records.push([name, value, tags]),
  });
  const metricMeter = { createHistogram } as never;
  const push = { acceptedAt, firstDueAt } as ClaimedPush;
  await new MockActivityEnvironment({}, { metricMeter }).run(async () =>
    measurePushes('scim', [{ push, outcome }], now),
  );
  return records;
}

/** Labels that Temporal's SDK adds. */
const OF_TEMPORAL = { namespace: 'test', taskQueue: 'test', activityType: 'unknown' };

const succeeded: PushOutcome = { kind: 'succeeded', effect: 'created', remoteId: 'r', remoteVersion: null };
const failed: PushOutcome = { kind: 'failed', errors: [], isCertain: true };
const retried: PushOutcome = {
  kind: 'retry',
  errors: [],
  refusals: 1,
  nextAttemptAt: now,
  isFailing: false,
};

it.each([['succeeded', succeeded] as const, ['failed', failed] as const])(
  'rule 60: an operator sees how late a push that %s was, by connector only',
  async (_, outcome) => {
    expect(await measured(outcome, before(310), before(10))).toEqual([
      ['syncline_push_after_due_seconds', 10, { connector: 'scim', ...OF_TEMPORAL }],
      ['syncline_push_after_accepted_seconds', 310, { connector: 'scim', ...OF_TEMPORAL }],
    ]);
  },
);

it('rule 60: a push that is sent again is measured once it has ended', async () => {
  expect(await measured(retried, before(310), before(10))).toEqual([]);
});

it('rule 60: a clock that is behind gives no negative latency', async () => {
  const records = (await measured(succeeded, before(-5), before(-5))) as [string, number][];
  expect(records.map(([, seconds]) => seconds)).toEqual([0, 0]);
});
