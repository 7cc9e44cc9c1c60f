/**
 * Lets a statement of the product fail as it fails at PostgreSQL: the transaction is aborted or the
 * connection lost, at the server too. While a scenario runs, the connects and statements of each `Database`
 * are counted. What a test itself sends, over a `Client`, does not count.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { Client, Pool } from 'pg';

type Event = 'connect' | 'begin' | 'statement' | 'commit';
type Send = (text?: string) => Promise<unknown>;
type Connection = Client & { processID: number; connection: { stream: { destroy(): void } } };
interface Struck {
  client: Connection;
  isBegin: boolean;
  /** The statement itself, or another one in its place. */
  send: Send;
  /** Another connection, as the superuser. */
  admin: Client;
}
type Strike = (struck: Struck) => Promise<unknown>;

const raises =
  (code: string, message: string): Strike =>
  ({ isBegin, send }) =>
    send(`${isBegin ? 'start transaction; ' : ''}do $$ begin
      raise exception using errcode = '${code}', message = '${message}'; end $$`);

/** The server ends the session, as at a shutdown: the statement under way learns of it. */
const terminated: Strike = async ({ client, isBegin, send, admin }) => {
  const failing = send(`${isBegin ? 'start transaction; ' : ''}select pg_sleep(20)`);
  failing.catch(() => undefined);
  await admin.query('select pg_terminate_backend($1)', [client.processID]);
  return failing;
};

/** The server ends the session while it waits for the next statement. */
const idle: Strike = async ({ client, isBegin, send }) => {
  const ended = new Promise((resolve) => client.once('end', resolve));
  await send(`set ${isBegin ? 'idle_session_timeout' : 'idle_in_transaction_session_timeout'} = 1`);
  await ended;
  return send();
};

const lost = async ({ client }: Struck): Promise<void> => {
  const ended = new Promise((resolve) => client.once('end', resolve));
  client.connection.stream.destroy();
  await ended;
};

const STATEMENT = {
  57014: raises('57014', 'canceling statement due to statement timeout'),
  '55P03': raises('55P03', 'canceling statement due to lock timeout'),
  40001: raises('40001', 'could not serialize access due to concurrent update'),
  '40P01': raises('40P01', 'deadlock detected'),
  53100: raises('53100', 'could not extend file: No space left on device'),
  25006: raises('25006', 'cannot execute UPDATE in a read-only transaction'),
  '57P01': terminated,
  'idle timeout': idle,
  '08006': async (struck) => {
    await lost(struck);
    return struck.send();
  },
} satisfies Record<string, Strike>;

const COMMIT = {
  57014: STATEMENT[57014],
  '40P01': STATEMENT['40P01'],
  53100: STATEMENT[53100],
  '57P01': STATEMENT['57P01'],
  '08006': STATEMENT['08006'],
  /** It is committed, and the client does not learn of it. */
  'lost answer': async (struck) => {
    await struck.send();
    await lost(struck);
    throw new Error('Connection terminated unexpectedly');
  },
} satisfies Record<string, Strike>;

const CONNECT = {
  53300: () => Object.assign(new Error('sorry, too many clients already'), { code: '53300' }),
  ECONNREFUSED: () => Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' }),
  'no free connection': () => new Error('timeout exceeded when trying to connect'),
};

/** What can happen at an event. */
export const FAULTS: Readonly<Record<Event, readonly string[]>> = {
  connect: Object.keys(CONNECT),
  begin: ['57014', '55P03', '53100', '57P01', 'idle timeout', '08006'],
  statement: Object.keys(STATEMENT),
  commit: Object.keys(COMMIT),
};

export interface Fault {
  /** Which event it strikes, counted from 1. */
  at: number;
  kind(event: Event): string;
  /** So does each later connect or statement, until it heals. */
  lasts: boolean;
}

const eventOf = (text: string): Event =>
  text.startsWith('start transaction') ? 'begin' : text === 'commit' ? 'commit' : 'statement';

export class StatementFaults {
  private fault: Fault | undefined;
  private events = 0;
  private isCounting = false;
  /** What the fault struck first, for the message of a failure. */
  struck: string | undefined;
  private readonly pools = new Set<Pool>();
  private readonly clients = new WeakSet<Client>();

  /** Counts events while `run` runs. @returns their number */
  async during(run: () => Promise<unknown>, fault?: Fault): Promise<number> {
    Object.assign(this, { fault, events: 0, isCounting: true, struck: undefined });
    try {
      await run();
    } finally {
      this.isCounting = false;
    }
    return this.events;
  }

  /** The database works again. */
  heal(): void {
    if (this.struck !== undefined) this.fault = undefined;
  }

  /** Connections that were not given back. */
  async leaked(): Promise<number> {
    const open = () => [...this.pools].reduce((sum, pool) => sum + pool.totalCount - pool.idleCount, 0);
    for (let tries = 0; open() > 0 && tries < 100; tries += 1) await pause(20);
    return open();
  }

  /** Of the `pg` of the test file; `admin` is connected to the database whose statements fail. */
  install(admin: Client): this {
    type Asks = Record<'connect' | 'query', (...given: unknown[]) => Promise<unknown>>;
    const { connect } = Pool.prototype as unknown as Asks;
    const { query } = Client.prototype as unknown as Asks;
    const { pools, clients } = this;
    const connecting = (begin: () => Promise<unknown>) => this.connect(begin);
    const querying = (client: Connection, text: string, send: Send) =>
      this.query(text, { client, send, admin });
    Pool.prototype.connect = function (this: Pool, ...callback: unknown[]): Promise<unknown> {
      if (callback.length > 0) return connect.apply(this, callback);
      pools.add(this);
      return connecting(() => connect.call(this));
    } as typeof Pool.prototype.connect;
    Client.prototype.query = function (this: Client, config: unknown, ...rest: unknown[]): Promise<unknown> {
      const send: Send = (text) => query.call(this, text === undefined ? config : { text }, ...rest);
      return clients.has(this)
        ? querying(this as Connection, (config as { text: string }).text, send)
        : send();
    } as typeof Client.prototype.query;
    return this;
  }

  private async connect(connect: () => Promise<unknown>): Promise<unknown> {
    const kind = this.strikes('connect', 'connect');
    if (kind !== undefined) throw (CONNECT[kind as keyof typeof CONNECT] ?? CONNECT[53300])();
    const client = await connect();
    this.clients.add(client as Client);
    return client;
  }

  private query(text: string, struck: Omit<Struck, 'isBegin'>): Promise<unknown> {
    if (text === 'rollback') return struck.send();
    const event = eventOf(text);
    const kind = this.strikes(event, text);
    const strike = { ...STATEMENT, ...COMMIT }[kind as keyof typeof COMMIT];
    return strike === undefined ? struck.send() : strike({ ...struck, isBegin: event === 'begin' });
  }

  private strikes(event: Event, text: string): string | undefined {
    if (!this.isCounting) return undefined;
    this.events += 1;
    if (this.fault === undefined) return undefined;
    const { at, lasts } = this.fault;
    if (this.events !== at && !(lasts && this.events > at)) return undefined;
    const kind = this.fault.kind(event);
    this.struck ??= `${kind} at ${event} ${at}: ${text.replaceAll(/\s+/g, ' ').slice(0, 120)}`;
    return kind;
  }
}
