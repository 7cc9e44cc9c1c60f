/**
 * `npm run bench -- webhooks`: 10,000 events to a healthy endpoint, compared with bare loops of signed POSTs
 * to the same receiver, and with the least that a durable sender does; an endpoint whose tenant has another
 * one that hangs; and events that must all arrive although worker and receiver are killed. Takes three to
 * four minutes.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Database } from '../../db/database';
import type { BenchmarkOptions, Line, Report } from '../report';
import { median, percentile95, rounded, until } from '../measure';
import { watchOthers } from '../noise';
import { type Product, startServersAndProduct } from '../product';
import type { BenchEnvironment } from '../environment';
import { postByOrdinaryClient, postInALoop } from './bare-loop';
import { DurableLoop } from './durable-loop';
import { historyEventsOf, emitTestEvents, createTenant } from './endpoints';
import { type Receiver, startReceiver } from './receiver';

const AMOUNTS = {
  whole: { events: 10_000, rounds: 3, comparedEvents: 300, killedEvents: 5_000 },
  quick: { events: 3_000, rounds: 1, comparedEvents: 100, killedEvents: 2_000 },
};
/** Events per transaction, as in a committed batch of a sync run. */
const PER_TRANSACTION = 100;
const say = (text: string): void => console.log(`  ${text}`);

interface Around {
  product: Product;
  receiver: Receiver;
  database: Database;
}

async function measure(environment: BenchEnvironment, { isQuick }: BenchmarkOptions) {
  const { events, rounds, comparedEvents, killedEvents } = isQuick ? AMOUNTS.quick : AMOUNTS.whole;
  const shareOfOthers = watchOthers();
  say('starting PostgreSQL, Temporal, api, worker and the receiver');
  const { serverUrl, temporalAddress, databaseUrl, product } = await startServersAndProduct(environment);
  const temporal = await environment.temporalClient(temporalAddress);
  const receiver = await startReceiver(environment);
  const database = new Database({ url: databaseUrl, poolSize: 4, statementTimeoutMs: 60_000 });
  environment.onClose(() => database.close());
  const around: Around = { product, receiver, database };
  const durableLoop = await DurableLoop.start(environment, { serverUrl, receiver });

  say('2,000 of each, to warm up what a running service has warm');
  await deliver(around, '/warm', 2_000);
  await postInALoop(`${receiver.url}/warm-loop`, 2_000);
  await postByOrdinaryClient(`${receiver.url}/warm-ordinary`, 2_000);
  await durableLoop.deliver('/warm-durable', 2_000, PER_TRANSACTION);

  const delivered: number[] = [];
  const looped: number[] = [];
  const ordinary: number[] = [];
  const durable: number[] = [];
  const historyEvents: number[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    say(`${events} events to one endpoint, then the same by the loops, round ${round} of ${rounds}`);
    const { perSecond, endpointId } = await deliver(around, `/round-${round}`, events);
    delivered.push(perSecond);
    looped.push(await postInALoop(`${receiver.url}/loop-${round}`, events));
    ordinary.push(await postByOrdinaryClient(`${receiver.url}/ordinary-${round}`, events));
    durable.push(await durableLoop.deliver(`/durable-${round}`, events, PER_TRANSACTION));
    historyEvents.push((await historyEventsOf(temporal, endpointId)) / events);
  }

  say('one endpoint alone, then beside one that hangs, in turns');
  const [alone, beside] = await compareTenants(around, comparedEvents, isQuick ? 1 : 3);
  say(`${killedEvents} events, the worker and then the receiver killed on the way`);
  const lost = await loseNothing(around, killedEvents);

  return {
    events,
    killedEvents,
    alone,
    beside,
    lost,
    perSecond: median(delivered),
    loopPerSecond: median(looped),
    ordinaryPerSecond: median(ordinary),
    durablePerSecond: median(durable),
    historyEvents: median(historyEvents),
    share: shareOfOthers(),
  };
}

type Measurements = Awaited<ReturnType<typeof measure>>;

export async function webhooksBenchmark(
  environment: BenchEnvironment,
  options: BenchmarkOptions,
): Promise<Report> {
  const measured = await measure(environment, options);
  const busy = `other programs took ${Math.round(measured.share * 100)} % of the machine`;
  return {
    title: `Webhooks: ${measured.events.toLocaleString('en-US')} events to one endpoint (${busy})`,
    lines: linesOf(measured),
    figures: figuresOf(measured),
  };
}

