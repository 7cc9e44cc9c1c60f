/**
 * A reader process: speaks PostgreSQL's protocol for a worker, one session after the other. It has no network
 * of its own, no settings and no keys; the worker passes on the bytes of the connection.
 */
import { Duplex } from 'node:stream';
import { Client, DatabaseError } from 'pg';
import { FrameCheck, MalformedMessage, MessageTooLarge } from './frames';
import type { Call, Failure, FromReader, ReaderLimits, Rows, ToReader } from './messages';

/** More than any message of PostgreSQL that a person reads. */
const WORDS_MAX = 2_000;

class Refused extends Error {}

let connection: Connection | null = null;
let client: Client | null = null;
/** Why the connection broke. pg may hear first that it is closed. */
let breakage: Error | null = null;

process.on('message', (message: ToReader) => {
  if ('bytes' in message) return receive(message.bytes);
  if ('ended' in message) return void connection?.destroy();
  void answer(message).then(
    (rows) => send({ answer: rows }),
    (error: unknown) => setImmediate(() => send({ failure: failureOf(breakage ?? error) })),
  );
});
// A worker that ends takes its readers along.
process.on('disconnect', () => process.exit());
send({ ready: true });

function send(message: FromReader, done?: (error: Error | null) => void): void {
  process.send?.(message, undefined, {}, done);
}

/** Confirmed when it has been parsed, so that the worker notices a parser that does not end. */
function receive(bytes: Uint8Array): void {
  if (connection?.destroyed === false) connection.push(bytes);
  setImmediate(() => send({ received: true }));
}

async function answer(call: Call): Promise<Rows | null> {
  if (call.call === 'open') {
    [connection, breakage] = [new Connection(), null];
    client = createClient(call, connection);
    await client.connect();
    return null;
  }
  if (call.call === 'close') {
    if (connection?.destroyed === false) await client?.end();
    [connection, client] = [null, null];
    return null;
  }
  return query(client as Client, call.text, call.values);
}

/** The end of the connection that pg sees. */
class Connection extends Duplex {
  connect(): this {
    setImmediate(() => this.emit('connect'));
    return this;
  }
  setNoDelay(): this {
    return this;
  }
  setKeepAlive(): this {
    return this;
  }
  ref(): this {
    return this;
  }
  unref(): this {
    return this;
  }
  override _read(): void {}
  override _write(bytes: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    send({ bytes }, done);
  }
}

function createClient(
  { server, credentials, limits }: Extract<Call, { call: 'open' }>,
  stream: Connection,
): Client {
  const created = new Client({
    host: server.host,
    port: server.port,
    database: server.database,
    user: credentials.user,
    password: credentials.password,
    ssl: server.tls ? (server.tls_ca === undefined ? true : { ca: server.tls_ca }) : false,
    stream: () => stream,
    connectionTimeoutMillis: limits.loginTimeoutMs,
    query_timeout: limits.silenceMs,
    application_name: 'syncline',
  });
  created.on('error', () => undefined); // the query under way, or the next one, says it too
  checkFrames(created, limits);
  if (!server.tls) refusePlainPassword(created);
  return created;
}

/** pg parses what this leaves, with TLS and without. */
function checkFrames(created: Client, limits: ReaderLimits): void {
  const pg = created.connection as unknown as { attachListeners(stream: Duplex): void };
  const attach = pg.attachListeners.bind(pg);
  pg.attachListeners = (stream) => {
    const checked = new FrameCheck(limits);
    stream.on('error', (error) => (breakage ??= error));
    checked.on('error', (error) => stream.destroy(error));
    attach(stream.pipe(checked));
  };
}

/**
 * Without TLS an attacker on the network could request the password in plain text. SCRAM does not reveal it.
 */
function refusePlainPassword(created: Client): void {
  created.connection.prependListener('authenticationCleartextPassword', () => {
    created.connection.stream.destroy(
      new Refused(
        'The database asks for the password in plain text over an unencrypted connection. Use tls or SCRAM.',
      ),
    );
  });
}

const asWritten = { getTypeParser: () => (value: string) => value };

async function query(from: Client, text: string, values: readonly unknown[]): Promise<Rows> {
  const result = await from.query<(string | null)[]>({
    text,
    values: [...values],
    rowMode: 'array',
    types: asWritten,
  });
  if (Array.isArray(result)) return { columns: [], rows: [] }; // several statements
  return {
    columns: result.fields.map(({ name, dataTypeID }) => ({ name, oid: dataTypeID })),
    rows: result.rows,
  };
}

function failureOf(error: unknown): Failure {
  if (error instanceof MessageTooLarge) return { kind: 'too_large' };
  const { message = '', code } = error as { message?: string; code?: string };
  const words = message.slice(0, WORDS_MAX);
  if (error instanceof Refused) return { kind: 'unavailable', message: words };
  if (error instanceof MalformedMessage) return { kind: 'malformed', message: words };
  if (error instanceof DatabaseError) return { kind: 'database', code, message: words };
  return { kind: 'other', code: typeof code === 'string' ? code : undefined, message: words };
}
