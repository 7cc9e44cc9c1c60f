/**
 * Deliveries during failures: of the worker by kill -9, of the receiver, of PostgreSQL. No event is
 * lost, and what comes twice comes under the same webhook-id (S15, rules.md 44).
 */
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import { createServer, type Server } from 'node:http';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Database } from '../../db/database';
import { emitEvents } from '../../db/webhooks/events';
import { fromTypeId, toTypeId } from '../../db/sql/ids';
import { migrateToLatest } from '../../db/migrate';
import { type PostgresServer, startPostgres } from '../../dev/start/postgres';
import { freePort } from '../support/servers/free-port';
import { type FaultyLink, startToxiproxy, type Toxiproxy } from '../support/servers/fault-servers';
import { type Product, startProduct, throughPort } from '../support/environments/product';
import { temporaryFolder } from '../support/servers/shared-servers';
import { until } from '../support/until';
import { ALL_VERIFIERS, type SignedWebhook, verifiersThatTake } from '../support/fakes/webhook-verifiers';

const EVENTS = 2_000;
let postgres: PostgresServer;
let startServer: () => Promise<void>;
let product: Product;
let database: Database;
let toxiproxy: Toxiproxy;
/** Between the worker and PostgreSQL. */
let databaseLink: FaultyLink;

/** A receiver on a fixed port that can stop and start again, and records what it received. */
class MortalReceiver {
  received: Omit<SignedWebhook, 'secret'>[] = [];
  /** Called when a webhook is read whole; false: it is not answered. */
  onWebhook: (count: number) => boolean | Promise<boolean> = () => true;
  private server: Server | undefined;

  private constructor(private readonly port: number) {}

