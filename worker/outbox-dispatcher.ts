/**
 * Passes outbox messages on to Temporal. Messages about the same subject are merged into one call per flush,
 * and a subject whose work is not due yet gets about one call a second. Any number of dispatchers may run. A
 * row is deleted after Temporal accepted the call, so a crash repeats a message and never loses one.
 */
import type { ActivityLog } from '../activities/dependencies';
import type { Database } from '../db/database';
import { listen } from '../db/notification-listener';
import {
  backOffMessages,
  deleteMessages,
  type DueMessage,
  type LeasedMessage,
  leaseMessages,
  OUTBOX_CHANNEL,
  releaseMessages,
  subjectIdOf,
} from '../db/platform/outbox';
import { isTemporalAway } from './temporal-away';
import { InterruptiblePause } from './interruptible-pause';
import type { OutboxHandler } from './outbox-handlers';

const POLL_MS = 1_000;
/** After this long the rows of a dispatcher that died are taken by another (rules.md R3). */
const LEASE_SECONDS = 3;
const ROWS_PER_FLUSH = 500;
const CALLS_AT_ONCE = 16;
/** Debounce windows that open one after the other share a signal: the push queue reads all due rows. */
const SIGNAL_INTERVAL_MS = 1_000;
/** A refused message is tried again after 2 s, 4 s, 8 s, at last once an hour. It is never dropped. */
const BACK_OFF_SECONDS_MAX = 3_600;
const ERROR_LENGTH_MAX = 1_000;
const REMEMBERED_SUBJECTS_MAX = 10_000;

export interface FlushOptions {
  database: Database;
  handleRow: OutboxHandler;
  /** True if the message can wait for the next flush. */
  mayWait?: (message: DueMessage) => boolean;
  onSent?: (message: DueMessage) => void;
  onRefused?: (refused: RefusedMessage) => void;
}

/** A message that Temporal or its handler refused, for the log. */
export interface RefusedMessage {
  outboxIds: number[];
  tenantId: string;
  topic: string;
  subjectId: string;
  attempts: number;
  error: unknown;
}

/** Messages about one subject: the first of them, with the earliest instant of all. */
interface MergedMessage {
  message: DueMessage;
  outboxIds: number[];
  attempts: number;
}

/**
 * Sends the messages in the outbox. A refused message backs off, and the others are sent. @throws if Temporal
 * is away, after releasing the messages that were not tried.
 */
export async function flushOutbox({
  database,
  handleRow,
  mayWait = () => false,
  onSent,
  onRefused,
}: FlushOptions): Promise<{ found: number; waiting: number }> {
  const leased = await database.withDispatcher((work) =>
    leaseMessages(work, { limit: ROWS_PER_FLUSH, leaseSeconds: LEASE_SECONDS }),
  );
  const merged = mergeBySubject(leased);
  const waiting = merged.filter(({ message }) => mayWait(message));
  const untried = new Set(merged);
  const sending = merged.filter((each) => !waiting.includes(each));
  let failure: PromiseRejectedResult | undefined;
  for (let start = 0; start < sending.length && failure === undefined; start += CALLS_AT_ONCE) {
    const slice = sending.slice(start, start + CALLS_AT_ONCE);
    const outcomes = await Promise.allSettled(slice.map(({ message }) => handleRow(message)));
    const sent = slice.filter((_, position) => outcomes[position]?.status === 'fulfilled');
    const refused = outcomes.flatMap((outcome, position) =>
      outcome.status === 'rejected' ? [{ outcome, each: slice[position] as MergedMessage }] : [],
    );
    failure = refused.find(({ outcome }) => isTemporalAway(outcome.reason))?.outcome;
    for (const { outcome, each } of refused) {
      if (isTemporalAway(outcome.reason)) continue;
      const report = await backOff(database, each, outcome.reason);
      onRefused?.(report);
    }
    await database.withDispatcher((work) => deleteMessages(work, outboxIdsOf(sent)));
    for (const each of slice) untried.delete(each);
    for (const { message } of sent) onSent?.(message);
  }
  if (untried.size > 0)
    await database.withDispatcher((work) => releaseMessages(work, outboxIdsOf([...untried])));
  if (failure !== undefined) throw failure.reason;
  return { found: leased.length, waiting: waiting.length };
}

