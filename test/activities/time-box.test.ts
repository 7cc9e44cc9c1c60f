/** Slots that go back to other work because a third party is slow (rule 60). */
import type { Context } from '@temporalio/activity';
import { MockActivityEnvironment } from '@temporalio/testing';
import { PageReader } from '../../activities/pull/page-reader';
import { TimeBox, waitForThirdParty } from '../../activities/time-box';
import { type OpenConnector, PUSHING_LIMITS } from '../../activities/dependencies';
import { pushTimeBox } from '../../activities/push/push-time-box';
import { PRIORITIES } from '../../domain/work-priorities';
import type { Database } from '../../db/database';

const activity = {
  heartbeat: () => undefined,
  cancellationSignal: new AbortController().signal,
} as unknown as Context;

let now = 0;
const waits = (ms: number) => async (): Promise<void> => void (now += ms);
const newTimeBox = (): TimeBox => new TimeBox({ firedAt: 0, timeBoxMs: 60_000, isStopping: () => false });

beforeEach(() => {
  now = 0;
  jest.spyOn(performance, 'now').mockImplementation(() => now);
});
afterEach(() => void jest.restoreAllMocks());

it.each([
  { waitMs: 5_001, mayContinue: false },
  { waitMs: 4_999, mayContinue: true },
])('rule 60: after a call of $waitMs ms the slot is kept: $mayContinue', async ({ waitMs, mayContinue }) => {
  const [slow, other] = [newTimeBox(), newTimeBox()];
  await slow.withHeartbeat(activity, async () => waitForThirdParty(waits(waitMs)));
  expect([slow.isWithinTimeBox(), other.isWithinTimeBox()]).toEqual([mayContinue, true]);
});

it.each([
  { priorityKey: PRIORITIES.person, endsAfterMs: 5_000 },
  { priorityKey: PRIORITIES.backfill, endsAfterMs: 20_000 },
])(
  'rule 59: pushes of priority $priorityKey begin no record after $endsAfterMs ms',
  ({ priorityKey, endsAfterMs }) => {
    const ids = { tenantId: 'tenant', integrationId: 'integration' };
    const limits = { pushing: PUSHING_LIMITS, isStopping: () => false };
    const timeBox = pushTimeBox(limits, { ...ids, firedAt: 0, priorityKey });
    now = endsAfterMs - 1;
    expect(timeBox.isWithinTimeBox()).toBe(true);
    now = endsAfterMs;
    expect(timeBox.isWithinTimeBox()).toBe(false);
  },
);

it('rule 60: a slow call that fails gives the slot back as well', async () => {
  const timeBox = newTimeBox();
  const failing = timeBox.withHeartbeat(activity, async () =>
    waitForThirdParty(async () => {
      await waits(30_000)();
      throw new Error('No answer.');
    }),
  );
  await expect(failing).rejects.toThrow('No answer.');
  expect(timeBox.isWithinTimeBox()).toBe(false);
});

it('rule 60: a list whose third page is slow goes on in another execution, from its fourth page', async () => {
  const timeBox = newTimeBox();
  const asked: (string | null)[] = [];
  const readPage = async ({ cursor }: { cursor: string | null }) => {
    asked.push(cursor);
    await waits(cursor === '2' ? 6_000 : 10)();
    return { records: [], unreadable: [], nextCursor: String(asked.length), asOf: null, total: null };
  };
  const reader = new PageReader({
    database: { withTenant: async () => 1_000 } as unknown as Database,
    recordsPerType: 1_000,
    tenantId: 'tenant',
    opened: { connector: { kind: 'test', readPage }, context: { mappings: {} } } as unknown as OpenConnector,
    integration: { integrationId: 'integration' },
    recordType: 'employees',
    isWithinTimeBox: () => timeBox.isWithinTimeBox(),
  });
  let stored: string | null = null;
  const read = () =>
    reader.readAll({ cursor: null, modifiedSince: null, prepare: () => undefined }, async (page) => {
      stored = page.nextCursor;
      return { repeatedPages: 0, recordsRead: 0, isEmpty: false, isInterrupted: false };
    });
  const outcome = await new MockActivityEnvironment().run(() => timeBox.withHeartbeat(activity, read));
  expect({ outcome, asked, stored }).toEqual({ outcome: 'more', asked: [null, '1', '2'], stored: '3' });
});
