/**
 * Signals in the very moments in which a push queue ends, continues as new or is started again: no change is
 * lost, none pushed twice at once (ARCHITECTURE.md). The real workflow on the real server, configured to
 * suggest a new run after every 60 events; the rows are kept here, by the same rules as in the database.
 */
import fs from 'node:fs';
import path from 'node:path';
import { recordPushWorkflowId } from '../../contract/record-push';
import { startTemporalServer, type TemporalServer } from '../../dev/start/temporal';
import { createRunFolder } from '../support/environments/run-folder';
import { Random } from '../support/random';
import { repetitions } from '../support/tier';
import { workflowBundle } from '../support/servers/shared-servers';
import { type PushWorker, quietenTemporal, startPushWorker } from './push-worker';

const SIGNALS = Number(process.env.STRESS_SIGNALS ?? repetitions({ quick: 150, full: 300 }));
const RECORDS = 40;
const tenantId = '01900000-0000-7000-8000-000000000001';
const integrationId = '01900000-0000-7000-8000-000000000002';
const workflowId = recordPushWorkflowId({ integrationId });

interface Row {
  version: number;
  pushed: number;
  dueAt: number | null;
  isPushing: boolean;
}

const rows = Array.from({ length: RECORDS }, (): Row => ({
  version: 0,
  pushed: 0,
  dueAt: null,
  isPushing: false,
}));
const violations: string[] = [];
const random = new Random();
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function push(row: Row, firedAt: number): Promise<void> {
  if (row.isPushing) violations.push('a record was pushed twice at once');
  if (row.dueAt === null || row.dueAt > firedAt) violations.push('a record was pushed early');
  Object.assign(row, { isPushing: true, dueAt: null });
  const { version } = row;
  await sleep(random.next() * 10);
  Object.assign(row, { isPushing: false, pushed: version });
}

async function pushDueRecords({ firedAt }: { firedAt: number }) {
  const due = rows.filter((row) => !row.isPushing && row.dueAt !== null && row.dueAt <= firedAt);
  await Promise.all(due.map((row) => push(row, firedAt)));
  const waiting = rows.flatMap((row) => row.dueAt ?? []);
  const nextDueAt = waiting.length === 0 ? null : Math.min(...waiting);
  await sleep(random.next() * 5); // between the last look at the rows and the end a signal may come
  return {
    state: 'working' as const,
    pushed: due.length,
    nextDueAt,
    pendingRecords: waiting.length,
    blockedUntil: null,
    blockedReason: null,
  };
}

describe('a push queue that is signalled in every moment of its life', () => {
  let server: TemporalServer;
  let pushEnv: PushWorker;
  const folder = createRunFolder();

  beforeAll(async () => {
    quietenTemporal();
    server = await startTemporalServer({
      logFile: path.join(folder, 'temporal.log'),
      dynamicConfig: { 'limit.historyCount.suggestContinueAsNew': '60' },
    });
    pushEnv = await startPushWorker({
      address: server.address,
      workflows: { workflowBundle: workflowBundle() },
      activities: { pushDueRecords },
      hasSearchAttributes: true,
    });
  });
  afterAll(async () => {
    await pushEnv.stop();
    await server.stop();
    fs.rmSync(folder, { recursive: true, force: true });
  });

  it(
    'loses no change, pushes nothing early, and pushes no record twice at once',
    async () => {
      const sending: Promise<void>[] = [];
      for (let signal = 0; signal < SIGNALS; signal += 1) {
        const row = rows[Math.floor(random.next() * RECORDS)] as Row;
        const wasOpen = row.dueAt !== null;
        row.version += 1;
        row.dueAt = Date.now() + random.next() * 60;
        // As in an acceptance: opening a window sends a signal, moving one does not.
        if (!wasOpen)
          sending.push(pushEnv.signalPushQueue({ tenantId, integrationId, nextDueAt: row.dueAt }));
        await sleep(random.next() < 0.04 ? 250 : random.next() * 40); // now and then long enough to let it end
        if (signal === Math.floor(SIGNALS / 2)) {
          await Promise.all(sending);
          await pushEnv.client.workflow.getHandle(workflowId).result(); // ends at least twice on any machine
        }
      }
      await Promise.all(sending);
      const handle = pushEnv.client.workflow.getHandle(workflowId);
      await handle.result();

      expect(rows.filter((row) => row.pushed < row.version)).toEqual([]);
      expect(violations).toEqual([]);
      const statuses: Record<string, number> = {};
      for await (const { status } of pushEnv.client.workflow.list({ query: `WorkflowId = "${workflowId}"` }))
        statuses[status.name] = (statuses[status.name] ?? 0) + 1;
      expect(statuses.CONTINUED_AS_NEW).toBeGreaterThan(1);
      expect(statuses.COMPLETED).toBeGreaterThan(1);
      expect(statuses.FAILED).toBeUndefined();
    },
    30_000 + SIGNALS * 200,
  );
});
