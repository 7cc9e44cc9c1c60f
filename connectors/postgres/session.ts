/**
 * A short session in a reader process: a connection under the egress policy with a read-only transaction. A
 * connection per page costs a few milliseconds and does not occupy the limited connections of the database
 * between pages.
 */
import type { ConnectorContext } from '../connector';
import { Unavailable } from '../errors';
import type { PostgresConfig, PostgresCredentials } from './config';
import { type Place, toFailure, toLoginFailure } from './failures';
import type { ReaderLimits, Rows } from './isolation/messages';
import { withReader } from './isolation/readers';

export type PostgresContext = ConnectorContext<PostgresConfig, PostgresCredentials> & {
  /** Tighter limits, for tests. */
  readerLimits?: Partial<ReaderLimits>;
};

export interface Session {
  query(text: string, values?: readonly (string | number | null)[]): Promise<Rows>;
  /** Rows with an earlier time of modification are visible. */
  horizon: Date;
  /** The rows received so far. */
  bytesRead(): number;
}

const LOGIN_TIMEOUT_MS = 10_000;
const STATEMENT_TIMEOUT_MS = 30_000;
/** A server that ignores its own statement timeout counts as unreachable. */
const SILENCE_MS = STATEMENT_TIMEOUT_MS + 5_000;
/** More than a log-in with the certificates of TLS needs. */
const LOGIN_BYTES_MAX = 64 * 1024;
const VALUES_MAX = 1_000_000;
/** The size limit of the HTTP client. */
export const ANSWER_BYTES_MAX = 16 * 1024 * 1024;

export const READER_LIMITS: ReaderLimits = {
  loginTimeoutMs: LOGIN_TIMEOUT_MS,
  silenceMs: SILENCE_MS,
  loginBytesMax: LOGIN_BYTES_MAX,
  answerBytesMax: ANSWER_BYTES_MAX,
  valuesMax: VALUES_MAX,
};

/**
 * The format of values, independent of the server's defaults. Sent as statements, because poolers like
 * PgBouncer refuse these settings at login.
 */
const BEGIN = [
  'begin read only',
  `set local statement_timeout = ${STATEMENT_TIMEOUT_MS}`,
  `set local timezone = 'UTC'`,
  `set local datestyle = 'ISO, YMD'`,
  `set local intervalstyle = 'iso_8601'`,
  `set local bytea_output = 'hex'`,
  'set local extra_float_digits = 1',
].join('; ');
/**
 * The server's clock, or the beginning of the oldest open transaction: its rows may carry that time, and they
 * become visible later. On a replica, the time of what has been replayed. Of other roles, only members of
 * pg_read_all_stats see the beginning: a transaction that writes counts as begun an hour ago.
 */
const HORIZON = `
select floor(extract(epoch from least(
         now(),
         (select min(coalesce(xact_start, now() - interval '1 hour')) from pg_catalog.pg_stat_activity
           where datname = current_database() and (xact_start is not null or backend_xid is not null)
             and not (usename = current_user and application_name = 'syncline')),
         (select min(prepared) - interval '1 hour' from pg_catalog.pg_prepared_xacts where database = current_database()),
         case when pg_is_in_recovery() then pg_last_xact_replay_timestamp() end)) * 1000)::bigint`;

/** Does the work in a transaction. Throws one of the four errors; `AnswerTooLarge` is one of them. */
export async function inSession<T>(
  context: PostgresContext,
  place: Place | null,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const { config, credentials } = context;
  const { host, port, database, tls, tls_ca } = config;
  return withReader({ server: `${host}:${port}`, tenantId: context.tenantId ?? '' }, async (reader) => {
    if (context.signal.aborted) throw new Unavailable('The worker is stopping.');
    const server = { host, port, database, tls, tls_ca };
    const limits = { ...READER_LIMITS, ...context.readerLimits };
    const socket = await context.sockets.open({ host, port });
    let isOpen = false;
    try {
      await reader.open(socket, { call: 'open', server, credentials, limits });
      isOpen = true;
      await reader.query(BEGIN);
      const horizon = new Date(Number((await reader.query(HORIZON)).rows[0]?.[0]));
      // Neither an invalid time nor one before PostgreSQL's calendar could be stored.
      if (!(horizon.getTime() > 0)) throw new Unavailable('The database did not answer with its time.');
      const query = reader.query.bind(reader);
      const result = await work({ query, horizon, bytesRead: () => reader.bytesRead });
      await reader.query('commit');
      return result;
    } catch (error) {
      throw isOpen ? toFailure(error, place) : toLoginFailure(error);
    }
  });
}
