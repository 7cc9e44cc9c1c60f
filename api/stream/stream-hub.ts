/**
 * Sends the stream events of a tenant to its subscribers in this process. PostgreSQL notifications on one
 * connection per process, opened with the first subscriber, trigger reading; polling every few seconds covers
 * lost notifications. Each subscriber has its own position, so a reconnecting client gets the events it
 * missed.
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
import { groupBy } from '../../domain/group-by';

interface Subscriber {
  tenantId: string;
  /** The position of the last event sent; the hub advances it. */
  position: StreamPosition;
  send(events: readonly StreamEvent[]): void;
  /** False once the key or session is no longer valid; the stream then ends before another event is sent. */
  isStillAllowed(): Promise<boolean>;
  end(): void;
}

export interface StreamHub {
  /** The position for a subscriber that wants only new events. */
  positionNow(tenantId: string): Promise<StreamPosition>;
  /** Returns the function to unsubscribe. */
  subscribe(subscriber: Subscriber): () => void;
  /** The number of streams of one tenant, or of all tenants. */
  openStreams(tenantId?: string): number;
  /** Ends all streams; clients reconnect to another process and continue at their position. */
  close(): Promise<void>;
}

const BATCH = 500;
/** A full batch is followed by the next one after this time. */
const WAITING_MS = 100;
const CHECK_INTERVAL_MS = 5_000;

export function createStreamHub(options: {
  database: Database;
  databaseUrl: string;
  log: Logger;
}): StreamHub {
  const { databaseUrl, log } = options;
  const subscribers = new Subscribers();
  const notify = createReader(options, subscribers);
  const notifyAll = () => subscribers.tenantIds().forEach(notify);
  let listener: Listener | undefined;
  let interval: NodeJS.Timeout | undefined;
  let isClosed = false;

  return {
    positionNow: (tenantId) => currentStreamPosition((run) => options.database.withTenant(tenantId, run)),

    subscribe(subscriber) {
      if (isClosed) subscriber.end();
      const unsubscribe = subscribers.add(subscriber);
      interval ??= setInterval(notifyAll, CHECK_INTERVAL_MS).unref();
      listener ??= listen({
        url: databaseUrl,
        channel: STREAM_CHANNEL,
        onNotification: notify,
        onConnect: notifyAll,
        onTrouble: (err: Error) =>
          log.warn({ err }, 'the connection for stream notifications was lost and will be replaced'),
      });
      notify(subscriber.tenantId);
      return unsubscribe;
    },

    openStreams: (tenantId) =>
      tenantId === undefined ? subscribers.count() : subscribers.of(tenantId).length,

    async close() {
      isClosed = true;
      clearInterval(interval);
      for (const tenantId of subscribers.tenantIds())
        for (const subscriber of subscribers.of(tenantId)) subscriber.end();
      await listener?.close();
    },
  };
}

/** The subscribers of this process, by tenant. */
class Subscribers {
  readonly #byTenant = new Map<string, Set<Subscriber>>();

  tenantIds(): string[] {
    return [...this.#byTenant.keys()];
  }

  of(tenantId: string): Subscriber[] {
    return [...(this.#byTenant.get(tenantId) ?? [])];
  }

  has(subscriber: Subscriber): boolean {
    return this.#byTenant.get(subscriber.tenantId)?.has(subscriber) === true;
  }

  count(): number {
    return [...this.#byTenant.values()].reduce((sum, group) => sum + group.size, 0);
  }

  /** Returns the function to remove the subscriber. */
  add(subscriber: Subscriber): () => void {
    const { tenantId } = subscriber;
    const group = this.#byTenant.get(tenantId) ?? new Set();
    this.#byTenant.set(tenantId, group.add(subscriber));
    return () => {
      group.delete(subscriber);
      if (group.size === 0 && this.#byTenant.get(tenantId) === group) this.#byTenant.delete(tenantId);
    };
  }
}

/** Reads the events of a tenant, one read per tenant at a time; a call during a read causes one more read. */
function createReader(
  { database, log }: { database: Database; log: Logger },
  subscribers: Subscribers,
): (tenantId: string) => void {
  const reading = new Map<string, { isRequestedAgain: boolean }>();

  function notify(tenantId: string): void {
    const current = reading.get(tenantId);
    if (current !== undefined) current.isRequestedAgain = true;
    else if (subscribers.of(tenantId).length > 0) void read(tenantId);
  }

  async function read(tenantId: string): Promise<void> {
    const state = { isRequestedAgain: false };
    reading.set(tenantId, state);
    try {
      const isWaiting = await sendNewEvents(database, tenantId, subscribers);
      if (isWaiting) setTimeout(notify, WAITING_MS, tenantId).unref();
    } catch (error) {
      log.warn({ err: error }, 'stream events could not be read; retrying');
    }
    reading.delete(tenantId);
    if (state.isRequestedAgain) notify(tenantId);
  }

  return notify;
}

/** Checks all subscribers at the same time, so that the checks of their sessions share a statement. */
async function endRefused(subscribers: readonly Subscriber[]): Promise<void> {
  const isAllowed = await Promise.all(subscribers.map((subscriber) => subscriber.isStillAllowed()));
  subscribers.forEach((subscriber, index) => {
    if (isAllowed[index] === false) subscriber.end();
  });
}

/** Returns true if there are more events than one batch. */
async function sendNewEvents(
  database: Database,
  tenantId: string,
  subscribers: Subscribers,
): Promise<boolean> {
  await endRefused(subscribers.of(tenantId));
  let isWaiting = false;
  const upToDate: Read[] = [];
  // One query serves all subscribers with the same position. The newest is read first: what the others are
  // read afterwards then has all events before it, even if a client has made it up.
  const groups = [...groupBy(subscribers.of(tenantId), ({ position }) => position)].sort(([a], [b]) =>
    numberOf(a) < numberOf(b) ? 1 : -1,
  );
  for (const [after, group] of groups) {
    const read = await database.withTenant(tenantId, (work) =>
      readStreamEvents(work, { after, limit: BATCH }),
    );
    for (const subscriber of group) {
      if (!subscribers.has(subscriber)) continue;
      subscriber.position = read.reached;
      if (read.events.length > 0) subscriber.send(read.events);
    }
    if (read.isWaiting) isWaiting = true;
    else upToDate.push({ after, reached: read.reached, group });
  }
  sharePosition(upToDate);
  return isWaiting;
}

interface Read {
  after: StreamPosition;
  reached: StreamPosition;
  group: readonly Subscriber[];
}

/**
 * Each new subscriber starts at a position of its own. When the events before the newest of these positions
 * have been sent to all groups, all subscribers continue from it. `read`: the newest position first.
 */
function sharePosition(read: readonly Read[]): void {
  // A position that was never assigned, from which the read went back, says nothing about the others.
  const newest = read.find(({ after, reached }) => numberOf(reached) >= numberOf(after))?.after;
  if (newest === undefined) return;
  for (const subscriber of read.flatMap(({ group }) => group))
    if (numberOf(subscriber.position) < numberOf(newest)) subscriber.position = newest;
}

const numberOf = (position: StreamPosition): bigint => BigInt(position.split('-')[0] ?? '0');
