/**
 * The ledger oracle: a third party over HTTP that honours idempotency keys, writes down every call with the
 * time, and answers as badly as a test asks. Linked by configuration alone, through the declarative REST
 * connector.
 *
 * An account per integration: `/{account}/people`. Records carry `rev`, the version of the change they come
 * from.
 */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export interface LedgerCall {
  account: string;
  method: string;
  kind: 'check' | 'find' | 'create' | 'update' | 'delete';
  externalId: string | null;
  rev: number | null;
  /** The push's id: sent as Idempotency-Key with every change. */
  key: string | null;
  bodyHash: string;
  /** Milliseconds since 1970 of its arrival. */
  at: number;
  /** True when it changed something: the first of its key, not refused. */
  isEffect: boolean;
  /** Status of the answer; null = it got none. */
  status: number | null;
  /** Another change of the same record was still being worked on. */
  isOverlapping: boolean;
}

export interface Person {
  id: string;
  external_id: string;
  rev: number | null;
  is_active: boolean;
  fields: Record<string, unknown>;
}

/** How a call is answered; nothing = well. */
export type Misbehaviour =
  /** Refused before anything happened. */
  | { kind: 'status'; status: number; headers?: Record<string, string>; body?: unknown }
  /** Done, and the connection cut instead of an answer. */
  | { kind: 'lose_answer' }
  /** Cut before anything happened. */
  | { kind: 'reset' }
  /** Neither done nor answered. */
  | { kind: 'hang' }
  /** Done and answered, after a while. */
  | { kind: 'slow'; ms: number };

export interface LedgerServer {
  url: string;
  port: number;
  calls: LedgerCall[];
  /** Decides about a call before anything happens; may wait. */
  decide: (call: LedgerCall) => Misbehaviour | undefined | Promise<Misbehaviour | undefined>;
  /** Called when a change has happened and before it is answered; may wait. */
  afterEffect: (call: LedgerCall) => void | Promise<void>;
  people(account: string): Person[];
  person(account: string, externalId: string): Person | undefined;
  /** Calls of an account that change something, in order. */
  changes(account: string): LedgerCall[];
  reset(): void;
  stop(): Promise<void>;
}

interface Request {
  call: LedgerCall;
  id: string | undefined;
  body: Record<string, unknown>;
}

const KINDS: Readonly<Record<string, LedgerCall['kind']>> = {
  POST: 'create',
  PATCH: 'update',
  DELETE: 'delete',
  GET: 'find',
};

