/**
 * Turns outbox rows into signals: one per lane and flush, at most about one a second per lane unless something is due already.
 * Any number of dispatchers may run. A row is deleted only after Temporal took the signal, so a crash repeats a signal
 * and never loses one; repeating one is harmless.
 */
import type { ActivityLog } from '../activities/dependencies';
import type { Database } from '../db/database';
import { listen } from '../db/notification-listener';
import {
  deleteOutboxRows,
  type Due,
  leaseOutboxRows,
  OUTBOX_CHANNEL,
  type OutboxRow,
  releaseOutboxRows,
} from '../db/platform/outbox';

const POLL_MS = 1_000;
/** What a dispatcher that died had in its hands is another's after this (rules.md R3). Too short a time would only repeat signals. */
const LEASE_SECONDS = 3;
const ROWS_PER_FLUSH = 500;
const SIGNALS_AT_ONCE = 16;
/** Windows that open one after the other need no signal each: the lane reads all of them when it wakes. */
const SIGNAL_INTERVAL_MS = 1_000;

/** Tells Temporal of one due thing; telling it twice is harmless. @throws when Temporal did not take it. */
export type OutboxHandler = (due: Due) => Promise<void>;

export interface FlushOptions {
  database: Database;
  handleRow: OutboxHandler;
  /** True for a lane whose signal can wait for the next flush. */
  mayWait?: (due: Due) => boolean;
  onSignalled?: (due: Due) => void;
}

/**
 * Sends what the outbox holds. @throws the first signal's error, after giving back every row whose turn had not come. Those of
 * a lane that could not be signalled wait for their lease to end, so that one such lane does not stand before all others.
 */
export async function flushOutbox({
  database,
  handleRow,
  mayWait = () => false,
  onSignalled,
}: FlushOptions): Promise<{ found: number; waiting: number }> {
  const rows = await database.withDispatcher((work) =>
    leaseOutboxRows(work, { limit: ROWS_PER_FLUSH, leaseSeconds: LEASE_SECONDS }),
  );
  const queues = groupBySubject(rows);
  const waiting = queues.filter(mayWait);
  const untried = new Set(queues);
  let failure: PromiseRejectedResult | undefined;
  const sending = queues.filter((topic) => !waiting.includes(topic));
  for (let start = 0; start < sending.length && failure === undefined; start += SIGNALS_AT_ONCE) {
    const slice = sending.slice(start, start + SIGNALS_AT_ONCE);
    const outcomes = await Promise.allSettled(slice.map((topic) => handleRow(topic)));
    const sent = slice.filter((_, position) => outcomes[position]?.status === 'fulfilled');
    failure = outcomes.find((outcome) => outcome.status === 'rejected');
    await database.withDispatcher((work) =>
      deleteOutboxRows(
        work,
        sent.flatMap((topic) => topic.outboxIds),
      ),
    );
    for (const topic of slice) untried.delete(topic);
    for (const topic of sent) onSignalled?.(topic);
  }
  if (untried.size > 0)
    await database.withDispatcher((work) =>
      releaseOutboxRows(
        work,
        [...untried].flatMap((topic) => topic.outboxIds),
      ),
    );
  if (failure !== undefined) throw failure.reason;
  return { found: rows.length, waiting: waiting.length };
}

const keyOf = ({ topic, subjectId }: Due): string => `${topic} ${subjectId}`;

function groupBySubject(rows: readonly OutboxRow[]): (Due & { outboxIds: number[] })[] {
  const queues = new Map<string, Due & { outboxIds: number[] }>();
  for (const { outboxId, ...due } of rows) {
    const topic = queues.get(keyOf(due)) ?? { ...due, outboxIds: [] };
    if (due.nextDueAt < topic.nextDueAt) topic.nextDueAt = due.nextDueAt;
    topic.outboxIds.push(outboxId);
    queues.set(keyOf(due), topic);
  }
  return [...queues.values()];
}

export interface OutboxDispatcher {
  /** Ends after the flush under way; what is left is somebody else's, or the next start's. */
  stop(): Promise<void>;
}

/** Flushes on every notification and each second. */
export function startOutboxDispatcher({
  database,
  databaseUrl,
  handleRow: tellTemporal,
  log,
}: {
  database: Database;
  databaseUrl: string;
  handleRow: OutboxHandler;
  log: ActivityLog;
}): OutboxDispatcher {
  const signalledAt = new Map<string, number>();
  let isStopped = false;
  let isNotified = false;
  let handleRow = () => {};
  const notify = (): void => {
    isNotified = true;
    handleRow();
  };
  const listener = listen({
    url: databaseUrl,
    channel: OUTBOX_CHANNEL,
    onNotification: notify,
    onConnect: notify,
    onTrouble: (error) => log.warn({ err: error }, 'the outbox listener reconnects; polling meanwhile'),
  });

  /** Until the next notification, at most `ms`. */
  const rest = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      handleRow = () => {
        clearTimeout(timer);
        resolve();
      };
    });

  const mayWait = (due: Due): boolean =>
    due.nextDueAt.getTime() > Date.now() + SIGNAL_INTERVAL_MS &&
    Date.now() - (signalledAt.get(keyOf(due)) ?? 0) < SIGNAL_INTERVAL_MS;
  const onSignalled = (due: Due): void => {
    if (signalledAt.size > 10_000) signalledAt.clear();
    signalledAt.set(keyOf(due), Date.now());
  };

  const run = async (): Promise<void> => {
    while (!isStopped) {
      isNotified = false;
      const { found, waiting } = await flushOutbox({
        database,
        handleRow: tellTemporal,
        mayWait,
        onSignalled,
      }).catch((error: unknown) => {
        log.warn({ err: error }, 'could not send what the outbox holds; trying again in a second');
        return { found: 0, waiting: 0 };
      });
      if (waiting > 0) await rest(SIGNAL_INTERVAL_MS / 4);
      else if (found < ROWS_PER_FLUSH && !isNotified) await rest(POLL_MS);
    }
  };
  const running = run();

  return {
    async stop() {
      isStopped = true;
      handleRow();
      await running;
      await listener.close();
    },
  };
}
