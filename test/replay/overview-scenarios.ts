/** What Sync Overviews go through when their histories are recorded (record.ts). */
import type { OverviewActivities } from '../../activities/overviews/overview';
import { overviewChangedSignal, type OverviewReport, overviewWorkflowId } from '../../contract/overview';
import { createOutboxHandlers } from '../../worker/outbox-handlers';
import type { PushWorker } from './push-worker';

type Piece = (firedAt: number) => Promise<OverviewReport> | OverviewReport;
interface Scenario {
  name: string;
  /** What each piece comes to, in order; afterwards its data is gone. */
  pieces: Piece[];
  /** After the signal that starts it. */
  duringRun?: (signal: (...args: unknown[]) => Promise<void>) => Promise<void>;
  /** With search attributes too. */
  isSearchable?: boolean;
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const more: Piece = () => ({ state: 'more' });
const waits =
  (ms: number): Piece =>
  (firedAt) => ({ state: 'waiting', until: firedAt + ms });
const DAY_MS = 86_400_000;

export const scenarios: Scenario[] = [
  { name: 'read-and-expired', pieces: [more, more, waits(400)], isSearchable: true },
  {
    name: 'applied',
    pieces: [more, waits(7 * DAY_MS)],
    async duringRun(signal) {
      await sleep(700);
      await signal();
    },
  },
  {
    // The rows say so: the piece that is under way finds it out, or the next one.
    name: 'superseded-while-reading',
    pieces: [async () => (await sleep(500), { state: 'more' })],
    async duringRun(signal) {
      await sleep(200);
      await signal();
    },
  },
  { name: 'waited-and-retried', pieces: [waits(300), waits(300), more, waits(400)] },
  {
    // A signal is no reason to try again before its time: the piece says so, and it waits on.
    name: 'signaled-while-waiting',
    pieces: [waits(900), waits(300), waits(400)],
    async duringRun(signal) {
      await sleep(500);
      await signal();
    },
  },
  { name: 'failed', pieces: [] },
  {
    name: 'activity-failed',
    pieces: [() => Promise.reject(new Error('The database does not answer.')), waits(300)],
  },
  {
    name: 'malformed-signals',
    pieces: [waits(DAY_MS), waits(DAY_MS), waits(DAY_MS), waits(300)],
    async duringRun(signal) {
      for (const senseless of [[null], [{ nextDueAt: 'soon' }], [1, 2, 3]]) {
        await sleep(300);
        await signal(...senseless);
      }
    },
  },
];

let pieces: Piece[] = [];

export const overviewActivities: OverviewActivities = {
  advanceOverview: async ({ firedAt }) => (await pieces.shift()?.(firedAt)) ?? { state: 'ended' },
};

/** Plays a scenario to its end. @returns the workflow's id. */
export async function playOverview(
  { client }: PushWorker,
  scenario: Scenario,
  { tenantId, overviewId }: { tenantId: string; overviewId: string },
  hasSearchAttributes: boolean,
): Promise<string> {
  pieces = [...scenario.pieces];
  await createOutboxHandlers(client, { hasSearchAttributes })({
    topic: 'overview',
    tenantId,
    overviewId,
    nextDueAt: new Date(),
  });
  const handle = client.workflow.getHandle(overviewWorkflowId({ overviewId }));
  await scenario.duringRun?.((...args) => handle.signal(overviewChangedSignal.name, ...args));
  await handle.result();
  return handle.workflowId;
}
