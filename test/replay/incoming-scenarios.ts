/** What the webhooks of an integration go through when their histories are recorded (record.ts). */
import type { IncomingChangesActivities } from '../../activities/sync-runs/incoming-changes';
import {
  type IncomingChangesReport,
  incomingChangesWorkflowId,
  incomingDueSignal,
} from '../../contract/incoming-changes';
import type { PushWorker } from './push-worker';

type Answer = () => Promise<IncomingChangesReport> | IncomingChangesReport;
interface Scenario {
  name: string;
  /** The result of each activity, in order; afterwards nothing waits. */
  answers: Answer[];
  /** Signals after the first one. */
  duringRun?: (signal: (...args: unknown[]) => Promise<void>) => Promise<void>;
  /** With search attributes too. */
  isSearchable?: boolean;
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const quiet: Answer = () => ({ nextDueAt: null, waiting: 0 });
const dueIn =
  (ms: number): Answer =>
  () => ({ nextDueAt: Date.now() + ms, waiting: 3 });

export const scenarios: Scenario[] = [
  { name: 'plain', answers: [quiet], isSearchable: true },
  { name: 'not-yet-quiet', answers: [dueIn(300), dueIn(300), quiet] },
  {
    name: 'activity-failed',
    answers: [() => Promise.reject(new Error('The database does not answer.')), quiet],
  },
  {
    name: 'due-earlier-while-sleeping',
    answers: [dueIn(5_000), quiet],
    async duringRun(signal) {
      await sleep(600);
      await signal({ nextDueAt: Date.now() });
    },
  },
  {
    name: 'named-while-reading',
    answers: [async () => (await sleep(400), quiet()), quiet],
    async duringRun(signal) {
      await sleep(400);
      await signal({ nextDueAt: Date.now() + 100 });
    },
  },
  {
    name: 'malformed-signals',
    answers: [dueIn(500), quiet],
    async duringRun(signal) {
      for (const senseless of [[], [null], [{ nextDueAt: 1e300 }], [{ nextDueAt: 'soon' }]])
        await signal(...senseless);
    },
  },
  {
    name: 'continued-as-new',
    answers: Array.from({ length: 9 }, () => dueIn(50)).concat(quiet),
    isSearchable: true,
  },
];

let answers: Answer[] = [];

export const incomingActivities: IncomingChangesActivities = {
  startIncomingReads: async () => (await answers.shift()?.()) ?? quiet(),
};

/** Plays a scenario to its end. @returns the workflow's id. */
export async function playIncoming(
  { client, handleRow }: PushWorker,
  scenario: Scenario,
  place: { tenantId: string; integrationId: string },
): Promise<string> {
  answers = [...scenario.answers];
  await handleRow({ topic: 'incoming_changes', ...place, nextDueAt: new Date(Date.now() + 200) });
  const handle = client.workflow.getHandle(incomingChangesWorkflowId(place));
  await scenario.duringRun?.((...args) => handle.signal(incomingDueSignal.name, ...args));
  await handle.result();
  return handle.workflowId;
}
