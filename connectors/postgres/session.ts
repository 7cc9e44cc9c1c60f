/**
 * A short session: a connection under the egress policy with a read-only transaction. A connection per page
 * costs a few milliseconds and does not occupy the limited connections of the database between pages.
 */
import type { Socket } from 'node:net';
import { Client } from 'pg';
import type { ConnectorContext } from '../connector';
import { Unavailable } from '../errors';
import type { PostgresConfig, PostgresCredentials } from './config';
import { AnswerTooLarge, type Place, toFailure } from './failures';

export type PostgresContext = ConnectorContext<PostgresConfig, PostgresCredentials>;

export interface Rows {
  columns: { name: string; oid: number }[];
  /** Values in the server's text format. */
  rows: (string | null)[][];
}

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
const GOODBYE_MS = 1_000;
/** The size limit of the HTTP client. */
export const ANSWER_BYTES_MAX = 16 * 1024 * 1024;

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

/** Does the work in a transaction. Throws one of the four errors, or `AnswerTooLarge`. */
export async function inSession<T>(
  context: PostgresContext,
  place: Place | null,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const { host, port } = context.config;
  if (context.signal.aborted) throw new Unavailable('The worker is stopping.');
  const socket = await context.sockets.open({ host, port });
  const client = createClient(context, socket);
  try {
    await client.connect();
    const session = startSession(client);
    await client.query(BEGIN);
    session.horizon = new Date(Number((await session.query(HORIZON)).rows[0]?.[0]));
    const result = await work(session);
    await client.query('commit');
    return result;
  } catch (error) {
    throw toFailure(error, place);
  } finally {
    await leave(client, socket);
  }
}

function createClient({ config, credentials }: PostgresContext, socket: Socket): Client {
  const client = new Client({
    host: config.host,
    port: config.port,
    database: config.database,
    user: credentials.user,
    password: credentials.password,
    ssl: config.tls ? (config.tls_ca === undefined ? true : { ca: config.tls_ca }) : false,
    stream: () => connectedAlready(socket),
    connectionTimeoutMillis: LOGIN_TIMEOUT_MS,
    query_timeout: SILENCE_MS,
    application_name: 'syncline',
  });
  client.on('error', () => undefined); // the query under way, or the next one, says it too
  if (!config.tls) refusePlainPassword(client);
  return client;
}

/**
 * Without TLS an attacker on the network could request the password in plain text. SCRAM does not reveal it.
 */
function refusePlainPassword(client: Client): void {
  client.connection.prependListener('authenticationCleartextPassword', () => {
    client.connection.stream.destroy(
      new Unavailable(
        'The database asks for the password in plain text over an unencrypted connection. Use tls or SCRAM.',
      ),
    );
  });
}

/** pg connects the given socket, but this one is already connected to a checked address. */
function connectedAlready(socket: Socket): Socket {
  return Object.assign(socket, {
    connect() {
      setImmediate(() => socket.emit('connect'));
      return socket;
    },
  });
}

const asWritten = { getTypeParser: () => (value: string) => value };

function startSession(client: Client): Session {
  let bytes = 0;
  const { stream } = client.connection;
  stream.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > ANSWER_BYTES_MAX) stream.destroy(new AnswerTooLarge());
  });
  return {
    horizon: new Date(Number.NaN),
    bytesRead: () => bytes,
    async query(text, values = []) {
      const result = await client.query<(string | null)[]>({
        text,
        values: [...values],
        rowMode: 'array',
        types: asWritten,
      });
      return {
        columns: result.fields.map(({ name, dataTypeID }) => ({ name, oid: dataTypeID })),
        rows: result.rows,
      };
    },
  };
}

async function leave(client: Client, socket: Socket): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<void>((resolve) => (timer = setTimeout(resolve, GOODBYE_MS)));
  if (!socket.destroyed) await Promise.race([client.end().catch(() => undefined), patience]);
  clearTimeout(timer);
  socket.destroy();
}
