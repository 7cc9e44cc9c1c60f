import { Worker } from '@temporalio/worker';
import { createTemporalClient } from '../../../api/temporal-client';
import type { CheckIntegrationInput, CheckIntegrationResult } from '../../../contract/integration-check';
import { TASK_QUEUES } from '../../../contract/task-queues';
import { newUuid } from '../../../db/sql/ids';
import { freePort } from '../../../dev/start/ports';
import { temporalAddress, workflowBundle } from '../../support/servers/shared-servers';
import { connectDevServer } from '../../support/servers/temporal';

let devServer: Awaited<ReturnType<typeof connectDevServer>>;
beforeAll(async () => {
  devServer = await connectDevServer();
});
afterAll(() => devServer.teardown());

const input = (): CheckIntegrationInput => ({ tenantId: newUuid(), integrationId: newUuid() });
const connect = (answerWithinMs = 10_000) =>
  createTemporalClient({
    connection: { address: temporalAddress() },
    namespace: devServer.namespace,
    answerWithinMs,
  });

async function withWorker(
  checkIntegration: (asked: CheckIntegrationInput) => Promise<CheckIntegrationResult>,
  run: () => Promise<void>,
): Promise<void> {
  const shared = { connection: devServer.nativeConnection, namespace: devServer.namespace };
  const workers = await Promise.all([
    Worker.create({ ...shared, taskQueue: TASK_QUEUES.workflows, workflowBundle: workflowBundle() }),
    Worker.create({ ...shared, taskQueue: TASK_QUEUES.push, activities: { checkIntegration } }),
  ]);
  const running = workers.map((worker) => worker.run());
  try {
    await run();
  } finally {
    workers.forEach((worker) => worker.shutdown());
    await Promise.all(running);
  }
}

it('returns the answer of a worker', async () => {
  const temporal = connect();
  const wanted = input();

  await withWorker(
    async (asked) => ({
      ok: false,
      kind: asked.integrationId === wanted.integrationId ? 'unauthorized' : 'internal',
    }),
    async () => {
      expect(await temporal.checkIntegration(wanted)).toEqual({ ok: false, kind: 'unauthorized' });
    },
  );
  await temporal.close();
});

it('sends one request to the third party when many checks arrive at the same time', async () => {
  const temporal = connect();
  const wanted = input();
  let calls = 0;

  await withWorker(
    async () => {
      calls += 1;
      await new Promise((resolve) => setTimeout(resolve, 500));
      return { ok: true };
    },
    async () => {
      const answers = await Promise.all(Array.from({ length: 5 }, () => temporal.checkIntegration(wanted)));
      expect(answers).toEqual(Array.from({ length: 5 }, () => ({ ok: true })));
    },
  );
  await temporal.close();

  expect(calls).toBe(1);
});

it('reports that no worker answers in time', async () => {
  const temporal = connect(300);

  const checking = temporal.checkIntegration(input());

  await expect(checking).rejects.toMatchObject({
    code: 'check_unanswered',
    status: 503,
    headers: { 'Retry-After': '5' },
  });
  await temporal.close();
});

it('reports that Temporal is unavailable, if it has lost the namespace', async () => {
  const temporal = createTemporalClient({
    connection: { address: temporalAddress() },
    namespace: 'never-registered',
  });

  await expect(temporal.endSubscription(input())).rejects.toMatchObject({ code: 'temporal_unavailable' });
  await temporal.close();
});

it('reports that Temporal is down, and can be created without it', async () => {
  const temporal = createTemporalClient({
    connection: { address: `127.0.0.1:${await freePort()}` },
    namespace: 'default',
  });

  const checking = temporal.checkIntegration(input());

  await expect(checking).rejects.toMatchObject({
    code: 'temporal_unavailable',
    status: 503,
    headers: { 'Retry-After': '5' },
  });
  await temporal.close();
});
