/**
 * The alternative design: a workflow per record with its own debounce timer, which completes when nothing is
 * unsent. Signals carry the version; the activity reads the row.
 */
import { condition, defineSignal, proxyActivities, setHandler, sleep } from '@temporalio/workflow';

export interface RecordWorkflowInput {
  recordId: string;
  graceMs: number;
}

export const recordChangedSignal = defineSignal<[{ version: number }]>('recordChanged');

const { pushRecord } = proxyActivities<{
  pushRecord(input: { recordId: string; version: number }): Promise<number>;
}>({ startToCloseTimeout: '1 minute' });

export async function recordWorkflow({ recordId, graceMs }: RecordWorkflowInput): Promise<void> {
  let latest = 0;
  let lastChangeAt = 0;
  let pushed = 0;
  setHandler(recordChangedSignal, ({ version }) => {
    latest = Math.max(latest, version);
    lastChangeAt = Date.now();
  });
  await condition(() => latest > 0);
  while (pushed < latest) {
    for (let rest = graceMs; rest > 0; rest = lastChangeAt + graceMs - Date.now()) await sleep(rest);
    pushed = Math.max(pushed, await pushRecord({ recordId, version: latest }));
  }
}
