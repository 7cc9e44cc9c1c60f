/**
 * For stress tests of a queue workflow: signals at random moments, on a real server that suggests a new run
 * after every 60 events. The activities keep their rows in memory.
 */
import fs from 'node:fs';
import path from 'node:path';
import { startTemporalServer, type TemporalServer } from '../../dev/start/temporal';
import { createRunFolder } from '../support/environments/run-folder';
import { Random } from '../support/random';
import { workflowBundle } from '../support/servers/shared-servers';
import { repetitions } from '../support/tier';
import { type PushWorker, type PushWorkerOptions, quietenTemporal, startPushWorker } from './push-worker';

const signals = Number(process.env.STRESS_SIGNALS ?? repetitions({ quick: 150, full: 300 }));
export const stressTimeoutMs = 30_000 + signals * 200;
export const random = new Random();
export const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Call it in a `describe`: it starts the server and a worker before the tests, and stops them after them. */
export function givenStressWorker(activities: PushWorkerOptions['activities']): () => PushWorker {
  let server: TemporalServer;
  let worker: PushWorker;
  const folder = createRunFolder();
  beforeAll(async () => {
    quietenTemporal();
    server = await startTemporalServer({
      logFile: path.join(folder, 'temporal.log'),
      dynamicConfig: { 'limit.historyCount.suggestContinueAsNew': '60' },
    });
    worker = await startPushWorker({
      address: server.address,
      workflows: { workflowBundle: workflowBundle() },
      activities,
      hasSearchAttributes: true,
    });
  });
  afterAll(async () => {
    await worker.stop();
    await server.stop();
    fs.rmSync(folder, { recursive: true, force: true });
  });
  return () => worker;
}

/** Calls `signal` at random moments, then waits for the workflow to end. @returns its runs by status. */
export async function signalAtRandom(
  { client }: PushWorker,
  { workflowId, signal }: { workflowId: string; signal: () => Promise<unknown> },
): Promise<Record<string, number>> {
  const sending: Promise<unknown>[] = [];
  const untilEnd = async () => {
    await Promise.all(sending);
    await client.workflow.getHandle(workflowId).result();
  };
  for (let sent = 0; sent < signals; sent += 1) {
    sending.push(signal());
    await sleep(random.next() < 0.04 ? 250 : random.next() * 40); // sometimes long enough for the workflow to end
    if (sent === Math.floor(signals / 2)) await untilEnd(); // so it ends at least twice on any machine
  }
  await untilEnd();
  const runs: Record<string, number> = {};
  for await (const { status } of client.workflow.list({ query: `WorkflowId = "${workflowId}"` }))
    runs[status.name] = (runs[status.name] ?? 0) + 1;
  return runs;
}
