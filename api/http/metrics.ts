/** Metrics for Prometheus. Routes are labelled by pattern, so labels contain no ids and no personal data. */
import { collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { addPromiseGauges, type PromiseFigures } from './promise-metrics';
import { withinScrape } from './scraped-figures';

export interface Metrics {
  registry: Registry;
  observeRequest(request: { method: string; route: string; status: number; seconds: number }): void;
}

interface OutboxFigures {
  outboxAgeSeconds: () => Promise<number>;
  outboxRefusals: () => Promise<number>;
  outboxTopics: () => Promise<readonly { topic: string; messages: number; oldestSeconds: number }[]>;
}

/**
 * `outboxAgeSeconds` runs at each scrape and returns the age of the oldest outbox row; 0 = the outbox is
 * empty. `outboxRefusals` returns how many rows are refused again and again, `parkedWork` how much work is
 * parked, `stoppedRollouts` how many rollouts stopped by themselves, `outboxTopics` what waits in each topic
 * of the outbox.
 */
export function createMetrics({
  parkedWork,
  stoppedRollouts,
  openStreams,
  promise,
  ...outbox
}: OutboxFigures & {
  parkedWork: () => Promise<number>;
  stoppedRollouts: () => Promise<number>;
  openStreams: () => number;
  promise: PromiseFigures;
}): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const durations = new Histogram({
    name: 'syncline_http_request_duration_seconds',
    help: 'Time from the arrival of a request to the end of its response.',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers: [registry],
  });
  addOutboxGauges(registry, outbox);
  addGauge(registry, parkedWork, {
    name: 'syncline_parked_work',
    help: 'Work of all tenants that took its workers down repeatedly and waits for a person.',
  });
  addGauge(registry, stoppedRollouts, {
    name: 'syncline_stopped_rollouts',
    help: 'Rollouts of definitions that stopped by themselves and wait for a person.',
  });
  addGauge(registry, async () => openStreams(), {
    name: 'syncline_open_streams',
    help: 'Open event streams of this process.',
  });
  addPromiseGauges(registry, promise);
  return {
    registry,
    observeRequest: ({ method, route, status, seconds }) =>
      durations.observe({ method, route, status: String(status) }, seconds),
  };
}

function addOutboxGauges(
  registry: Registry,
  { outboxAgeSeconds, outboxRefusals, outboxTopics }: OutboxFigures,
): void {
  addGauge(registry, outboxAgeSeconds, {
    name: 'syncline_outbox_age_seconds',
    help:
      'Age of the oldest row in the outbox. It grows while Temporal or the worker is down. NaN ' +
      '= the database did not respond.',
  });
  addGauge(registry, outboxRefusals, {
    name: 'syncline_outbox_refused_rows',
    help: 'Rows of the outbox that were refused at least ten times; outbox.last_error has the reason.',
  });
  addTopicGauge(registry, outboxTopics, 'messages', {
    name: 'syncline_outbox_topic_rows',
    help: 'Rows of the outbox by topic; no value = none.',
  });
  addTopicGauge(registry, outboxTopics, 'oldestSeconds', {
    name: 'syncline_outbox_topic_age_seconds',
    help: 'Age of the oldest row of the outbox by topic; no value = no row.',
  });
}

/** `read` runs at each scrape. */
function addGauge(
  registry: Registry,
  read: () => Promise<number>,
  names: { name: string; help: string },
): void {
  const gauge = new Gauge({
    ...names,
    registers: [],
    async collect() {
      this.set(await withinScrape(read()).catch(() => Number.NaN));
    },
  });
  registry.registerMetric(gauge);
}

function addTopicGauge<Name extends string>(
  registry: Registry,
  read: () => Promise<readonly ({ topic: string } & Record<Name, number>)[]>,
  figure: Name,
  names: { name: string; help: string },
): void {
  const gauge = new Gauge({
    ...names,
    labelNames: ['topic'],
    registers: [],
    async collect() {
      this.reset();
      for (const row of await withinScrape(read()).catch(() => []))
        this.set({ topic: row.topic }, row[figure]);
    },
  });
  registry.registerMetric(gauge);
}
