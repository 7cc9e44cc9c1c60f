/** A push queue with a long history leaves the executions that wait for a slot behind (decision 0041). */
import type { PushReport } from '../../../../contract/record-push';
import { PRIORITIES } from '../../../../domain/work-priorities';
import { DueLoop } from '../../../../workflows/due-loop';
import { PushTurns } from '../../../../workflows/push/push-turns';

const { backfill, edit, person } = PRIORITIES;
const mockHistory = { historyLength: 100, continueAsNewSuggested: false };

jest.mock('@temporalio/workflow', () => ({
  async condition(isMet: () => boolean, timeoutMs = Infinity) {
    const endsAt = Date.now() + timeoutMs;
    while (!isMet() && Date.now() < endsAt) await new Promise((resolve) => setImmediate(resolve));
  },
  patched: () => true,
  upsertSearchAttributes: () => undefined,
  workflowInfo: () => mockHistory,
}));

let now: number;
beforeEach(() => {
  now = 1_000;
  mockHistory.historyLength = 100;
  jest.spyOn(Date, 'now').mockImplementation(() => now);
});
afterEach(() => void jest.restoreAllMocks());

/** A queue whose execution for a backfill has no slot. */
function waitingQueue() {
  const scheduled: number[] = [];
  const refusals: (() => void)[] = [];
  const queue: DueLoop = new DueLoop({
    nextDueAt: now,
    dueByPriority: { [backfill]: now },
    hasSearchAttributes: false,
    continueAsNew: async (nextDueAt) => {
      throw Object.assign(new Error('continued'), { nextDueAt, dueByPriority: queue.dueByPriority });
    },
  });
  const turns = new PushTurns(queue, ({ priorityKey }) => {
    scheduled.push(priorityKey);
    return new Promise((resolve) => {
      refusals.push(() => resolve({ takenBy: 1 } as PushReport));
    });
  });
  const signal = (priorityKey: number) =>
    queue.onDueSignal({ nextDueAt: now, dueByPriority: { [priorityKey]: now } });
  return { scheduled, refusals, turns, signal };
}

/** Enough turns of the event loop for what waits, however busy the machine is. */
async function aMoment(): Promise<void> {
  for (let turns = 0; turns < 50; turns += 1) await new Promise((resolve) => setImmediate(resolve));
}

it('what they were to push is due in the new history, as urgent as it is', async () => {
  const { scheduled, turns, signal } = waitingQueue();
  const report = turns.nextReport();
  now += 5_000;
  signal(edit);
  await aMoment();
  expect(scheduled).toEqual([backfill, edit]);

  mockHistory.historyLength = 30_001;
  now += 5_000;
  signal(person);

  await expect(report).rejects.toMatchObject({
    message: 'continued',
    nextDueAt: 1_000,
    dueByPriority: { [backfill]: 1_000, [edit]: 6_000, [person]: 11_000 },
  });
  expect(scheduled).toHaveLength(2);
});

it('one that is known to push is not left before it has had the time to end', async () => {
  const { scheduled, refusals, turns, signal } = waitingQueue();
  let hasContinued = false;
  const report = turns.nextReport().catch(() => void (hasContinued = true));
  signal(edit);
  await aMoment();
  refusals[1]?.(); // the first one has the turn
  await aMoment();

  mockHistory.historyLength = 30_001;
  now += 19_000;
  await aMoment();
  expect(hasContinued).toBe(false);

  now += 1_000;
  await report;
  expect(hasContinued).toBe(true);
  expect(scheduled).toEqual([backfill, edit]);
});
