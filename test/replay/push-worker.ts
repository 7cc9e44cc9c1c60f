/**
 * Real workflows on a real server, with fakes for their activities: for recording histories and for the
 * stress test.
 */
import { Client, Connection } from '@temporalio/client';
import {
  DefaultLogger,
  makeTelemetryFilterString,
  NativeConnection,
  Runtime,
  Worker,
  type WorkerOptions,
} from '@temporalio/worker';
import type { EmailActivities } from '../../activities/notifications/email';
import type { IntegrationCheckActivities } from '../../activities/integrations/integration-check';
import type { NotificationActivities } from '../../activities/notifications/notification';
import type { OverviewActivities } from '../../activities/overviews/overview';
import type { RecordPushActivities } from '../../activities/push/record-push';
import type { SyncRunActivities } from '../../activities/sync-runs/sync-run';
import type { IncomingChangesActivities } from '../../activities/sync-runs/incoming-changes';
import type { ScheduledSyncActivities } from '../../activities/sync-runs/scheduled-sync';
import type { DefinitionRolloutActivities } from '../../activities/third-parties/definition-rollout';
import type { WebhookActivities } from '../../activities/webhooks/webhook-deliveries';
import { TASK_QUEUES } from '../../contract/task-queues';
import { createOutboxHandlers, type OutboxHandler } from '../../worker/outbox-handlers';
import { ensureSearchAttributes } from '../../worker/search-attributes';

export interface PushWorker {
  client: Client;
  handleRow: OutboxHandler;
  signalPushQueue(queue: { tenantId: string; integrationId: string; nextDueAt: number }): Promise<void>;
  stop(): Promise<void>;
}

export interface PushWorkerOptions {
  address: string;
  workflows: Pick<WorkerOptions, 'workflowBundle' | 'workflowsPath'>;
  activities: RecordPushActivities &
    Partial<
      IntegrationCheckActivities &
        EmailActivities &
        NotificationActivities &
        OverviewActivities &
        SyncRunActivities &
        ScheduledSyncActivities &
        IncomingChangesActivities &
        DefinitionRolloutActivities &
        WebhookActivities
    >;
  hasSearchAttributes: boolean;
}

/** Hides the errors of replays that must fail. Call it before the first worker, once per process. */
export function quietenTemporal(): void {
  Runtime.install({
    logger: new DefaultLogger('ERROR'),
    telemetryOptions: { logging: { filter: makeTelemetryFilterString({ core: 'ERROR', other: 'ERROR' }) } },
  });
}

const silent = { info() {}, warn() {}, error() {} };

export async function startPushWorker({
  address,
  workflows,
  activities,
  hasSearchAttributes,
}: PushWorkerOptions): Promise<PushWorker> {
  const connection = await connectWhenHealthy(address);
  const clientConnection = await Connection.connect({ address });
  if (hasSearchAttributes) await ensureSearchAttributes(clientConnection, 'default', silent);
  const client = new Client({ connection: clientConnection });
  const workers = await Promise.all([
    Worker.create({ connection, taskQueue: TASK_QUEUES.workflows, ...workflows }),
    ...[TASK_QUEUES.push, TASK_QUEUES.pull, TASK_QUEUES.email, TASK_QUEUES.webhooks].map((taskQueue) =>
      Worker.create({ connection, taskQueue, activities }),
    ),
  ]);
  const running = Promise.all(workers.map((worker) => worker.run()));
  const handleRow = createOutboxHandlers(client, { hasSearchAttributes });
  return {
    client,
    handleRow,
    signalPushQueue: ({ nextDueAt, ...queue }) =>
      handleRow({ topic: 'record_push', ...queue, nextDueAt: new Date(nextDueAt) }),
    async stop() {
      for (const worker of workers) worker.shutdown();
      await running;
      await Promise.all([clientConnection.close(), connection.close()]);
    },
  };
}

/** The server listens before it is healthy. */
async function connectWhenHealthy(address: string, triesMax = 100): Promise<NativeConnection> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await NativeConnection.connect({ address });
    } catch (error) {
      if (tries === triesMax) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}