function linesOf(measured: Measurements): Line[] {
  const { perSecond, loopPerSecond, ordinaryPerSecond, durablePerSecond } = measured;
  const { historyEvents, lost, killedEvents, alone, beside } = measured;
  return [
    {
      what: 'deliveries',
      value: Math.round(perSecond),
      unit: '/s',
      beside: `bare loop: ${Math.round(loopPerSecond)}/s; written, signed, sent, recorded`,
    },
    {
      what: 'of the bare loop',
      value: rounded(perSecond / loopPerSecond),
      unit: '×',
      goal: { atLeast: 0.6 },
    },
    {
      what: 'of a loop by an ordinary client',
      value: rounded(perSecond / ordinaryPerSecond),
      unit: '×',
      beside: `${Math.round(ordinaryPerSecond)}/s, undici's request`,
    },
    {
      what: 'of the durable loop',
      value: rounded(perSecond / durablePerSecond),
      unit: '×',
      beside: `${Math.round(durablePerSecond)}/s, which is ${rounded(durablePerSecond / loopPerSecond)} × the bare loop`,
    },
    {
      what: 'history events per delivery',
      value: rounded(historyEvents, 4),
      unit: '',
      goal: { atMost: 0.2 },
    },
    { what: 'lost when killed', value: lost, unit: '', goal: { atMost: 0 }, beside: `of ${killedEvents}` },
    {
      what: 'p95 beside one that hangs',
      value: rounded(beside / alone),
      unit: '×',
      goal: { atMost: 2 },
      beside: `${Math.round(beside)} ms, alone ${Math.round(alone)} ms`,
    },
  ];
}

function figuresOf(measured: Measurements): Record<string, unknown> {
  const { events, perSecond, loopPerSecond, ordinaryPerSecond, durablePerSecond } = measured;
  const { historyEvents, lost, alone, beside, share } = measured;
  return {
    benchmark: 'webhooks',
    events,
    deliveries_per_second: Math.round(perSecond),
    bare_loop_per_second: Math.round(loopPerSecond),
    ratio_to_bare_loop: rounded(perSecond / loopPerSecond),
    ordinary_loop_per_second: Math.round(ordinaryPerSecond),
    ratio_to_ordinary_loop: rounded(perSecond / ordinaryPerSecond),
    durable_loop_per_second: Math.round(durablePerSecond),
    ratio_to_durable_loop: rounded(perSecond / durablePerSecond),
    durable_to_bare_loop: rounded(durablePerSecond / loopPerSecond),
    history_events_per_delivery: rounded(historyEvents, 4),
    lost,
    beside_hanging_p95_ratio: rounded(beside / alone),
    share_of_others: rounded(share),
  };
}

/** From the first event that is written to the last that arrives. */
async function deliver(
  { product, receiver, database }: Around,
  path: string,
  count: number,
): Promise<{ perSecond: number; endpointId: string }> {
  const tenant = await createTenant(product, [`${receiver.url}${path}`]);
  const startedAt = performance.now();
  await emitTestEvents(database, tenant, { count, perTransaction: PER_TRANSACTION });
  await receiver.received(path, count);
  return {
    perSecond: count / ((performance.now() - startedAt) / 1_000),
    endpointId: tenant.endpointIds[0] as string,
  };
}

/**
 * The p95 from event to receiver in milliseconds: alone, and with another endpoint of the tenant that never
 * answers.
 */
async function compareTenants(
  { product, receiver, database }: Around,
  count: number,
  turns: number,
): Promise<[number, number]> {
  const environments = [
    { path: '/alone', tenant: await createTenant(product, [`${receiver.url}/alone`]) },
    {
      path: '/beside',
      tenant: await createTenant(product, [`${receiver.url}/beside`, `${receiver.url}/hang`]),
    },
  ];
  for (let turn = 1; turn <= turns; turn += 1) {
    for (const { path, tenant } of environments) {
      await emitTestEvents(database, tenant, { count, perTransaction: 1, pauseMs: 20 });
      await until('they arrive', 60_000, async () =>
        (await receiver.count(path)) === turn * count ? true : undefined,
      );
    }
  }
  return [percentile95(await receiver.delays('/alone')), percentile95(await receiver.delays('/beside'))];
}

/** @returns how many never arrived. */
async function loseNothing({ product, receiver, database }: Around, count: number): Promise<number> {
  const tenant = await createTenant(product, [`${receiver.url}/killed`]);
  const arrived = (share: number) =>
    until(
      'some arrive',
      60_000,
      async () => ((await receiver.count('/killed')) >= count * share ? true : undefined),
      10,
    );
  const emission = emitTestEvents(database, tenant, { count, perTransaction: PER_TRANSACTION });
  await arrived(0.1);
  await product.killWorker();
  await emission;
  await product.startWorker();
  await arrived(0.5);
  await receiver.kill();
  await sleep(2_000);
  await receiver.start();
  // Failed deliveries are retried after five seconds, then after five minutes; the queue pauses for one
  // minute.
  await until('all arrive', 420_000, async () =>
    (await receiver.count('/killed')) === count ? true : undefined,
  ).catch(() => undefined);
  return count - (await receiver.count('/killed'));
}
