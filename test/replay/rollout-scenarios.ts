/** What a rollout goes through when its histories are recorded (record.ts). */
import type { DefinitionRolloutActivities } from '../../activities/third-parties/definition-rollout';
import { type DefinitionRolloutReport, definitionRolloutWorkflowId } from '../../contract/definition-rollout';
import type { PushWorker } from './push-worker';

type Answer = () => Promise<DefinitionRolloutReport> | DefinitionRolloutReport;
interface Scenario {
  name: string;
  /** The result of each activity, in order; afterwards a person has to decide. */
  answers: Answer[];
  /** How long after its beginning a person decides; absent = never. */
  decidedAfterMs?: number;
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const tenantId = '00000000-0000-0000-0000-000000000000';
const more: Answer = () => ({ state: 'more' });
const ended: Answer = () => ({ state: 'ended' });
const waiting =
  (ms: number): Answer =>
  () => ({ state: 'waiting', until: Date.now() + ms });

export const scenarios: Scenario[] = [
  { name: 'plain', answers: [more, waiting(300), waiting(-1_000), ended] },
  { name: 'decided-while-waiting', answers: [waiting(60_000), ended], decidedAfterMs: 600 },
  {
    name: 'decided-while-working',
    answers: [async () => (await sleep(800), { state: 'ended' }), more, ended],
    decidedAfterMs: 400,
  },
  { name: 'decided-after-its-end', answers: [more, ended, more, ended], decidedAfterMs: 1_500 },
  {
    name: 'activity-failed',
    answers: [() => Promise.reject(new Error('The database does not answer.')), more, ended],
  },
  { name: 'continued-as-new', answers: [...Array.from({ length: 12 }, () => more), ended] },
];

let answers: Answer[] = [];

export const rolloutActivities: DefinitionRolloutActivities = {
  advanceDefinitionRollout: async () => (await answers.shift()?.()) ?? ended(),
};

/** Plays a scenario to its end. @returns the workflow's id. */
export async function playRollout(
  { client, handleRow }: PushWorker,
  scenario: Scenario,
  rolloutId: string,
): Promise<string> {
  answers = [...scenario.answers];
  const decide = () => handleRow({ topic: 'definition_rollout', tenantId, rolloutId, nextDueAt: new Date() });
  await decide();
  if (scenario.decidedAfterMs !== undefined) {
    await sleep(scenario.decidedAfterMs);
    await decide();
  }
  const handle = client.workflow.getHandle(definitionRolloutWorkflowId({ rolloutId }));
  await handle.result();
  return handle.workflowId;
}
