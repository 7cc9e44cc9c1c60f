/**
 * Whether Temporal lets tenants take turns in a task queue (rules.md 59). The server has no request that
 * returns this setting. It is off by default, and older servers do not have it. So tasks of a large tenant,
 * and then of a small one, are added to a task queue of their own. If the server hands out the tasks of the
 * small tenant among the first ones, tenants take turns.
 */
import type { Client } from '@temporalio/client';
import type { ActivityLog } from '../../activities/dependencies';
import type { Database } from '../../db/database';
import { endFindings, noteFindings } from '../../db/notifications/operator-findings';
import { newUuid } from '../../db/sql/ids';
import { startLeasedLoop } from '../leased-loop';

const [LARGE, SMALL] = [120, 7];
const ANSWER_WITHIN_MS = 30_000;
const BEGINS_AFTER_MS = 60_000;
const INTERVAL_MS = 24 * 3_600_000;
const NO_TURNS =
  "Temporal hands out work in the order of arrival: a tenant's work waits behind all earlier work of others. " +
  'Set matching.enableFairness to true in its dynamic configuration.';

/** @throws if Temporal does not answer in time. */
export async function doTenantsTakeTurns(client: Client): Promise<boolean> {
  const { connection } = client;
  const { namespace } = client.options;
  const queue = `fairness-check:${newUuid()}`;
  const names = Array.from({ length: LARGE + SMALL }, (_, at) => (at < LARGE ? 'large' : 'small'));
  const ids = names.map((name, at) => `${queue}:${name}:${at}`);
  const start = (workflowId: string, at: number) =>
    client.workflow.start('fairnessCheck', {
      workflowId,
      taskQueue: queue,
      priority: { fairnessKey: names[at] as string },
      workflowExecutionTimeout: '1 minute',
      staticSummary: 'Checks whether tenants take turns. It does nothing',
    });
  return connection.withDeadline(Date.now() + ANSWER_WITHIN_MS, async () => {
    try {
      await Promise.all(ids.slice(0, LARGE).map((id, at) => start(id, at)));
      await Promise.all(ids.slice(LARGE).map((id, at) => start(id, LARGE + at)));
      let [read, small] = [0, 0];
      // The queue has several partitions, so neither turns nor the order of arrival are exact.
      for (; small < SMALL / 2 && read < ids.length / 2; read += 1) {
        const task = await connection.workflowService.pollWorkflowTaskQueue({
          namespace,
          taskQueue: { name: queue },
        });
        if (task.workflowExecution?.workflowId?.includes(':small:')) small += 1;
      }
      return small > SMALL / 2;
    } finally {
      await Promise.allSettled(
        ids.map((workflowId) =>
          connection.workflowService.deleteWorkflowExecution({
            namespace,
            workflowExecution: { workflowId },
          }),
        ),
      );
    }
  });
}

/** A worker checks it a minute after its start, and once a day. */
export function startFairnessCheck({
  client,
  ...options
}: {
  client: Client;
  database: Database;
  log: ActivityLog;
}): { stop(): Promise<void> } {
  return startLeasedLoop({
    ...options,
    name: 'fairness_check',
    intervalMs: INTERVAL_MS,
    beginsAfterMs: BEGINS_AFTER_MS,
    async run() {
      const doTakeTurns = await doTenantsTakeTurns(client);
      if (!doTakeTurns) options.log.warn({}, NO_TURNS);
      await noteTurns(options.database, { doTakeTurns });
    },
  });
}

/** Operators are told that tenants do not take turns, until a check finds that they do. */
export function noteTurns(database: Database, { doTakeTurns }: { doTakeTurns: boolean }): Promise<void> {
  const finding = { finding: 'turns of tenants', detail: NO_TURNS, nextLookMs: INTERVAL_MS };
  return database.withDispatcher((work) =>
    doTakeTurns ? endFindings(work, [finding]) : noteFindings(work, [finding]),
  );
}
