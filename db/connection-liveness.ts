/**
 * Detects dead connections. A connection can die silently (a NAT that dropped it, a failover). A query on it
 * then waits for its whole timeout, and so does the next one. Therefore the `begin` of a transaction has a
 * short time limit. A connection on which a query timed out is dropped, with all connections that were last
 * used before that query was sent.
 */
import type { PostgresPool, PostgresPoolClient } from 'kysely';
import type { Pool, PoolClient } from 'pg';

/** `begin` costs the server nothing, so a server that does not answer it is unreachable. */
const BEGIN_WITHIN_MS = 2_500;

export function watchedConnections(pool: Pool): PostgresPool {
  const watched = new WeakMap<PoolClient, WatchedConnection>();
  let trustedSince = 0;

  async function connect(): Promise<PostgresPoolClient> {
    for (;;) {
      const client = await pool.connect();
      const connection =
        watched.get(client) ??
        new WatchedConnection(client, (sentAt) => (trustedSince = Math.max(trustedSince, sentAt)));
      watched.set(client, connection);
      connection.isFresh = true;
      if (connection.heardAt >= trustedSince) return connection;
      client.release(true);
    }
  }

  return { connect, end: () => pool.end() };
}

class WatchedConnection {
  isFresh = true;
  heardAt = performance.now();
  private isLost = false;

  constructor(
    private readonly client: PoolClient,
    private readonly onSilence: (sentAt: number) => void,
  ) {}

  // Typed as Kysely expects; cursors are not used.
  query = (async (text: string, values: unknown[]) => {
    // No further query is sent, not even the rollback, which would wait as long again.
    if (this.isLost) throw new Error('Connection terminated because a query on it was not answered');
    const limit = this.isFresh ? { query_timeout: BEGIN_WITHIN_MS } : {};
    const sentAt = performance.now();
    this.isFresh = false;
    try {
      const result = await this.client.query({ text, values, ...limit });
      this.heardAt = performance.now();
      return result;
    } catch (error) {
      this.isLost = error instanceof Error && /^Query read timeout/i.test(error.message);
      if (this.isLost) this.onSilence(sentAt);
      else this.heardAt = performance.now();
      throw error;
    }
  }) as unknown as PostgresPoolClient['query'];

  release(): void {
    this.client.release(this.isLost);
  }
}
