/**
 * One short visit to a database: a connection over the gated socket, a read-only transaction, and nothing
 * left behind. A connection per page costs a few milliseconds, holds none of the few that a database has, and
 * needs nobody to remember to close it.
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
  /** As the server writes them. */
  rows: (string | null)[][];
}

export interface Session {
  query(text: string, values?: readonly (string | number | null)[]): Promise<Rows>;
  /** The server's clock when the transaction began. */
  now: Date;
  /** What has come in so far. */
  bytesRead(): number;
}

const LOGIN_TIMEOUT_MS = 10_000;
const STATEMENT_TIMEOUT_MS = 30_000;
/** A server that does not even keep its own timeout is gone. */
const SILENCE_MS = STATEMENT_TIMEOUT_MS + 5_000;
const GOODBYE_MS = 1_000;
/** As much as the HTTP client takes at most. */
export const ANSWER_BYTES_MAX = 16 * 1024 * 1024;

/**
 * How values are written, whatever the server's defaults. As statements, because poolers like PgBouncer
 * refuse them at login.
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
const NOW = 'select floor(extract(epoch from now()) * 1000)::bigint';

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
    session.now = new Date(Number((await session.query(NOW)).rows[0]?.[0]));
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

/** Without TLS anybody on the way could ask for the password in the clear; SCRAM does not give it away. */
function refusePlainPassword(client: Client): void {
  client.connection.prependListener('authenticationCleartextPassword', () => {
    client.connection.stream.destroy(
      new Unavailable(
        'The database asks for the password in plain text over an unencrypted connection. Use tls or SCRAM.',
      ),
    );
  });
}

/** pg connects the socket it is given; this one is connected, to an address that was checked. */
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
    now: new Date(Number.NaN),
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
