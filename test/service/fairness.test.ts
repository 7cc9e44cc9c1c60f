/** The servers of `npm start` and of docker-compose.yml let tenants take turns in a task queue (D9). */
import { readFileSync } from 'node:fs';
import { Worker } from '@temporalio/worker';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
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

it('the server of docker-compose.yml has it on', () => {
  expect(readFileSync('deploy/temporal.yaml', 'utf8')).toMatch(
    /matching\.enableFairness:\n {2}- value: true/,
  );
});
