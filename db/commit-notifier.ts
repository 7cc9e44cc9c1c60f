/**
 * Notifies listeners after a commit. A NOTIFY inside the transaction would hold a lock of the whole server
 * until its commit is on the disk, so that commits of all connections wait for each other. A lost
 * notification delays its listeners until they poll.
 */
import type { Transaction } from 'kysely';
import { Pool } from 'pg';
import type { Tables } from './tables';

/** Notifications of a process are collected for this long. The first one after a pause is sent at once. */
const INTERVAL_MS = 20;

type Payloads = Set<string>;
/** By channel. */
type Notifications = Map<string, Payloads>;

const requested = new WeakMap<Transaction<Tables>, Notifications>();

/** Has no effect if the transaction is rolled back. */
export function notifyAfterCommit(trx: Transaction<Tables>, channel: string, payload = ''): void {
  const notifications = requested.get(trx) ?? new Map<string, Payloads>();
  requested.set(trx, notifications);
  add(notifications, channel, payload);
}

function add(notifications: Notifications, channel: string, payload: string): void {
  const payloads = notifications.get(channel) ?? new Set();
  notifications.set(channel, payloads.add(payload));
}

export class CommitNotifier {
  /** A connection of its own: a notification waits for no transaction of the process. */
  readonly #pool: Pool;
  #pending: Notifications = new Map();
  #sending: Promise<void> | undefined;

  constructor(url: string) {
    this.#pool = new Pool({
      connectionString: url,
      max: 1,
      connectionTimeoutMillis: 2_000,
      query_timeout: 2_000,
      idleTimeoutMillis: 30_000,
      maxLifetimeSeconds: 300,
      keepAlive: true,
    });
    this.#pool.on('error', () => undefined);
    this.#pool.on('connect', (client) => client.on('error', () => undefined));
  }

  /** Sends what the committed transaction requested. */
  committed(trx: Transaction<Tables>): void {
    const notifications = requested.get(trx);
    if (notifications === undefined) return;
    for (const [channel, payloads] of notifications)
      for (const payload of payloads) add(this.#pending, channel, payload);
    this.#sending ??= this.#sendPending();
  }

  async close(): Promise<void> {
    await this.#sending;
    await this.#pool.end();
  }

  async #sendPending(): Promise<void> {
    while (this.#pending.size > 0) {
      const rows = [...this.#pending].flatMap(([channel, payloads]) =>
        [...payloads].map((payload) => ({ channel, payload })),
      );
      this.#pending = new Map();
      await this.#send(rows).catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, INTERVAL_MS));
    }
    this.#sending = undefined;
  }

  /** Nothing is written, so no commit waits for the disk. */
  async #send(rows: readonly { channel: string; payload: string }[]): Promise<void> {
    await this.#pool.query(
      `select set_config('synchronous_commit', 'off', true),
         count(pg_notify(row.channel, row.payload))
       from unnest($1::text[], $2::text[]) as row(channel, payload)`,
      [rows.map(({ channel }) => channel), rows.map(({ payload }) => payload)],
    );
  }
}
