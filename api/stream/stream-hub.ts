/**
 * Sends a tenant's stream events to everybody of that tenant who listens here. Woken by PostgreSQL's notifications on one connection
 * per process, made with the first subscriber; should one get lost, it still looks every few seconds. Each subscriber has a position
 * of its own, so one that comes back gets what it missed.
 */
import type { Logger } from 'pino';
import type { Database } from '../../db/database';
import { listen, type Listener } from '../../db/notification-listener';
import {
  currentStreamPosition,
  readStreamEvents,
  STREAM_CHANNEL,
  type StreamEvent,
  type StreamPosition,
} from '../../db/platform/change-feed';

export interface Subscriber {
  tenantId: string;
  /** The last event it was given; the hub moves it on. */
  position: StreamPosition;
  send(events: readonly StreamEvent[]): void;
  /** False once the key or the session behind it is no longer good: it is ended before it is sent anything more. */
  isStillAllowed(): Promise<boolean>;
  end(): void;
}

export interface StreamHub {
  /** Where a subscriber begins who wants what comes from now on. */
  positionNow(tenantId: string): Promise<StreamPosition>;
  /** Answers how to unsubscribe. */
  subscribe(subscriber: Subscriber): () => void;
  /** Of one tenant, or of all. */
  openStreams(tenantId?: string): number;
  /** Ends all: clients reconnect to another process and go on where they were. */
  close(): Promise<void>;
}

const BATCH = 500;
/** Events that a running transaction hides cannot be read yet: look again soon. */
const WAITING_MS = 100;
const CHECK_INTERVAL_MS = 5_000;

export function createStreamHub({
  database,
  databaseUrl,
  log,
}: {
  database: Database;
  databaseUrl: string;
  log: Logger;
}): StreamHub {
  const subscribers = new Map<string, Set<Subscriber>>();
  const reading = new Map<string, { isAskedAgain: boolean }>();
  let listener: Listener | undefined;
  let interval: NodeJS.Timeout | undefined;
  let isClosed = false;

  const subscribersOf = (tenantId: string) => [...(subscribers.get(tenantId) ?? [])];
  const wakeEverybody = () => [...subscribers.keys()].forEach(notifySubscribers);

  /** One reader per tenant at a time; a wake while it reads makes it read once more. */
  function notifySubscribers(tenantId: string): void {
    const current = reading.get(tenantId);
    if (current !== undefined) current.isAskedAgain = true;
    else if (subscribers.has(tenantId)) void keepReading(tenantId);
  }

  async function keepReading(tenantId: string): Promise<void> {
    const state = { isAskedAgain: false };
    reading.set(tenantId, state);
    try {
      const isWaiting = await readOnce(tenantId);
      if (isWaiting) setTimeout(notifySubscribers, WAITING_MS, tenantId).unref();
    } catch (error) {
      log.warn({ err: error }, 'stream events could not be read; they will be read again');
    }
    reading.delete(tenantId);
    if (state.isAskedAgain) notifySubscribers(tenantId);
  }

  async function readOnce(tenantId: string): Promise<boolean> {
    for (const subscriber of subscribersOf(tenantId))
      if (!(await subscriber.isStillAllowed())) subscriber.end();
    let isWaiting = false;
    // Those who caught up share a position, so this is one question for most.
    for (const after of new Set(subscribersOf(tenantId).map(({ position }) => position))) {
      const read = await database.withTenant(tenantId, (work) =>
        readStreamEvents(work, { after, limit: BATCH }),
      );
      const last = read.events.at(-1);
      isWaiting ||= read.isWaiting;
      for (const subscriber of subscribersOf(tenantId)) {
        if (subscriber.position !== after || last === undefined) continue;
        subscriber.position = last.position;
        subscriber.send(read.events);
      }
    }
    return isWaiting;
  }

  return {
    positionNow: (tenantId) => database.withTenant(tenantId, currentStreamPosition),

    subscribe(subscriber) {
      if (isClosed) subscriber.end();
      const group = subscribers.get(subscriber.tenantId) ?? new Set();
      subscribers.set(subscriber.tenantId, group.add(subscriber));
      interval ??= setInterval(wakeEverybody, CHECK_INTERVAL_MS).unref();
      const onTrouble = (err: Error) =>
        log.warn({ err }, 'the connection that hears of stream events broke; it will be made again');
      listener ??= listen({
        url: databaseUrl,
        channel: STREAM_CHANNEL,
        onNotification: notifySubscribers,
        onConnect: wakeEverybody,
        onTrouble,
      });
      notifySubscribers(subscriber.tenantId);
      return () => {
        group.delete(subscriber);
        if (group.size === 0 && subscribers.get(subscriber.tenantId) === group)
          subscribers.delete(subscriber.tenantId);
      };
    },

    openStreams: (tenantId) =>
      tenantId === undefined
        ? [...subscribers.values()].reduce((sum, group) => sum + group.size, 0)
        : subscribersOf(tenantId).length,

    async close() {
      isClosed = true;
      clearInterval(interval);
      for (const tenantId of subscribers.keys())
        for (const subscriber of subscribersOf(tenantId)) subscriber.end();
      await listener?.close();
    },
  };
}
