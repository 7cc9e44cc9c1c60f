/** The servers of `npm start` and of docker-compose.yml let tenants take turns in a task queue (D9). */
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Worker } from '@temporalio/worker';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { Client, Connection } from '@temporalio/client';
import { startTemporalServer } from '../../dev/start/temporal';
import { doTenantsTakeTurns } from '../../worker/queues/fairness';
import { connectDevServer } from '../support/servers/temporal';

let environment: TestWorkflowEnvironment;
beforeAll(async () => {
  environment = await connectDevServer();
});
afterAll(() => environment.teardown());

it('a small tenant is not behind the backlog of a large one', async () => {
  const { client, nativeConnection, namespace } = environment;
  const options = { taskQueue: 'fairness', startToCloseTimeout: '1 minute', args: [] } as const;
  const start = (tenant: string, n: number) =>
    client.activity.start('note', {
      ...options,
      id: `${tenant}-${n}`,
      args: [tenant],
      priority: { fairnessKey: tenant },
    });
  const handles = [];
  for (let n = 0; n < 200; n += 1) handles.push(await start('large', n));
  for (let n = 0; n < 10; n += 1) handles.push(await start('small', n));

  const order: string[] = [];
  const worker = await Worker.create({
    connection: nativeConnection,
    namespace: namespace ?? 'default',
    taskQueue: options.taskQueue,
    activities: { note: async (tenant: string) => void order.push(tenant) },
    maxConcurrentActivityTaskExecutions: 1,
  });
  await worker.runUntil(Promise.all(handles.map((handle) => handle.result())));

  // A queue has four partitions, so turns are not exact. In the order of arrival the first is at about 170.
  const small = order.flatMap((tenant, position) => (tenant === 'small' ? [position] : []));
  expect(small[4]).toBeLessThan(100);
});

it('a worker notices that tenants take turns', async () => {
  expect(await doTenantsTakeTurns(environment.client)).toBe(true);
});

it('a worker notices that a server hands out work in the order of arrival', async () => {
  const server = await startTemporalServer({
    logFile: path.join(tmpdir(), `fairness-${process.pid}.log`),
    dynamicConfig: { 'matching.enableFairness': 'false' },
  });
  const connection = await Connection.connect({ address: server.address });
  try {
    expect(await doTenantsTakeTurns(new Client({ connection }))).toBe(false);
  } finally {
    await connection.close();
    await server.stop();
  }
}, 60_000);

it('the server of docker-compose.yml has it on', () => {
  expect(readFileSync('deploy/temporal.yaml', 'utf8')).toMatch(
    /matching\.enableFairness:\n {2}- value: true/,
  );
});
