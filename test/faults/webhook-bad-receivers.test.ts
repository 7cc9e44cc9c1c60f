/** S10: fifty receivers of webhooks that behave in every odd way, beside one that does not. */
import fs from 'node:fs';
import { sql } from 'kysely';
import { Database } from '../../db/database';
import { emitEvents } from '../../db/webhooks/events';
import { fromTypeId, toTypeId } from '../../db/sql/ids';
import { ApiClient } from '../support/clients/api-client';
import { BROKEN, OddReceivers, SILENT } from '../support/servers/odd-receivers';
import { type Product, startProduct } from '../support/environments/product';
import { until } from '../support/until';
import { isSignedBy, type Receiver, startReceiver } from '../support/fakes/webhooks';

const BAD = 50;
const MEBIBYTE = 1_024 * 1_024;
const odd = new OddReceivers();
let product: Product;
let database: Database;
let good: Receiver;

beforeAll(async () => {
  product = await startProduct();
  database = new Database({
    url: product.databaseUrl,
    poolSize: 4,
    statementTimeoutMs: 20_000,
    waitForConnectionMs: 20_000,
  });
  good = await startReceiver();
});
afterAll(async () => {
  await database?.close();
  await product?.stop();
  await good?.close();
  await odd.close();
});

/** Of each kind as many. @returns their addresses. */
async function startBadReceivers(): Promise<string[]> {
  const silentOrBroken = [...Object.values(SILENT), ...Object.values(BROKEN)].map(
    (speak) => async () => `http://127.0.0.1:${await odd.speaking(speak)}/hooks`,
  );
  const kinds = [
    ...silentOrBroken,
    async () => `http://127.0.0.1:${await odd.endless()}/hooks`,
    async () => `https://127.0.0.1:${await odd.untrusted()}/hooks`,
  ];
  return Promise.all(
    Array.from({ length: BAD }, (_, index) => (kinds[index % kinds.length] as () => Promise<string>)()),
  );
}

/**
 * At endpoints of others than this tenant: at how many there was one, and the most that was kept of an
 * answer.
 */
async function attemptsAtOthers(tenantId: string): Promise<{ endpoints: number; longestBody: number }> {
  return database.withWebhooksRole(({ trx }) =>
    trx
      .selectFrom('webhookAttempts as attempt')
      .innerJoin('webhookDeliveries as delivery', (join) =>
        join
          .onRef('delivery.tenantId', '=', 'attempt.tenantId')
          .onRef('delivery.webhookDeliveryId', '=', 'attempt.webhookDeliveryId'),
      )
      .innerJoin('webhookEndpoints as endpoint', 'endpoint.webhookEndpointId', 'delivery.webhookEndpointId')
      .where('endpoint.tenantId', '!=', tenantId)
      .select(({ fn }) => [
        fn.count<number>('endpoint.webhookEndpointId').distinct().as('endpoints'),
        fn.coalesce(fn.max(sql<number>`length(attempt.response_body)`), sql<number>`0`).as('longestBody'),
      ])
      .executeTakeFirstOrThrow(),
  );
}

/** What the worker holds in memory, in MiB. */
function workerMemory(): number {
  const [, kibibytes] =
    /^VmRSS:\s+(\d+) kB$/m.exec(fs.readFileSync(`/proc/${product.workerPid()}/status`, 'utf8')) ?? [];
  return (Number(kibibytes) * 1_024) / MEBIBYTE;
}

it('a healthy endpoint gets every event beside bad ones, and the worker reads only limited answers', async () => {
  const tenant = await product.givenTenant();
  const tenantId = fromTypeId('ten', tenant.id) as string;
  const { secret } = await tenant.api.must('POST', '/v1/webhook-endpoints', { url: good.url });
  const emitted: string[] = [];
  const emit = async (count: number): Promise<void> => {
    const events = Array.from({ length: count }, () => ({
      type: 'TEST' as const,
      integrationId: null,
      data: { message: 'a test' },
    }));
    emitted.push(
      ...(await database.withTenant(tenantId, (work) => emitEvents(work, events))).map((id) =>
        toTypeId('evt', id),
      ),
    );
  };
  const idsReceived = () => [...new Set(good.received.map(({ id }) => id))].toSorted();
  const untilGoodHasAll = () =>
    until('the good one has everything', () => idsReceived().length === emitted.length);
  await emit(100);
  await untilGoodHasAll();
  const memoryBefore = workerMemory();
  // A tenant may have fifty; those of the platform receive the events of all tenants.
  const platform = new ApiClient(product.apiUrl, product.platformKey);
  for (const url of await startBadReceivers())
    await platform.must('POST', '/v1/platform/webhook-endpoints', { url });

  await emit(100);
  await untilGoodHasAll();
  let memoryMost = workerMemory();
  await until(
    'each bad one was tried to the end',
    async () => {
      memoryMost = Math.max(memoryMost, workerMemory());
      return (await attemptsAtOthers(tenantId)).endpoints === BAD;
    },
    120_000,
  );
  await emit(100);
  await untilGoodHasAll();
  memoryMost = Math.max(memoryMost, workerMemory());

  expect(idsReceived()).toEqual(emitted.toSorted());
  expect(good.received.every((webhook) => isSignedBy(secret as string, webhook))).toBe(true);
  expect((await attemptsAtOthers(tenantId)).longestBody).toBe(4_096);
  // Some 60; who kept what the endless ones pour would hold gigabytes.
  expect(memoryMost - memoryBefore).toBeLessThan(256);
  expect(product.isWorkerRunning()).toBe(true);
});
