/**
 * The least that a sender does which loses no event: this program writes the events into one plain table, and
 * a process of its own claims, sends and records them. No tenants, signing-key rotation, retries, states of
 * endpoints, fairness, logs of attempts or workflows.
 */
import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import type { Pool } from 'pg';
import { waitUntilReady } from '../../dev/start/processes';
import type { BenchEnvironment } from '../environment';
import { messagesOf } from './bare-loop';
import type { Receiver } from './receiver';

/** As the rows of an event and of its delivery together. */
const TABLE = `create table messages (
  message_id uuid primary key, event_id text not null, tenant_id uuid not null, endpoint_id uuid not null,
  url text not null, type text not null, body text not null, state text not null, attempts integer not null,
  next_attempt_at timestamptz, lease_until timestamptz, last_status integer, created_at timestamptz not null,
  finished_at timestamptz) with (fillfactor = 45);
  create index messages_due on messages (next_attempt_at) where next_attempt_at is not null`;

const INSERT = `with notified as (select pg_notify('messages', ''))
  insert into messages (message_id, event_id, tenant_id, endpoint_id, url, type, body, state, attempts,
    next_attempt_at, created_at)
  select message_id, event_id, $4, $5, $6, 'TEST', body, 'pending', 0, now(), now()
  from notified, unnest($1::uuid[], $2::text[], $3::text[]) as sent (message_id, event_id, body)`;

export class DurableLoop {
  private constructor(
    private readonly pool: Pool,
    private readonly receiver: Receiver,
  ) {}

  /** In a database of its own. `serverUrl`: the superuser's, of the database `postgres`. */
  static async start(
    environment: BenchEnvironment,
    { serverUrl, receiver }: { serverUrl: string; receiver: Receiver },
  ): Promise<DurableLoop> {
    const url = new URL(serverUrl);
    url.pathname = 'durable';
    await environment.pool(serverUrl).query('create database durable');
    const pool = environment.pool(url.href);
    await pool.query(TABLE);
    const sender = await environment.startNode(
      'durable-sender',
      'bench/webhooks/durable-sender-process.ts',
      {},
      [url.href],
    );
    await waitUntilReady(sender, () => fs.readFileSync(sender.logFile).includes('sender running'));
    return new DurableLoop(pool, receiver);
  }

  /** From the first message that is written to the last that arrives. @returns deliveries per second. */
  async deliver(path: string, count: number, perTransaction: number): Promise<number> {
    const [tenantId, endpointId, url] = [randomUUID(), randomUUID(), `${this.receiver.url}${path}`];
    const startedAt = performance.now();
    for (let written = 0; written < count; written += perTransaction) {
      const messages = messagesOf(perTransaction);
      const columns = [
        messages.map(({ uuid }) => uuid),
        messages.map(({ id }) => id),
        messages.map(({ body }) => body),
      ];
      await this.pool.query(INSERT, [...columns, tenantId, endpointId, url]);
    }
    await this.receiver.received(path, count);
    return count / ((performance.now() - startedAt) / 1_000);
  }
}