  static async start(): Promise<MortalReceiver> {
    const receiver = new MortalReceiver(await freePort());
    await receiver.start();
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/hooks`;
  }

  async start(): Promise<void> {
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        this.received.push({
          body: Buffer.concat(chunks).toString(),
          headers: request.headers as unknown as SignedWebhook['headers'],
        });
        void Promise.resolve(this.onWebhook(this.received.length)).then(
          (isAnswered) => isAnswered && response.writeHead(204).end(),
        );
      });
    });
    await new Promise<void>((resolve) => server.listen(this.port, '127.0.0.1', resolve));
    this.server = server;
  }

  async die(): Promise<void> {
    const { server } = this;
    this.server = undefined;
    server?.closeAllConnections();
    await new Promise((resolve) => (server === undefined ? resolve(undefined) : server.close(resolve)));
  }
}

interface Environment {
  receiver: MortalReceiver;
  secret: string;
  /** Emits `count` events and returns their ids as a receiver knows them. */
  emit(count: number): Promise<string[]>;
  untilAllDelivered(count: number): Promise<unknown>;
  /** How many deliveries are in which state. */
  states(): Promise<{ delivered: number; waiting: number }>;
}

async function createEnvironment(): Promise<Environment> {
  const [receiver, tenant] = [await MortalReceiver.start(), await product.givenTenant()];
  const { secret } = await tenant.api.must('POST', '/v1/webhook-endpoints', { url: receiver.url });
  const tenantId = fromTypeId('ten', tenant.id) as string;
  const states = () =>
    database.withTenant(tenantId, async ({ trx }) => {
      const rows = await trx.selectFrom('webhookDeliveries').select(['state']).execute();
      return {
        delivered: rows.filter(({ state }) => state === 'delivered').length,
        waiting: rows.filter(({ state }) => state !== 'delivered').length,
      };
    });
  return {
    receiver,
    secret: secret as string,
    states,
    async emit(count) {
      const ids: string[] = [];
      for (let emitted = 0; emitted < count; emitted += 100) {
        const events = Array.from({ length: Math.min(100, count - emitted) }, () => ({
          type: 'TEST' as const,
          integrationId: null,
          data: { message: 'a test' },
        }));
        ids.push(...(await database.withTenant(tenantId, (work) => emitEvents(work, events))));
      }
      return ids.map((id) => toTypeId('evt', id));
    },
    untilAllDelivered: (count) =>
      until(`${count} are delivered`, async () => (await states()).delivered === count, 150_000),
  };
}

/** What came, for `nothingLost`. */
async function whatCame({ receiver, secret }: Environment) {
  const verdicts = await verifiersThatTake(receiver.received.map((webhook) => ({ secret, ...webhook })));
  const bodies = new Map<string, Set<string>>();
  for (const { headers, body } of receiver.received)
    bodies.set(headers['webhook-id'], (bodies.get(headers['webhook-id']) ?? new Set()).add(body));
  return {
    ids: [...bodies.keys()].toSorted(),
    takenBy: new Set(verdicts.map((verdict) => verdict.join())),
    bodiesPerId: new Set([...bodies.values()].map(({ size }) => size)),
  };
}

const nothingLost = (ids: readonly string[]) => ({
  ids: ids.toSorted(),
  takenBy: new Set([ALL_VERIFIERS.join()]),
  bodiesPerId: new Set([1]),
});

beforeAll(async () => {
  const folder = temporaryFolder('postgres');
  fs.chmodSync(folder, 0o711);
  const options = {
    dataFolder: path.join(folder, 'data'),
    logFile: path.join(folder, 'log'),
    port: await freePort(),
    password: randomBytes(12).toString('hex'),
  };
  startServer = async () =>
    void (postgres = await startPostgres({
      ...options,
      isThrowaway: true,
      settings: { synchronous_commit: 'on' },
    }));
  await startServer();
  await migrateToLatest(postgres.url);
  toxiproxy = await startToxiproxy();
  databaseLink = await toxiproxy.linkTo(options.port);
  product = await startProduct({
    databaseUrl: postgres.url,
    workerDatabaseUrl: throughPort(postgres.url, databaseLink.port),
  });
  database = new Database({
    url: postgres.url,
    poolSize: 4,
    statementTimeoutMs: 20_000,
    waitForConnectionMs: 20_000,
  });
});

afterAll(async () => {
  await product?.stop();
  await database?.close();
  await toxiproxy?.stop();
  await postgres?.stop();
});

it('after a worker is killed in the middle of many deliveries, the next one continues and repeats those in flight under their ids', async () => {
  const environment = await createEnvironment();
  const { receiver } = environment;
  let killing: Promise<void> | undefined;
  receiver.onWebhook = (count) => {
    if (count === 500) killing = product.killWorker();
    return true;
  };

  const ids = await environment.emit(EVENTS);
  await until('the worker is dead', () => killing !== undefined && !product.isWorkerRunning());
  await killing;
  await product.startWorker();
  await environment.untilAllDelivered(EVENTS);

  expect(await whatCame(environment)).toEqual(nothingLost(ids));
  await receiver.die();
});

it('S15: after a worker is killed between the answer and its recording, the same event is sent again under the same id', async () => {
  const environment = await createEnvironment();
  const { receiver } = environment;
  // The worker receives the answer and cannot record it.
  receiver.onWebhook = async (count) => {
    if (count === 1) await databaseLink.disable();
    return true;
  };

  const ids = await environment.emit(1);
  await until('it is answered', () => receiver.received.length === 1);
  await sleep(500);
  await product.killWorker();
  await databaseLink.heal();
  expect(receiver.received).toHaveLength(1);
  expect(await environment.states()).toEqual({ delivered: 0, waiting: 1 });
  await product.startWorker();
  await environment.untilAllDelivered(1);

  expect(receiver.received).toHaveLength(2);
  const [first, second] = receiver.received.map(({ headers }) => Number(headers['webhook-timestamp']));
  expect(second).toBeGreaterThan(first as number);
  expect(await whatCame(environment)).toEqual(nothingLost(ids));
  await receiver.die();
});

it('a receiver that was down for a while gets every event when it is back', async () => {
  const environment = await createEnvironment();
  const { receiver } = environment;
  let dying: Promise<void> | undefined;
  receiver.onWebhook = (count) => {
    if (count === 200) dying = receiver.die();
    return true;
  };

  const ids = await environment.emit(1_000);
  await until('the receiver is gone', () => dying !== undefined);
  await dying;
  receiver.onWebhook = () => true;
  await receiver.start();
  await environment.untilAllDelivered(1_000);

  expect(await whatCame(environment)).toEqual(nothingLost(ids));
  await receiver.die();
});

it('a restart of PostgreSQL during deliveries loses no event', async () => {
  const environment = await createEnvironment();
  const { receiver } = environment;
  let stopping: Promise<unknown> | undefined;
  receiver.onWebhook = (count) => {
    if (count === 500) stopping = postgres.stop();
    return true;
  };

  const ids = await environment.emit(EVENTS).catch(() => undefined);
  await until('PostgreSQL is down', () => stopping !== undefined);
  await stopping;
  await startServer();
  // Events emitted before it stopped are in the tables, whatever answer the emitter got.
  const known = await until('PostgreSQL answers', () =>
    environment.states().then(({ delivered, waiting }) => delivered + waiting),
  );
  await environment.untilAllDelivered(known);

  const came = await whatCame(environment);
  expect(came).toEqual(nothingLost(ids ?? came.ids));
  expect(came.ids).toHaveLength(known);
  await receiver.die();
});
