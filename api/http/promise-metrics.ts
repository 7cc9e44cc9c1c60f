/** Metrics of what Syncline promises: due pushes are sent soon, and lists are read regularly. */
import { Gauge, type Registry } from 'prom-client';
import type { Database } from '../../db/database';
import {
  COUNTED_MAX,
  type PullFigures,
  type PushFigures,
  readPullFigures,
  readPushFigures,
} from '../../db/platform/promise-figures';
import { PUSH_KINDS } from '../../domain/push/push-kind';
import { keptFor, withinScrape } from './scraped-figures';

export interface PromiseFigures {
  push(): Promise<{ kinds: readonly PushFigures[]; isPartial: boolean }>;
  pull(): Promise<readonly PullFigures[]>;
}

/** Every api process reads them, so they are kept for a while. */
const KEPT_MS = 15_000;

export function createPromiseFigures(database: Database, { keptMs = KEPT_MS } = {}): PromiseFigures {
  let after: string | null = null;
  return {
    push: keptFor(keptMs, async () => {
      const isPartial = after !== null;
      const { kinds, next } = await database.withDispatcher((work) => readPushFigures(work, { after }));
      after = next;
      return { kinds, isPartial: isPartial || next !== null };
    }),
    pull: keptFor(keptMs, () => database.withDispatcher(readPullFigures)),
  };
}

const KIND_NAMES = Object.fromEntries(Object.entries(PUSH_KINDS).map(([name, kind]) => [kind, name]));
const AT_LEAST = `Counted up to ${COUNTED_MAX} of each kind.`;

const PUSH_GAUGES = {
  due: ['syncline_due_pushes', `Record syncs whose push is due. ${AT_LEAST}`],
  overdue: ['syncline_overdue_pushes', `Record syncs due for more than a minute. ${AT_LEAST}`],
  waiting: ['syncline_waiting_pushes', `Record syncs whose push is not due yet. ${AT_LEAST}`],
  leased: ['syncline_leased_pushes', `Record syncs that a worker pushes now. ${AT_LEAST}`],
  oldestDueSeconds: [
    'syncline_oldest_due_push_age_seconds',
    'How long the oldest due push of each kind has been due; 0 = none is due.',
  ],
} as const;

export function addPromiseGauges(registry: Registry, { push, pull }: PromiseFigures): void {
  for (const [figure, [name, help]] of Object.entries(PUSH_GAUGES))
    addGauge(registry, { name, help, labelNames: ['kind'] }, async (gauge) => {
      for (const row of (await withinScrape(push())).kinds)
        gauge.set({ kind: KIND_NAMES[row.kind] ?? 'other' }, row[figure as keyof typeof PUSH_GAUGES]);
    });
  addGauge(
    registry,
    {
      name: 'syncline_push_figures_partial',
      help: '1 = more integrations have open pushes than one scrape looks at; the next one reads the others.',
    },
    async (gauge) => gauge.set((await withinScrape(push())).isPartial ? 1 : 0),
  );
  addGauge(
    registry,
    {
      name: 'syncline_pull_age_seconds',
      help:
        'Age of the last finished pull of the lists that are read hourly, median and max of each connector; ' +
        'a random sample in large installations.',
      labelNames: ['connector', 'figure'],
    },
    async (gauge) => {
      for (const { connector, medianSeconds, maxSeconds } of await withinScrape(pull())) {
        gauge.set({ connector, figure: 'median' }, medianSeconds);
        gauge.set({ connector, figure: 'max' }, maxSeconds);
      }
    },
  );
}

/** NaN, or no value if the gauge has labels, while the database does not answer in time. */
function addGauge(
  registry: Registry,
  { labelNames = [], ...names }: { name: string; help: string; labelNames?: string[] },
  collect: (gauge: Gauge) => Promise<void>,
): void {
  const gauge: Gauge = new Gauge({
    ...names,
    labelNames,
    registers: [],
    async collect() {
      gauge.reset();
      await collect(gauge).catch(() => {
        if (labelNames.length === 0) gauge.set(Number.NaN);
      });
    },
  });
  registry.registerMetric(gauge);
}
