/**
 * Records the histories that the replay test replays: `node --import tsx test/replay/record.ts`, or those
 * whose names begin with a word: `… record.ts email`.
 *
 * Run it when a workflow gets a new path, and commit the new file beside the old ones: the old ones represent
 * workflows that were started by earlier versions and must still replay. Replace one only if no such workflow
 * can be running any more.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { ApplicationFailure } from '@temporalio/common';
import { historyToJSON } from '@temporalio/common/lib/proto-utils';
import { INTEGRATION_CHECK_WORKFLOW, integrationCheckWorkflowId } from '../../contract/integration-check';
import { emailWorkflowId } from '../../contract/email';
import { type NotificationStep, notificationWorkflowId } from '../../contract/notification';
import { type PushReport, recordPushWorkflowId, recordsDueSignal } from '../../contract/record-push';
import { TASK_QUEUES } from '../../contract/task-queues';
import { projectFolder } from '../../dev/tools/paths';
import { startTemporalServer } from '../../dev/start/temporal';
import { createRunFolder } from '../support/environments/run-folder';
import { type PushWorker, startPushWorker } from './push-worker';
import { overviewActivities, playOverview, scenarios as overviewScenarios } from './overview-scenarios';
import {
  playSyncRun,
  playScheduledSync,
  scenarios as syncRunScenarios,
  syncRunActivities,
  scheduledSyncActivities,
  SCHEDULED_SYNC_SCENARIOS,
} from './sync-scenarios';
import { incomingActivities, playIncoming, scenarios as incomingScenarios } from './incoming-scenarios';
import { playRollout, rolloutActivities, scenarios as rolloutScenarios } from './rollout-scenarios';
import { playEndpoint, scenarios as webhookScenarios, webhookActivities } from './webhook-scenarios';

const HISTORIES = path.join(__dirname, 'histories');
const tenantId = '01900000-0000-7000-8000-000000000001';
/** Everything unless a word is given. */
const isWanted = (name: string): boolean => name.startsWith(process.argv[2] ?? '');
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

let integrations = 0;
const nextIntegrationId = () => `01900000-0000-7000-8000-1${String((integrations += 1)).padStart(11, '0')}`;

type Answer = (firedAt: number) => Promise<Partial<PushReport>> | Partial<PushReport>;

/** The result of each activity of the push queue, in order; afterwards nothing waits. */
let answers: Answer[] = [];
const nothingWaits: PushReport = {
  state: 'working',
  pushed: 0,
  nextDueAt: null,
  pendingRecords: 0,
  blockedUntil: null,
  blockedReason: null,
};

interface Scenario {
  name: string;
  answers: Answer[];
  /** Signals after the first one, which is sent 200 ms before its instant. */
  duringRun?: (pushEnv: PushWorker, integrationId: string) => Promise<void>;
}

const due =
  (inMs: number): Answer =>
  (firedAt) => ({ nextDueAt: firedAt + inMs, pendingRecords: 1 });
const done: Answer = () => ({ pushed: 1 });

async function signalUrgent({ client }: PushWorker, integrationId: string, afterMs: number): Promise<void> {
  await sleep(afterMs);
  const nextDueAt = Date.now();
  await client.workflow
    .getHandle(recordPushWorkflowId({ integrationId }))
    .signal(recordsDueSignal, { nextDueAt, dueByPriority: { 1: nextDueAt } });
}

