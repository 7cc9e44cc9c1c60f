/**
 * Which push queue gets the next slot (rule 59, D10), on a server whose task queues have one partition: with
 * several, their order is that of each partition.
 */
import path from 'node:path';
import { tmpdir } from 'node:os';
import { Client, Connection } from '@temporalio/client';
import { NativeConnection, Worker } from '@temporalio/worker';
import { type PushDueRecordsInput, type PushReport, recordPushWorkflowId } from '../../contract/record-push';
import { TASK_QUEUES } from '../../contract/task-queues';
import type { Database } from '../../db/database';
import { newUuid } from '../../db/sql/ids';
import { startTemporalServer, type TemporalServer } from '../../dev/start/temporal';
import { PRIORITIES } from '../../domain/work-priorities';
import { createOutboxHandlers } from '../../worker/outbox-handlers';
import { quietenTemporal } from '../replay/push-worker';
import { workflowBundle } from '../support/servers/shared-servers';
import { until } from '../support/until';

const BACKFILLS = 30;
const partitions = ['Read', 'Write'].map((kind) => [`matching.numTaskqueue${kind}Partitions`, '1'] as const);
const large = newUuid();
const small = newUuid();

quietenTemporal();

let server: TemporalServer;
let connection: Connection;
let native: NativeConnection;
let client: Client;
let stopWorkflows: () => Promise<void>;

beforeAll(async () => {
  const logFile = path.join(tmpdir(), `push-priorities-${process.pid}.log`);
  server = await startTemporalServer({ logFile, dynamicConfig: Object.fromEntries(partitions) });
  connection = await Connection.connect({ address: server.address });
  native = await NativeConnection.connect({ address: server.address });
  client = new Client({ connection });
  const workflows = { taskQueue: TASK_QUEUES.workflows, workflowBundle: workflowBundle() };
  const worker = await Worker.create({ connection: native, ...workflows });
  const running = worker.run();
  stopWorkflows = async () => {
    worker.shutdown();
    await running;
  };
  // The server reads a priority that is new in a task queue a moment later than the others.
  const first = [PRIORITIES.person, PRIORITIES.edit, PRIORITIES.bulk, PRIORITIES.backfill];
  const ids = first.map(() => newUuid());
  for (const [index, priorityKey] of first.entries())
    await waitsForSlot(large, ids[index] as string, priorityKey);
  await executeAll(ids);
}, 90_000);
afterAll(async () => {
  await stopWorkflows?.();
  await Promise.all([connection?.close(), native?.close()]);
  await server?.stop();
});

const queueOf = (integrationId: string) => client.workflow.getHandle(recordPushWorkflowId({ integrationId }));

/** Tells the queue of work that is due. */
async function signal(
  tenantId: string,
  integrationId: string,
  priorityKey: number,
  dueAtMs = Date.now(),
): Promise<void> {
  const known = { look: '0', isEarlyEnough: false, priorityKey };
  const database = { withDispatcher: async () => known } as unknown as Database;
  const handle = createOutboxHandlers(client, { hasSearchAttributes: false, database });
  await handle({ topic: 'record_push', tenantId, integrationId, nextDueAt: new Date(dueAtMs) });
}

async function waitsForSlot(tenantId: string, integrationId: string, priorityKey: number): Promise<void> {
  await signal(tenantId, integrationId, priorityKey);
  await until('an execution waits', async () => (await waitingOf(integrationId)).includes(priorityKey));
}

/** The priorities of the executions that wait for a slot. */
async function waitingOf(integrationId: string): Promise<number[]> {
  const { raw } = await queueOf(integrationId).describe();
  return (raw.pendingActivities ?? [])
    .map(({ priority }) => priority?.priorityKey ?? 0)
    .toSorted((one, other) => one - other);
}

/** One slot: the executions in their order. */
async function executeAll(integrationIds: readonly string[]): Promise<PushDueRecordsInput[]> {
  // The server puts an execution into the task queue a moment after it has recorded it.
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  const begun: PushDueRecordsInput[] = [];
  const nothingWaits: PushReport = {
    state: 'working',
    pushed: 1,
    nextDueAt: null,
    dueByPriority: {},
    pendingRecords: 0,
    blockedUntil: null,
    blockedReason: null,
  };
  const worker = await Worker.create({
    connection: native,
    taskQueue: TASK_QUEUES.push,
    activities: { pushDueRecords: async (input: PushDueRecordsInput) => (begun.push(input), nothingWaits) },
    maxConcurrentActivityTaskExecutions: 1,
  });
  await worker.runUntil(Promise.all(integrationIds.map((id) => queueOf(id).result())));
  return begun;
}

