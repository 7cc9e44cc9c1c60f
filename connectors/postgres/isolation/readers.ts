/**
 * The reader processes of this worker. What a third party's database sends is parsed in a process of its own,
 * whose memory is bounded; a reader that does not answer in time is killed, and another one is started for
 * the next session (rule 60).
 */
import { type ChildProcess, fork } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import type { Socket } from 'node:net';
import { extname, join } from 'node:path';
import { Unavailable } from '../../errors';
import { AnswerTooLarge, DatabaseRefusal, MalformedAnswer } from '../failures';
import type { Call, Failure, FromReader, ReaderLimits, Rows, ToReader } from './messages';

export const READERS_MAX = 16;
/** The part of the readers for the sessions of one tenant, and for those with one server. */
const OWNER_PART = 4;
const QUEUE_TIMEOUT_MS = 30_000;
const START_TIMEOUT_MS = 30_000;
export const READER_HEAP_MIB = 192;
/** For what a reader has to do beyond the limits that it observes itself. */
const GRACE_MS = 3_000;
/** Parsing what arrived at once takes milliseconds. */
const PARSE_TIMEOUT_MS = 10_000;
const GOODBYE_MS = 1_000;
const IDLE_MS = 30_000;

let settings = { readersMax: READERS_MAX, heapMib: READER_HEAP_MIB };

/** For this process, at its start. */
export function limitReaders(given: typeof settings): void {
  settings = given;
}

const idle: Reader[] = [];
const busy: Borrower[] = [];
const changes = new EventEmitter().setMaxListeners(0);

export interface Borrower {
  server: string;
  tenantId: string;
}

/** Waits for a reader, and lends it to the work. */
export async function withReader<T>(borrower: Borrower, work: (reader: Reader) => Promise<T>): Promise<T> {
  await takeTurn(borrower);
  try {
    const reader = idle.pop() ?? (await Reader.start());
    reader.borrow();
    try {
      return await work(reader);
    } finally {
      if (await reader.close()) keep(reader);
    }
  } finally {
    busy.splice(busy.indexOf(borrower), 1);
    changes.emit('free');
  }
}

/** Takes the place at once: several that wait must not see the same one free. */
async function takeTurn(borrower: Borrower): Promise<void> {
  const { server, tenantId } = borrower;
  const patience = AbortSignal.timeout(QUEUE_TIMEOUT_MS);
  const ownMax = Math.ceil(settings.readersMax / OWNER_PART);
  const isFree = () =>
    busy.length < settings.readersMax &&
    busy.filter((other) => other.tenantId === tenantId).length < ownMax &&
    busy.filter((other) => other.server === server).length < ownMax;
  while (!isFree()) {
    await once(changes, 'free', { signal: patience }).catch((cause: unknown) => {
      throw new Unavailable('Too many databases are being read at the moment.', null, { cause });
    });
  }
  busy.push(borrower);
}

function keep(reader: Reader): void {
  idle.push(reader);
  reader.rest(() => idle.splice(idle.indexOf(reader), 1));
}

export class Reader {
  #socket: Socket | null = null;
  #limits: ReaderLimits | null = null;
  #isLoggedIn = false;
  #bytesRead = 0;
  #failure: Error | null = null;
  #pending: { resolve(rows: Rows | null): void; reject(error: Error): void } | null = null;
  #parsing: NodeJS.Timeout | undefined;
  #resting: NodeJS.Timeout | undefined;
  #onEnd: () => void = () => undefined;