export async function startLedgerServer(): Promise<LedgerServer> {
  const accounts = new Map<
    string,
    { people: Map<string, Person>; answers: Map<string, { status: number; body: unknown }>; created: number }
  >();
  const busy = new Map<string, number>();

  function accountOf(name: string) {
    const known = accounts.get(name) ?? { people: new Map(), answers: new Map(), created: 0 };
    accounts.set(name, known);
    return known;
  }

  /** What the call comes to, by the book: an idempotency key that was seen gets its first answer. */
  function apply({ call, id, body }: Request): { status: number; body: unknown } {
    const account = accountOf(call.account);
    if (call.kind === 'check') return { status: 200, body: { ok: true } };
    if (call.kind === 'find') {
      const people = [...account.people.values()];
      const items =
        call.externalId === null
          ? people.map(({ fields, ...person }) => ({ ...person, ...fields }))
          : people.filter((person) => person.external_id === call.externalId);
      return { status: 200, body: { items } };
    }
    const earlier = call.key === null ? undefined : account.answers.get(call.key);
    if (earlier !== undefined) return earlier;
    const answer = change(account, { call, id, body });
    // What was not there may be there next time; what was done stays done.
    if (call.key !== null && call.isEffect) account.answers.set(call.key, answer);
    return answer;
  }

  function change(
    account: ReturnType<typeof accountOf>,
    { call, id, body }: Request,
  ): { status: number; body: unknown } {
    const { external_id: externalId, rev, is_active: isActive, ...fields } = body;
    if (call.kind === 'create') {
      account.created += 1;
      const person: Person = {
        id: `p${account.created}`,
        external_id: String(externalId),
        rev: (rev as number) ?? null,
        is_active: isActive !== false,
        fields,
      };
      account.people.set(person.id, person);
      call.isEffect = true;
      return { status: 201, body: { ...person } };
    }
    const person = account.people.get(id ?? '');
    if (person === undefined) return { status: 404, body: { message: 'There is no such person.' } };
    call.isEffect = true;
    if (call.kind === 'delete') account.people.delete(person.id);
    else
      Object.assign(person, {
        rev: rev ?? person.rev,
        is_active: isActive ?? person.is_active,
        fields: { ...person.fields, ...fields },
      });
    return { status: 200, body: { ...person } };
  }

  async function serve(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const request = await readRequest(message);
    const { call } = request;
    const person = request.id === undefined ? undefined : accountOf(call.account).people.get(request.id);
    call.externalId ??= person?.external_id ?? null;
    call.rev ??= person?.rev ?? null;
    const recordSync = `${call.account} ${call.externalId}`;
    const isChange = call.kind !== 'check' && call.kind !== 'find';
    if (isChange) {
      call.isOverlapping = (busy.get(recordSync) ?? 0) > 0;
      busy.set(recordSync, (busy.get(recordSync) ?? 0) + 1);
      // Requests of a dead client do not count once the server is closed.
      response.once('close', () => busy.set(recordSync, (busy.get(recordSync) ?? 1) - 1));
    }
    ledger.calls.push(call);
    await respond(request, response, await ledger.decide(call));
  }

  async function respond(
    request: Request,
    response: ServerResponse,
    misbehaviour: Misbehaviour | undefined,
  ): Promise<void> {
    const { call } = request;
    if (misbehaviour?.kind === 'status')
      return send(
        call,
        response,
        misbehaviour.status,
        misbehaviour.body ?? { message: 'As ordered.' },
        misbehaviour.headers,
      );
    if (misbehaviour?.kind === 'reset') return void response.socket?.destroy();
    if (misbehaviour?.kind === 'hang') return;
    const { status, body } = apply(request);
    if (call.isEffect) await ledger.afterEffect(call);
    if (misbehaviour?.kind === 'lose_answer') return void response.socket?.destroy();
    if (misbehaviour?.kind === 'slow') await sleep(misbehaviour.ms);
    send(call, response, status, body);
  }

  function send(
    call: LedgerCall,
    response: ServerResponse,
    status: number,
    body: unknown,
    headers: Record<string, string> = {},
  ): void {
    if (response.destroyed) return;
    call.status = status;
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
  }

  const server = createServer((message, response) => {
    serve(message, response).catch(() => response.socket?.destroy()); // a client that died in the middle of its request
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;

  const ledger: LedgerServer = {
    url: `http://127.0.0.1:${port}`,
    port,
    calls: [],
    decide: () => undefined,
    afterEffect: () => undefined,
    people: (account) => [...accountOf(account).people.values()],
    person: (account, externalId) =>
      ledger.people(account).find((person) => person.external_id === externalId),
    changes: (account) =>
      ledger.calls.filter(
        (call) => call.account === account && call.kind !== 'check' && call.kind !== 'find',
      ),
    reset() {
      ledger.decide = () => undefined;
      ledger.afterEffect = () => undefined;
    },
    stop: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
  return ledger;
}

async function readRequest(message: IncomingMessage): Promise<Request> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString('utf8');
  const url = new URL(message.url ?? '/', 'http://ledger');
  const [, account = '', collection, id] = url.pathname.split('/').map(decodeURIComponent);
  const method = message.method ?? 'GET';
  const body = text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
  const key = message.headers['idempotency-key'];
  const call: LedgerCall = {
    account,
    method,
    kind: collection === 'ping' ? 'check' : (KINDS[method] ?? 'find'),
    externalId: url.searchParams.get('external_id') ?? (body.external_id as string | undefined) ?? null,
    rev: (body.rev as number | undefined) ?? null,
    key: typeof key === 'string' ? key : null,
    bodyHash: createHash('sha256').update(text).digest('hex'),
    at: Date.now(),
    isEffect: false,
    status: null,
    isOverlapping: false,
  };
  return { call, id, body };
}

/**
 * An integration of the ledger as an API client creates it. `by` is what keeps a second attempt from
 * creating a duplicate: looking for the record first, or nothing but the idempotency key. `isListed`: all
 * records can be read.
 */
export function ledgerIntegration(
  ledgerUrl: string,
  account: string,
  {
    by = 'find',
    isListed = false,
    ...settings
  }: { by?: 'find' | 'key'; isListed?: boolean } & Record<string, unknown> = {},
): Record<string, unknown> {
  const withKey = { headers: { 'Idempotency-Key': '{push_id}' } };
  return {
    connector: 'rest',
    app: 'Ledger',
    account_name: account,
    config: {
      app: 'Ledger',
      base_url: `${ledgerUrl}/${encodeURIComponent(account)}`,
      auth: { type: 'bearer' },
      check: { path: '/ping' },
      errors: {
        message: '/message',
        each: { at: '/errors', name: '/field', message: '/message', code: '/code' },
      },
      record_types: {
        employees: {
          label: 'People',
          external_id: '/external_id',
          id: '/id',
          ...(by === 'find' ? { find: { path: '/people{?external_id}', items: '/items' } } : {}),
          ...(isListed ? { list: { path: '/people', items: '/items', paging: { type: 'none' } } } : {}),
          create: {
            path: '/people',
            ...(by === 'key' ? { idempotency_header: 'Idempotency-Key' } : withKey),
          },
          update: { path: '/people/{remote_id}', ...withKey },
          delete: { path: '/people/{remote_id}', ...withKey },
          deactivate: { set: { is_active: false } },
          activate: { set: { is_active: true } },
        },
      },
    },
    credentials: { token: 'ledger-token' },
    record_types: {
      employees: {
        direction: 'push',
        on_delete: 'deactivate',
        fields: [
          { name: 'name', to: 'name' },
          { name: 'email', to: 'email' },
          { name: 'rev', to: 'rev' },
        ],
      },
    },
    grace_period_ms: 1_000,
    max_wait_ms: 60_000,
    initial_push: 'none',
    ...settings,
  };
}
