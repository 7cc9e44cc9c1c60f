/**
 * Two kinds of Temporal for tests. The time-skipping server (one per test file) jumps over every wait while a
 * test waits for a result or for `env.sleep`. The dev server (one per run) is the real thing, with visibility
 * and schedules; a test file gets a namespace of its own there, and moves a single workflow's time by
 * `fastForward`.
 */
import { randomUUID } from 'node:crypto';
import { type Client, Connection, type ConnectionPlugin } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time';
import { temporal } from '@temporalio/proto';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import { findProgram } from '../../../dev/tools/binaries';
import { temporalInterceptors } from '../../../worker/temporal-interceptors';
import { temporalAddress } from './shared-servers';

const PollingResult = temporal.api.enums.v1.FastForwardPollingResult;

/** A call that a test leaves behind must not end the process that runs all of them. */
const plugins: ConnectionPlugin[] = [
  {
    name: 'calm-after-close',
    configureConnection: (options) => ({ ...options, interceptors: temporalInterceptors }),
  },
];

let isQuiet = false;

/**
 * The core logs every worker's start and stop; tests need errors only. Once per process, before
 * the first worker.
 */
function quieten(): void {
  if (isQuiet) return;
  isQuiet = true;
  Runtime.install({ logger: new DefaultLogger('ERROR') });
}

/**
 * Call `teardown()` on it in afterAll. Run tests of one file one after the other: time is global on this
 * server.
 */
export async function createTimeSkippingEnvironment(): Promise<TestWorkflowEnvironment> {
  quieten();
  const path = await findProgram('temporal-test-server');
  return TestWorkflowEnvironment.createTimeSkipping({
    plugins,
    server: { executable: { type: 'existing-path', path } },
  });
}

/**
 * A connection to the run's dev server in a new namespace; `namespace` is set. Call `teardown()` on it in
 * afterAll.
 */
export async function connectDevServer(): Promise<TestWorkflowEnvironment & { namespace: string }> {
  quieten();
  const namespace = await createNamespace();
  const environment = await TestWorkflowEnvironment.createFromExistingServer({
    plugins,
    address: temporalAddress(),
    namespace,
  });
  return environment as TestWorkflowEnvironment & { namespace: string };
}

/** A new namespace on the run's dev server, for processes that connect by themselves (TEMPORAL_NAMESPACE). */
export async function createNamespace(): Promise<string> {
  const namespace = `test-${randomUUID()}`;
  const connection = await Connection.connect({
    address: temporalAddress(),
    interceptors: temporalInterceptors,
  });
  try {
    await connection.workflowService.registerNamespace({
      namespace,
      workflowExecutionRetentionPeriod: msToTs('1 day'),
    });
    await untilKnown(connection, namespace);
  } finally {
    await connection.close();
  }
  return namespace;
}

/** The server's cache learns of a new namespace within 200 ms. */
async function untilKnown(connection: Connection, namespace: string): Promise<void> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      await connection.workflowService.listWorkflowExecutions({ namespace, pageSize: 1 });
      return;
    } catch (error) {
      if (attempt > 100) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

/**
 * Moves the time of one workflow on the dev server forward, timers firing on the way; other workflows, the
 * database and the API keep real time. The workflow must wait on a timer. A pre-release API of the server, so
 * it is spoken here only.
 */
export async function fastForward(client: Client, workflowId: string, milliseconds: number): Promise<void> {
  const service = client.workflowService;
  const namespace = client.options.namespace;
  const fastForwardId = randomUUID();
  await service.updateWorkflowExecutionOptions({
    namespace,
    workflowExecution: { workflowId },
    updateMask: { paths: ['time_skipping_config'] },
    workflowExecutionOptions: {
      timeSkippingConfig: {
        enabled: true,
        fastForwardConfig: { id: fastForwardId, duration: msToTs(milliseconds) },
      },
    },
  });
  for (;;) {
    const poll = await service.pollWorkflowExecutionTimeSkipping({
      namespace,
      workflowExecution: { workflowId },
      fastForwardId,
    });
    if (poll.fastForwardPollingResult === PollingResult.FAST_FORWARD_POLLING_RESULT_FAST_FORWARD_COMPLETED)
      return;
    if (poll.fastForwardPollingResult === PollingResult.FAST_FORWARD_POLLING_RESULT_POLL_TIMEOUT) continue;
    const { status } = await client.workflow.getHandle(workflowId).describe();
    if (status.name !== 'RUNNING') return; // it ended on the way
    throw new Error(
      `Time of ${workflowId} could not be moved by ${milliseconds} ms: ${poll.failedReason || 'no reason given'}`,
    );
  }
}