  private constructor(private readonly child: ChildProcess) {
    child.on('message', (message: FromReader) => this.#hear(message));
    child.on('error', (error) => this.#fail(lost(error)));
    child.on('exit', (code, signal) => {
      this.#fail(lost(new Error(`The reader process ended (${signal ?? code}).`)));
      this.#onEnd();
    });
  }

  static async start(): Promise<Reader> {
    const extension = extname(__filename);
    const child = fork(join(__dirname, `reader-process${extension}`), [], {
      execArgv: [
        ...(extension === '.ts' ? ['--import', 'tsx'] : []),
        `--max-old-space-size=${settings.heapMib}`,
      ],
      // Neither keys nor the variables that pg reads.
      env: pick(process.env, ['PATH', 'NODE_EXTRA_CA_CERTS', 'TMPDIR', 'TZ']),
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    const reader = new Reader(child);
    await reader.#within(
      START_TIMEOUT_MS,
      new Promise((resolve, reject) => (reader.#pending = { resolve, reject })),
    );
    return reader;
  }

  get bytesRead(): number {
    return this.#bytesRead;
  }

  borrow(): void {
    clearTimeout(this.#resting);
    this.#onEnd = () => undefined;
    this.child.ref();
    this.child.channel?.ref();
  }

  /** Does not keep this process alive, and ends after a while. */
  rest(onEnd: () => void): void {
    this.#onEnd = onEnd;
    this.#resting = setTimeout(() => this.child.kill('SIGKILL'), IDLE_MS).unref();
    this.child.unref();
    this.child.channel?.unref();
  }

  /** Logs in through a connection that is open already. Its bytes are counted from the first one on. */
  async open(socket: Socket, call: Extract<Call, { call: 'open' }>): Promise<void> {
    this.#socket = socket;
    this.#limits = call.limits;
    [this.#isLoggedIn, this.#bytesRead, this.#failure] = [false, 0, null];
    socket.on('data', (bytes: Buffer) => this.#receive(socket, bytes));
    socket.on('close', () => socket === this.#socket && this.#send({ ended: true }));
    await this.#call(call, call.limits.loginTimeoutMs + GRACE_MS);
    this.#isLoggedIn = true;
  }

  async query(text: string, values: readonly (string | number | null)[] = []): Promise<Rows> {
    const timeout = (this.#limits as ReaderLimits).silenceMs + GRACE_MS;
    return (await this.#call({ call: 'query', text, values }, timeout)) as Rows;
  }

  /** True if the reader can serve another session. */
  async close(): Promise<boolean> {
    try {
      if (this.#failure !== null) throw this.#failure;
      await this.#call({ call: 'close' }, GOODBYE_MS);
      return this.child.connected;
    } catch {
      this.child.kill('SIGKILL');
      return false;
    } finally {
      this.#socket?.destroy();
      this.#socket = null;
    }
  }

  #receive(socket: Socket, bytes: Buffer): void {
    if (socket !== this.#socket) return;
    this.#bytesRead += bytes.length;
    const limits = this.#limits as ReaderLimits;
    if (!this.#isLoggedIn && this.#bytesRead > limits.loginBytesMax)
      return this.#fail(new Unavailable('The database sent too much during the log-in.'));
    if (this.#bytesRead > limits.answerBytesMax) return this.#fail(new AnswerTooLarge());
    socket.pause();
    this.#send({ bytes });
    this.#parsing = setTimeout(
      () => this.#fail(new Unavailable('The database sent something that cannot be read.')),
      Math.min(PARSE_TIMEOUT_MS, limits.silenceMs),
    );
  }

  #hear(message: FromReader): void {
    if ('bytes' in message) return void this.#socket?.write(message.bytes);
    if ('received' in message) {
      clearTimeout(this.#parsing);
      return void this.#socket?.resume();
    }
    const pending = this.#pending;
    this.#pending = null;
    if ('failure' in message) pending?.reject(toError(message.failure));
    else pending?.resolve('answer' in message ? message.answer : null);
  }

  async #call(call: Call, timeoutMs: number): Promise<Rows | null> {
    if (this.#failure !== null) throw this.#failure;
    const answer = new Promise<Rows | null>((resolve, reject) => (this.#pending = { resolve, reject }));
    this.#send(call);
    return this.#within(timeoutMs, answer);
  }

  async #within<T>(timeoutMs: number, work: Promise<T>): Promise<T> {
    const timer = setTimeout(() => this.#fail(lost(new Error('The reader process is silent.'))), timeoutMs);
    try {
      return await work;
    } finally {
      clearTimeout(timer);
    }
  }

  #send(message: ToReader): void {
    if (this.child.connected) this.child.send(message, (error) => error !== null && this.#fail(lost(error)));
  }

  /** Nothing more is heard from a reader that failed. */
  #fail(error: Error): void {
    this.#failure ??= error;
    clearTimeout(this.#parsing);
    this.child.kill('SIGKILL');
    this.#socket?.destroy();
    this.#pending?.reject(this.#failure);
    this.#pending = null;
  }
}

function toError(failure: Failure): Error {
  if (failure.kind === 'too_large') return new AnswerTooLarge();
  if (failure.kind === 'malformed') return new MalformedAnswer(failure.message);
  if (failure.kind === 'unavailable') return new Unavailable(failure.message);
  if (failure.kind === 'database') return new DatabaseRefusal(failure.message, failure.code);
  return Object.assign(new Error(failure.message), { code: failure.code });
}

function lost(cause: Error): Unavailable {
  return new Unavailable('The connection to the database was lost, or its answer could not be read.', null, {
    cause,
  });
}

function pick(environment: NodeJS.ProcessEnv, names: readonly string[]): NodeJS.ProcessEnv {
  return Object.fromEntries(
    names.flatMap((name) => (name in environment ? [[name, environment[name]]] : [])),
  );
}