const scenarios: Scenario[] = [
  { name: 'plain', answers: [done] },
  { name: 'window-restarted', answers: [due(300), due(300), done] },
  {
    name: 'changed-while-pushing',
    answers: [async () => (await sleep(400), { pushed: 1 }), done],
    duringRun: async ({ signalPushQueue }, integrationId) => {
      await sleep(400);
      await signalPushQueue({ tenantId, integrationId, nextDueAt: Date.now() + 300 });
    },
  },
  {
    name: 'due-earlier-while-sleeping',
    answers: [due(5_000), done],
    duringRun: async ({ signalPushQueue }, integrationId) => {
      await sleep(600);
      await signalPushQueue({ tenantId, integrationId, nextDueAt: Date.now() });
    },
  },
  {
    name: 'outage',
    answers: [1, 2, 3]
      .map((): Answer => (firedAt) => ({
        nextDueAt: firedAt + 300,
        pendingRecords: 500,
        blockedUntil: firedAt + 300,
        blockedReason: 'outage',
      }))
      .concat(done),
  },
  {
    name: 'shared-by-executions',
    answers: [
      () => ({ pushed: 100, nextDueAt: Date.now(), pendingRecords: 500, shards: 3 }),
      async () => (await sleep(200), { pushed: 100, nextDueAt: Date.now(), pendingRecords: 200, shards: 2 }),
      () => ({ pushed: 100, nextDueAt: Date.now() + 500 }),
      () => Promise.reject(new Error('The database does not answer.')),
      async () => (await sleep(100), { pushed: 50 }),
      () => ({ nextDueAt: Date.now() + 100 }),
    ],
  },
  {
    name: 'overtaken-while-waiting',
    answers: [() => Promise.reject(new Error('Other work holds the slots.')), done],
    duringRun: (pushEnv, integrationId) => signalUrgent(pushEnv, integrationId, 600),
  },
  {
    name: 'not-overtaken-while-pushing',
    answers: [async () => (await sleep(1_000), { pushed: 1 }), () => ({ takenBy: 1 }), done],
    duringRun: (pushEnv, integrationId) => signalUrgent(pushEnv, integrationId, 600),
  },
  {
    name: 'overtaken-later',
    answers: [
      (firedAt) => ({ nextDueAt: firedAt, dueByPriority: { 5: firedAt, 3: firedAt + 300 } }),
      async () => (await sleep(600), { takenBy: 3 }),
      (firedAt) => ({ nextDueAt: firedAt, dueByPriority: { 5: firedAt } }),
      done,
    ],
  },
  { name: 'paused', answers: [() => ({ state: 'paused' })] },
  {
    name: 'activity-failed',
    answers: [() => Promise.reject(new Error('The database does not answer.')), done],
  },
  {
    name: 'malformed-signals',
    answers: [due(500), done],
    duringRun: async ({ client }, integrationId) => {
      const handle = client.workflow.getHandle(recordPushWorkflowId({ integrationId }));
      for (const senseless of [[], [null], [{ nextDueAt: 1e300 }], [{ nextDueAt: 'soon' }]])
        await handle.signal('recordsDue', ...senseless);
      await handle.signal('unheardOf');
    },
  },
  { name: 'ended-and-restarted', answers: [done] },
  {
    name: 'continued-as-new-after-an-execution',
    answers: Array.from({ length: 9 }, () => due(50)).concat(done),
  },
  {
    name: 'continued-as-new-while-sleeping',
    answers: [due(8_000), done],
    duringRun: async ({ signalPushQueue }, integrationId) => {
      await sleep(400);
      for (let signal = 0; signal < 20; signal += 1)
        await signalPushQueue({ tenantId, integrationId, nextDueAt: Date.now() + 60_000 });
    },
  },
];