it('an edit and a Push now are not behind the backfills of 30 integrations', async () => {
  const backfills = Array.from({ length: BACKFILLS }, newUuid);
  for (const integrationId of backfills) await waitsForSlot(large, integrationId, PRIORITIES.backfill);
  const edited = newUuid();
  await waitsForSlot(small, edited, PRIORITIES.edit);
  const awaited = backfills.at(-1) as string;
  await waitsForSlot(large, awaited, PRIORITIES.person);

  const begun = await executeAll([...backfills, edited]);

  const order = begun.map(({ integrationId, priorityKey }) => ({ integrationId, priorityKey }));
  // The server hands out what it has read of the queue, so the edit may be first.
  expect(order.slice(0, 5)).toContainEqual({ integrationId: awaited, priorityKey: PRIORITIES.person });
  const editIndex = order.findIndex(({ integrationId }) => integrationId === edited);
  expect(editIndex).toBeLessThan(5); // its tenant has its turn
  // The backfill has kept its place.
  expect(order).toContainEqual({ integrationId: awaited, priorityKey: PRIORITIES.backfill });
  expect(order).toHaveLength(BACKFILLS + 2);
});

it('an edit overtakes the backfill of its own app, once', async () => {
  const [edited, other] = [newUuid(), newUuid()];
  await waitsForSlot(small, other, PRIORITIES.bulk);
  await waitsForSlot(small, edited, PRIORITIES.backfill);
  for (let edits = 0; edits < 3; edits += 1) await waitsForSlot(small, edited, PRIORITIES.edit);

  expect(await waitingOf(edited)).toEqual([PRIORITIES.edit, PRIORITIES.backfill]);
  const begun = await executeAll([edited, other]);

  expect(begun[0]).toMatchObject({ integrationId: edited, priorityKey: PRIORITIES.edit });
  expect(begun[0]?.turn).toEqual({ number: 2, beside: [1] });
  const backfills = begun.filter(({ priorityKey }) => priorityKey === PRIORITIES.backfill);
  expect(backfills.map(({ turn }) => turn)).toEqual([{ number: 1, beside: [] }]);
});

it('an edit whose grace period ends while the backfill of its app waits overtakes it then', async () => {
  const integrationId = newUuid();
  const dueAtMs = Date.now() + 2_000;
  await waitsForSlot(small, integrationId, PRIORITIES.backfill);
  await signal(small, integrationId, PRIORITIES.edit, dueAtMs);
  await until('the edit waits, too', async () => (await waitingOf(integrationId)).length === 2);

  const begun = await executeAll([integrationId]);

  expect(begun.map(({ priorityKey }) => priorityKey)).toEqual([PRIORITIES.edit, PRIORITIES.backfill]);
  expect(begun[0]?.firedAt).toBeGreaterThanOrEqual(dueAtMs);
});

it('a backfill does not take the place of an edit that waits', async () => {
  const [edited, other] = [newUuid(), newUuid()];
  await waitsForSlot(small, edited, PRIORITIES.edit);
  await waitsForSlot(small, other, PRIORITIES.backfill);
  await signal(small, edited, PRIORITIES.backfill);

  const begun = await executeAll([edited, other]);

  expect(begun[0]).toMatchObject({ integrationId: edited, priorityKey: PRIORITIES.edit });
});

it('what waits in a queue that an operator ends is dropped, and the next signal begins again', async () => {
  const integrationId = newUuid();
  await waitsForSlot(small, integrationId, PRIORITIES.backfill);
  await queueOf(integrationId).terminate('by an operator');
  await waitsForSlot(small, integrationId, PRIORITIES.edit);

  const begun = await executeAll([integrationId]);

  expect(begun.map(({ priorityKey, turn }) => ({ priorityKey, turn }))).toEqual([
    { priorityKey: PRIORITIES.edit, turn: { number: 1, beside: [] } },
  ]);
});