async function backOff(
  database: Database,
  { message, outboxIds, attempts: earlier }: MergedMessage,
  error: unknown,
): Promise<RefusedMessage> {
  const attempts = earlier + 1;
  const seconds = Math.min(2 ** attempts, BACK_OFF_SECONDS_MAX);
  const text = String(error).slice(0, ERROR_LENGTH_MAX);
  await database.withDispatcher((work) => backOffMessages(work, outboxIds, { seconds, error: text }));
  const { tenantId, topic } = message;
  return { outboxIds, tenantId, topic, subjectId: subjectIdOf(message), attempts, error };
}

const outboxIdsOf = (merged: readonly MergedMessage[]): number[] =>
  merged.flatMap(({ outboxIds }) => outboxIds);

const subjectKey = (message: DueMessage): string => `${message.topic} ${subjectIdOf(message)}`;

function mergeBySubject(leased: readonly LeasedMessage[]): MergedMessage[] {
  const bySubject = new Map<string, MergedMessage>();
  for (const { outboxId, attempts, ...message } of leased) {
    const merged = bySubject.get(subjectKey(message)) ?? { message, outboxIds: [], attempts: 0 };
    merged.attempts = Math.max(merged.attempts, attempts);
    if (message.nextDueAt < merged.message.nextDueAt) merged.message.nextDueAt = message.nextDueAt;
    merged.outboxIds.push(outboxId);
    bySubject.set(subjectKey(message), merged);
  }
  return [...bySubject.values()];
}

export interface OutboxDispatcher {
  /** Resolves after the current flush. Other dispatchers, or the next start, send the rest. */
  stop(): Promise<void>;
}

export interface OutboxDispatcherOptions {
  database: Database;
  databaseUrl: string;
  handleRow: OutboxHandler;
  log: ActivityLog;
}

/** Flushes on every database notification, and each second in case one was lost. */
export function startOutboxDispatcher(options: OutboxDispatcherOptions): OutboxDispatcher {
  const { database, databaseUrl, handleRow, log } = options;
  const { mayWait, onSent } = limitSignalRate();
  const onRefused = ({ error, ...refused }: RefusedMessage): void =>
    log.warn({ err: error, ...refused }, 'an outbox message was refused; it is tried again with a back-off');
  const pause = new InterruptiblePause();
  let isStopped = false;
  const listener = listen({
    url: databaseUrl,
    channel: OUTBOX_CHANNEL,
    onNotification: () => pause.interrupt(),
    onConnect: () => pause.interrupt(),
    onTrouble: (error) =>
      log.warn({ err: error }, 'outbox listener lost its connection; polling until it reconnects'),
  });

  const run = async (): Promise<void> => {
    while (!isStopped) {
      pause.reset();
      const { found, waiting } = await flushOutbox({ database, handleRow, mayWait, onSent, onRefused }).catch(
        (error: unknown) => {
          log.warn({ err: error }, 'could not send outbox messages to Temporal; retrying in a second');
          return { found: 0, waiting: 0 };
        },
      );
      if (waiting > 0) await pause.sleep(SIGNAL_INTERVAL_MS / 4);
      else if (found < ROWS_PER_FLUSH && !pause.isInterrupted) await pause.sleep(POLL_MS);
    }
  };
  const running = run();

  return {
    async stop() {
      isStopped = true;
      pause.interrupt();
      await running;
      await listener.close();
    },
  };
}

/** Lets a message wait if its work is not due yet and its subject got a call less than a second ago. */
function limitSignalRate(): Required<Pick<FlushOptions, 'mayWait' | 'onSent'>> {
  const sentAt = new Map<string, number>();
  return {
    mayWait: (message) =>
      message.nextDueAt.getTime() > Date.now() + SIGNAL_INTERVAL_MS &&
      Date.now() - (sentAt.get(subjectKey(message)) ?? 0) < SIGNAL_INTERVAL_MS,
    onSent: (message) => {
      if (sentAt.size > REMEMBERED_SUBJECTS_MAX) sentAt.clear();
      sentAt.set(subjectKey(message), Date.now());
    },
  };
}
