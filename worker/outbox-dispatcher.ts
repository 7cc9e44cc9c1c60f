/**
 * Passes outbox messages on to Temporal. Each topic has a queue and calls of its own, so a push or a webhook
 * does not wait behind schedules. A subject whose work is not due yet gets about one call a second. Any
 * number of dispatchers may run.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ActivityLog } from '../activities/dependencies';
import type { Database } from '../db/database';
import { listen } from '../db/notification-listener';
import { OUTBOX_CHANNEL, readTopics, subjectIdOf } from '../db/platform/outbox';
import { databaseNowMs } from '../db/sql/ids';
import { InterruptiblePause } from './interruptible-pause';
import { TopicCalls } from './outbox-calls';
import { type FlushOptions, flushTopic, type RefusedMessage } from './outbox-flush';
import type { OutboxHandler } from './outbox-handlers';

const POLL_MS = 1_000;
/** Notifications that arrive within this time share a look at the outbox. */
const LOOK_INTERVAL_MS = 10;
/**
 * The least time between two flushes of a topic. Events come in bursts, and their endpoint's queue, once it
 * works, finds them without a signal.
 */
const FLUSH_INTERVAL_MS: Readonly<Record<string, number>> = { webhook_endpoint: 50 };
/**
 * Debounce windows that open one after the other share a signal: the push queue reads all due rows. After a
 * refusal, new messages about the subject wait as long.
 */
const SIGNAL_INTERVAL_MS = 1_000;
const REMEMBERED_SUBJECTS_MAX = 10_000;

export interface OutboxDispatcher {
  /** Resolves after the calls under way. Other dispatchers, or the next start, send the rest. */
  stop(): Promise<void>;
}

export interface OutboxDispatcherOptions {
  database: Database;
  databaseUrl: string;
  handleRow: OutboxHandler;
  log: ActivityLog;
}

/** Looks for messages at every notification, and each second in case one was lost. */
export function startOutboxDispatcher(options: OutboxDispatcherOptions): OutboxDispatcher {
  const { database, databaseUrl, log } = options;
  const pause = new InterruptiblePause();
  const queues = new TopicQueues(options, () => pause.interrupt());
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
      const topics = await database.withDispatcher(readTopics).catch((error: unknown) => {
        log.warn({ err: error }, 'could not read the outbox; retrying in a second');
        return [];
      });
      for (const topic of topics) queues.flush(topic);
      await sleep(LOOK_INTERVAL_MS);
      if (!pause.isInterrupted) await pause.sleep(POLL_MS);
    }
  };
  const running = run();

  return {
    async stop() {
      isStopped = true;
      pause.interrupt();
      await running;
      await queues.stop();
      await listener.close();
    },
  };
}

interface TopicQueue {
  running: Promise<void>;
  /** There may be messages that the current flush has not seen. */
  isAskedAgain: boolean;
}

/** One flush at a time for each topic. */
class TopicQueues {
  readonly #queues = new Map<string, TopicQueue>();
  readonly #lastTenants = new Map<string, string | undefined>();
  readonly #limits = new Map<string, number>();
  readonly #calls = new Map<string, TopicCalls>();
  readonly #signalRate = limitSignalRate();
  readonly #resting = new Set<InterruptiblePause>();
  #isStopped = false;

  constructor(
    private readonly options: OutboxDispatcherOptions,
    private readonly onWaited: () => void,
  ) {}

  flush(topic: string): void {
    const queue = this.#queues.get(topic);
    if (queue !== undefined) queue.isAskedAgain = true;
    else {
      const started: TopicQueue = { running: Promise.resolve(), isAskedAgain: true };
      this.#queues.set(topic, started);
      started.running = this.#run(topic, started);
    }
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const pause of this.#resting) pause.interrupt();
    await Promise.all([...this.#queues.values()].map(({ running }) => running));
    await Promise.all([...this.#calls.values()].map((calls) => calls.untilIdle()));
  }

  async #run(topic: string, queue: TopicQueue): Promise<void> {
    while (queue.isAskedAgain && !this.#isStopped) {
      queue.isAskedAgain = false;
      const startedAt = performance.now();
      try {
        if (await this.#flushOnce(topic)) queue.isAskedAgain = true;
        else await this.#rest((FLUSH_INTERVAL_MS[topic] ?? 0) - (performance.now() - startedAt));
      } catch (error) {
        this.#logTrouble(topic, error);
        await this.#rest(POLL_MS);
      }
    }
    this.#queues.delete(topic);
  }

  /** @returns true if there are more messages to send. */
  async #flushOnce(topic: string): Promise<boolean> {
    const { database, handleRow } = this.options;
    const calls = this.#calls.get(topic) ?? new TopicCalls();
    this.#calls.set(topic, calls);
    await calls.untilPlaceIsFree();
    if (this.#isStopped) return false;
    const { waitMsOf, onSent, noteRefused } = this.#signalRate;
    const { isMore, waitMs, lastTenant } = await flushTopic({
      database,
      topic,
      handleRow,
      calls,
      afterTenant: this.#lastTenants.get(topic),
      limit: this.#limits.get(topic),
      waitMsOf,
      onSent,
      onRefused: (refused) => {
        noteRefused(refused);
        this.#logRefused(refused);
      },
      onNextLimit: (rows) => this.#limits.set(topic, rows),
      onLateTrouble: (error) => this.#logTrouble(topic, error),
      onPlaceFree: () => this.flush(topic),
    });
    this.#lastTenants.set(topic, lastTenant);
    if (waitMs !== null) setTimeout(this.onWaited, waitMs).unref();
    return isMore;
  }

  async #rest(ms: number): Promise<void> {
    if (ms <= 0) return;
    const pause = new InterruptiblePause();
    this.#resting.add(pause);
    await pause.sleep(ms);
    this.#resting.delete(pause);
  }

  #logTrouble(topic: string, error: unknown): void {
    const text = 'could not send outbox messages to Temporal; retrying in a second';
    this.options.log.warn({ err: error, topic }, text);
  }

  #logRefused({ error, ...refused }: RefusedMessage): void {
    const text = 'an outbox message was refused; it is tried again with a back-off';
    this.options.log.warn({ err: error, ...refused }, text);
  }
}

/**
 * A message waits if its subject was refused less than a second ago, or got a call less than a second ago and
 * its work is not due yet.
 */
function limitSignalRate(): SignalRate {
  type Instants = Map<string, number>;
  const [sentAt, refusedAt]: [Instants, Instants] = [new Map(), new Map()];
  const keyOf = (topic: string, subjectId: string): string => `${topic} ${subjectId}`;
  const note = (known: Instants, key: string): void => {
    if (known.size > REMEMBERED_SUBJECTS_MAX) known.clear();
    known.set(key, performance.now());
  };
  return {
    waitMsOf: (message) => {
      const key = keyOf(message.topic, subjectIdOf(message));
      const isDue = message.nextDueAt.getTime() <= databaseNowMs() + 2 * SIGNAL_INTERVAL_MS;
      const calledAt = isDue ? undefined : sentAt.get(key);
      const since = Math.max(calledAt ?? -Infinity, refusedAt.get(key) ?? -Infinity);
      return Math.max(since + SIGNAL_INTERVAL_MS - performance.now(), 0);
    },
    onSent: (message) => note(sentAt, keyOf(message.topic, subjectIdOf(message))),
    noteRefused: ({ topic, subjectId }) => note(refusedAt, keyOf(topic, subjectId)),
  };
}

interface SignalRate extends Required<Pick<FlushOptions, 'waitMsOf' | 'onSent'>> {
  noteRefused(refused: RefusedMessage): void;
}
