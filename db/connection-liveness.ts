/**
 * Detects dead connections. A connection can die silently (a NAT that dropped it, a failover). A query on it
 * then waits for its whole timeout, and so does the next one. Therefore the first message of a transaction,
 * which begins it, has a short time limit. A connection on which a query timed out is dropped, with all
 * connections that were last used before that query was sent. A connection that refuses a write leads to a
 * server that became a standby, so it is dropped in the same way.
 */
import type { PostgresPool, PostgresPoolClient } from 'kysely';
import type { Pool, PoolClient, QueryResult } from 'pg';
import { noteOwnFailure } from './sql/database-away';

/** Beginning a transaction costs next to nothing, so a server that does not answer by then is unreachable. */
const BEGIN_WITHIN_MS = 2_500;
/** How long it may wait for a lock, which only a migration holds. */
export const BEGIN_LOCK_MS = 2_000;
/** PostgreSQL's code for a write in a read-only transaction, or on a standby. */
export const READ_ONLY = '25006';
const LOCK_TIMEOUT = '55P03';
const ROLLBACK = 'rollback';

export interface WatchedConnections extends PostgresPool {
  /** Drops every connection that is used no more, so that the next transaction opens a new one. */
  giveUp(): void;
}

export function watchedConnections(pool: Pool): WatchedConnections {
  const watched = new WeakMap<PoolClient, WatchedConnection>();
  let trustedSince = 0;

  async function connect(): Promise<PostgresPoolClient> {
    for (;;) {
      const client = await pool.connect().catch((error: unknown) => {
        throw noteOwnFailure(error);
      });
      const connection =
        watched.get(client) ??
        new WatchedConnection(client, (sentAt) => (trustedSince = Math.max(trustedSince, sentAt)));
      watched.set(client, connection);
      connection.isFresh = true;
      if (connection.heardAt >= trustedSince) return connection;
      client.release(true);
    }
  }

  return { connect, end: () => pool.end(), giveUp: () => (trustedSince = performance.now()) };
}

class WatchedConnection {
  isFresh = true;
  heardAt = performance.now();
  /** Does not answer: no further query is sent. */
  private isLost = false;
  private isReadOnly = false;
  /** What ended it between two queries. Those that follow only fail because it cannot be used any more. */
  private endedBy: Error | undefined;

  constructor(
    private readonly client: PoolClient,
    private readonly onDistrust: (sentAt: number) => void,
  ) {
    client.on('error', (error) => (this.endedBy ??= error));
  }

  // Typed as Kysely expects; cursors are not used.
  query = (async (text: string, values: unknown[]) => {
    // No further query is sent, not even the rollback, which would wait as long again.
    if (this.isLost)
      throw noteOwnFailure(new Error('Connection terminated because a query on it was not answered'));
    const { isFresh } = this;
    const limit = isFresh ? { query_timeout: BEGIN_WITHIN_MS } : {};
    const sentAt = performance.now();
    this.isFresh = false;
    try {
      const result: unknown = await this.client.query({ text, values, ...limit });
      this.heardAt = performance.now();
      // Several statements in one message.
      return Array.isArray(result) ? result.at(-1) : committed(text, result as QueryResult);
    } catch (failure) {
      const error = noteOwnFailure('code' in (failure as Error) ? failure : (this.endedBy ?? failure));
      const isUnanswered = /^Query read timeout/i.test((error as Error).message);
      // A transaction that is not rolled back would go on in the next one of the connection.
      this.isLost = isUnanswered || text === ROLLBACK;
      if (isUnanswered) this.onDistrust(sentAt);
      else this.heardAt = performance.now();
      if ((error as { code?: unknown }).code === READ_ONLY) {
        this.isReadOnly = true;
        this.onDistrust(sentAt);
      }
      // No statement of the caller has met a lock: for as long as it is held, the database is away.
      if (isFresh && (error as { code?: unknown }).code === LOCK_TIMEOUT)
        throw noteOwnFailure(new Error('timeout expired while a migration holds a lock', { cause: error }));
      throw error;
    }
  }) as unknown as PostgresPoolClient['query'];

  release(): void {
    this.client.release(this.isLost || this.isReadOnly);
  }
}

/** @throws if PostgreSQL rolled back instead, because a statement had failed and its error was caught. */
function committed(text: string, result: QueryResult): QueryResult {
  if (text === 'commit' && result.command !== 'COMMIT')
    throw new Error('The transaction was rolled back instead of committed: a statement in it had failed.');
  return result;
}