async function main(): Promise<void> {
  const folder = createRunFolder();
  const server = await startTemporalServer({
    logFile: path.join(folder, 'temporal.log'),
    dynamicConfig: { 'limit.historyCount.suggestContinueAsNew': '50' },
  });
  try {
    for (const hasSearchAttributes of [false, true]) {
      const pushEnv = await startPushWorker({
        address: server.address,
        workflows: { workflowsPath: require.resolve('../../workflows') },
        activities: {
          pushDueRecords: async ({ firedAt }) => ({ ...nothingWaits, ...(await answers.shift()?.(firedAt)) }),
          checkIntegration: async () => ({ ok: false, kind: 'unavailable', message: 'connect ECONNREFUSED' }),
          sendEmail,
          decideNotification,
          ...syncRunActivities,
          ...scheduledSyncActivities,
          ...webhookActivities,
          ...overviewActivities,
          ...incomingActivities,
          ...rolloutActivities,
        },
        hasSearchAttributes,
      });
      const chosen = hasSearchAttributes
        ? scenarios.filter(
            ({ name }) => name === 'plain' || name === 'outage' || name.startsWith('continued'),
          )
        : scenarios;
      for (const scenario of chosen.filter(({ name }) => isWanted(`record-push.${name}`)))
        await record(pushEnv, scenario, hasSearchAttributes ? `${scenario.name}-searchable` : scenario.name);
      if (!hasSearchAttributes && isWanted('integration-check')) await recordCheck(pushEnv);
      if (!hasSearchAttributes && isWanted('email'))
        for (const name of ['sent', 'retried', 'failed'] as const) await recordEmail(pushEnv, name);
      if (!hasSearchAttributes && isWanted('notification'))
        for (const name of Object.keys(NOTIFICATIONS)) await recordNotification(pushEnv, name);
      for (const scenario of syncRunScenarios.filter(
        ({ isSearchable }) => isSearchable === true || !hasSearchAttributes,
      )) {
        const name = `sync-run.${scenario.name}${hasSearchAttributes ? '-searchable' : ''}`;
        if (!isWanted(name)) continue;
        await writeChain(
          pushEnv,
          await playSyncRun(
            pushEnv,
            scenario,
            { tenantId, integrationId: nextIntegrationId() },
            hasSearchAttributes,
          ),
          name,
        );
      }
      for (const name of hasSearchAttributes
        ? []
        : SCHEDULED_SYNC_SCENARIOS.filter((scenario) => isWanted(`scheduled-sync.${scenario}`)))
        await writeChain(
          pushEnv,
          await playScheduledSync(pushEnv, name, { tenantId, integrationId: nextIntegrationId() }),
          `scheduled-sync.${name}`,
        );
      for (const scenario of webhookScenarios.filter(
        ({ isSearchable }) => isSearchable === true || !hasSearchAttributes,
      )) {
        const name = `webhook-endpoint.${scenario.name}${hasSearchAttributes ? '-searchable' : ''}`;
        if (isWanted(name))
          await writeChain(
            pushEnv,
            await playEndpoint(pushEnv, scenario, nextIntegrationId(), hasSearchAttributes),
            name,
          );
      }
      for (const scenario of overviewScenarios.filter(
        ({ isSearchable }) => isSearchable === true || !hasSearchAttributes,
      )) {
        const name = `overview.${scenario.name}${hasSearchAttributes ? '-searchable' : ''}`;
        if (!isWanted(name)) continue;
        await writeChain(
          pushEnv,
          await playOverview(
            pushEnv,
            scenario,
            { tenantId, overviewId: nextIntegrationId() },
            hasSearchAttributes,
          ),
          name,
        );
      }
      await recordRollouts(pushEnv, hasSearchAttributes);
      await recordIncoming(pushEnv, hasSearchAttributes);
      await pushEnv.stop();
    }
  } finally {
    await server.stop();
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

async function record(pushEnv: PushWorker, scenario: Scenario, name: string): Promise<void> {
  answers = [...scenario.answers];
  const integrationId = nextIntegrationId();
  await pushEnv.signalPushQueue({ tenantId, integrationId, nextDueAt: Date.now() + 200 });
  await scenario.duringRun?.(pushEnv, integrationId);
  const handle = pushEnv.client.workflow.getHandle(recordPushWorkflowId({ integrationId }));
  await handle.result();
  if (scenario.name === 'ended-and-restarted') {
    await pushEnv.signalPushQueue({ tenantId, integrationId, nextDueAt: Date.now() + 100 });
    await handle.result();
  }
  await writeChain(pushEnv, handle.workflowId, `record-push.${name}`);
}

/** Every run of the chain: the last one, and those it continued. */
async function writeChain({ client }: PushWorker, workflowId: string, name: string): Promise<void> {
  const runs: string[] = [];
  for await (const run of client.workflow.list({ query: `WorkflowId = "${workflowId}"` })) {
    if (run.workflowId === workflowId) runs.push(`${run.startTime.toISOString()} ${run.runId}`);
  }
  for (const [index, run] of runs.sort().entries()) {
    const history = await client.workflow.getHandle(workflowId, run.split(' ')[1]).fetchHistory();
    write(runs.length === 1 ? name : `${name}.${index + 1}`, historyToJSON(history));
  }
}

/** It has no search attributes. */
async function recordRollouts(pushEnv: PushWorker, hasSearchAttributes: boolean): Promise<void> {
  for (const scenario of hasSearchAttributes ? [] : rolloutScenarios) {
    const name = `definition-rollout.${scenario.name}`;
    if (isWanted(name))
      await writeChain(pushEnv, await playRollout(pushEnv, scenario, nextIntegrationId()), name);
  }
}

async function recordIncoming(pushEnv: PushWorker, hasSearchAttributes: boolean): Promise<void> {
  for (const scenario of incomingScenarios) {
    const name = `incoming-changes.${scenario.name}${hasSearchAttributes ? '-searchable' : ''}`;
    if (!isWanted(name) || (hasSearchAttributes && scenario.isSearchable !== true)) continue;
    const place = { tenantId, integrationId: nextIntegrationId() };
    await writeChain(pushEnv, await playIncoming(pushEnv, scenario, place), name);
  }
}

async function recordCheck(pushEnv: PushWorker): Promise<void> {
  const integrationId = nextIntegrationId();
  const workflowId = integrationCheckWorkflowId({ integrationId });
  const handle = await pushEnv.client.workflow.start(INTEGRATION_CHECK_WORKFLOW, {
    workflowId,
    taskQueue: TASK_QUEUES.workflows,
    args: [{ tenantId, integrationId }],
  });
  await handle.result();
  write('integration-check.unavailable', historyToJSON(await handle.fetchHistory()));
}

/** What each look at the notification comes to, in order. */
let notificationSteps: NotificationStep[] = [];
async function decideNotification(): Promise<NotificationStep> {
  return notificationSteps.shift() ?? { decision: 'viewed' };
}

const NOTIFICATIONS: Record<string, NotificationStep[]> = {
  'not-needed': [{ decision: null, waitMs: 300 }, { decision: 'not_needed' }],
  emailed: [{ decision: null, waitMs: 300 }, { decision: null, waitMs: 300 }, { decision: 'emailed' }],
  viewed: [{ decision: null, waitMs: 3_600_000 }, { decision: 'viewed' }],
};

async function recordNotification({ client, handleRow }: PushWorker, name: string): Promise<void> {
  notificationSteps = [...(NOTIFICATIONS[name] ?? [])];
  const notificationRecipientId = nextIntegrationId();
  const subject = { tenantId, notificationRecipientId, nextDueAt: new Date() };
  await handleRow({ topic: 'notification', ...subject });
  await sleep(400);
  if (name === 'viewed') await handleRow({ topic: 'notification_viewed', ...subject });
  const handle = client.workflow.getHandle(notificationWorkflowId({ notificationRecipientId }));
  await handle.result();
  write(`notification.${name}`, historyToJSON(await handle.fetchHistory()));
}

let emailAttempts = 0;
let emailResult: 'sent' | 'failed' = 'sent';
async function sendEmail(): Promise<'sent' | 'failed'> {
  if ((emailAttempts -= 1) <= 0) return emailResult;
  throw ApplicationFailure.create({
    message: 'The mail server did not take it: EMESSAGE 451 DATA.',
    type: 'EmailNotSentYet',
    nextRetryDelay: 200,
  });
}

async function recordEmail(
  { client, handleRow }: PushWorker,
  name: 'sent' | 'retried' | 'failed',
): Promise<void> {
  [emailAttempts, emailResult] = [name === 'retried' ? 3 : 1, name === 'failed' ? 'failed' : 'sent'];
  const emailId = nextIntegrationId();
  await handleRow({ topic: 'email', tenantId, emailId, nextDueAt: new Date() });
  const handle = client.workflow.getHandle(emailWorkflowId({ emailId }));
  await handle.result();
  write(`email.${name}`, historyToJSON(await handle.fetchHistory()));
}

/** Without the name of the machine it was recorded on, and its folders. */
function write(name: string, json: string): void {
  const text = JSON.stringify(JSON.parse(json), null, 1)
    .replaceAll(os.hostname(), 'worker')
    .replaceAll(`${projectFolder}/`, '');
  fs.writeFileSync(path.join(HISTORIES, `${name}.json`), `${text}\n`);
  console.log(`${name}: ${(JSON.parse(json) as { events: unknown[] }).events.length} events`);
}

main().catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});
