/**
 * Signals at the moments in which a push queue ends, continues as new or is started again: no change is lost,
 * and none is pushed twice at once (ARCHITECTURE.md). The rows follow the same rules as in the database.
 */
import { recordPushWorkflowId } from '../../contract/record-push';
import { givenStressWorker, random, signalAtRandom, sleep, stressTimeoutMs } from './stress';

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

describe('a push queue that is signaled at random moments', () => {
  const worker = givenStressWorker({ pushDueRecords });

  /** As in an acceptance: a new window sends a signal, a moved one does not. */
  async function change(): Promise<void> {
    const row = random.pick(rows);
    const wasOpen = row.dueAt !== null;
    row.version += 1;
    row.dueAt = Date.now() + random.next() * 60;
    if (!wasOpen) await worker().signalPushQueue({ tenantId, integrationId, nextDueAt: row.dueAt });
  }

  it(
    'loses no change, pushes nothing early, and pushes no record twice at once',
    async () => {
      const runs = await signalAtRandom(worker(), { workflowId, signal: change });

      expect(rows.filter((row) => row.pushed < row.version)).toEqual([]);
      expect(violations).toEqual([]);
      expect(runs.CONTINUED_AS_NEW).toBeGreaterThan(1);
      expect(runs.COMPLETED).toBeGreaterThan(1);
      expect(runs.FAILED).toBeUndefined();
    },
    stressTimeoutMs,
  );
});
