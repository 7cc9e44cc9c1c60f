/** What long runs leave behind in Temporal (R22): short histories, and no record data. */
import { historyToJSON } from '@temporalio/common/lib/proto-utils';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker } from '@temporalio/worker';
import type { SyncRunActivities } from '../../../activities/sync-runs/sync-run';
import { Unavailable } from '../../../connectors/errors';
import { SYNC_RUN_WORKFLOW, syncRunWorkflowId } from '../../../contract/sync-run';
import { parseSyncJobName, syncJobName } from '../../../domain/sync-runs/sync-job';
import { TASK_QUEUES } from '../../../contract/task-queues';
import { historiesOf } from '../../support/environments/histories';
import { PushEnvironment } from '../../support/environments/push-environment';
import { fill, CrmIntegration } from '../../support/environments/crm-integration';
import { workflowBundle } from '../../support/servers/shared-servers';
import { createTimeSkippingEnvironment } from '../../support/servers/temporal';

describe('R22: a run of two thousand pieces', () => {
  const PIECES = 2_000;
  const TYPES = ['a', 'b', 'c', 'd', 'e'];
  let env: TestWorkflowEnvironment;
  beforeAll(async () => {
    env = await createTimeSkippingEnvironment();
  });
  afterAll(() => env.teardown());

  it('continues in new histories of less than 4,096 events, executes each piece once, and at most four jobs at once', async () => {
    const place = {
      tenantId: '01900000-0000-7000-8000-000000000001',
      integrationId: '01900000-0000-7000-8000-000000000002',
    };
    const left = new Map(TYPES.map((type) => [type, PIECES / TYPES.length]));
    let atOnce = 0;
    let atOnceMost = 0;
    let pieces = 0;
    const milestones: number[] = [];
    const startedAt = await env.currentTimeMs();
    const activities: SyncRunActivities = {
      async startNextSyncRun() {
        const jobs = TYPES.filter((type) => (left.get(type) ?? 0) > 0).map(parseSyncJobName);
        return jobs.length === 0 ? null : { syncRunId: 'one', kind: 'full', jobs, startedAt };
      },
      async advanceSyncJob({ job, firedAt }) {
        const recordType = syncJobName(job);
        atOnceMost = Math.max(atOnceMost, (atOnce += 1));
        pieces += 1;
        const rest = (left.get(recordType) ?? 0) - 1;
        left.set(recordType, rest);
        // The first pieces wait until four are in progress, so that the count does not depend on the machine.
        do await new Promise((resolve) => setImmediate(resolve));
        while (atOnceMost < 4);
        atOnce -= 1;
        if (rest === 0) return { state: 'ended' };
        return rest % 3 === 0
          ? { state: 'waiting', until: firedAt + 600_000, reason: 'retry' }
          : { state: 'more' };
      },
      async emitSyncMilestone({ count }) {
        milestones.push(count);
      },
      readSyncRun: () =>
        Promise.resolve({ state: 'succeeded', successfulJobs: 5, failedJobs: 0, isSyncFinished: true }),
    };
    const connection = env.nativeConnection;
    const workers = await Promise.all([
      Worker.create({ connection, taskQueue: TASK_QUEUES.workflows, workflowBundle: workflowBundle() }),
      Worker.create({ connection, taskQueue: TASK_QUEUES.pull, activities: { ...activities } }),
    ]);
    const running = Promise.all(workers.map((worker) => worker.run()));
    const workflowId = syncRunWorkflowId(place);
    const handle = await env.client.workflow.start(SYNC_RUN_WORKFLOW, {
      workflowId,
      taskQueue: TASK_QUEUES.workflows,
      args: [{ ...place, hasSearchAttributes: false }],
    });
    await handle.result();
    const histories = await historiesOf(env.client, workflowId);
    for (const worker of workers) worker.shutdown();
    await running;

    expect(pieces).toBe(PIECES);
    expect(atOnceMost).toBe(4);
    expect(histories.length).toBeGreaterThan(2);
    for (const { events } of histories) expect(events?.length).toBeLessThan(4_096);
    expect(milestones).toEqual(milestones.map((_, index) => index + 1));
    expect(milestones.length).toBeGreaterThan(0);
  }, 180_000);
});

describe('R22: the history of a run', () => {
  let environment: PushEnvironment;
  beforeAll(async () => {
    environment = await PushEnvironment.create();
  });
  afterAll(() => environment.end());

  it('contains ids, counts and instants, and no text of records or of third parties', async () => {
    const tenant = await environment.tenant();
    const pulled = await CrmIntegration.link(tenant, {}, fill(environment, 7));
    await pulled.account.put('contacts', 'canary-remote-id', {
      name: 'Zaphod',
      email: 'zaphod@example.org',
    });
    let left = 2;
    pulled.account.beforePage = ({ cursor }) => {
      if (cursor !== null && left-- > 0) throw new Unavailable('canary error text', 500);
    };
    await pulled.settle();
    const history = await environment.env.client.workflow.getHandle(syncRunWorkflowId(pulled)).fetchHistory();
    const text = historyToJSON(history).replaceAll(/"data": ?"([^"]*)"/g, (_, data: string) =>
      Buffer.from(data, 'base64').toString(),
    );

    expect(text).toContain(pulled.integrationId);
    for (const word of ['Zaphod', 'zaphod', 'example.org', 'canary-remote-id', 'canary error text', 'p003'])
      expect(text).not.toContain(word);
  });
});
