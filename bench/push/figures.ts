/** The report of the push benchmark: each figure with its goal and comparison. */
import { median, rounded } from '../measure';
import type { Line, Report } from '../report';
import type { Backlog, PushQueueRun } from './queue-runs';
import type { PeerRun } from './peer-run';
import type { SingleChanges } from './single-change';

export interface Measurements {
  amounts: { isQuick: boolean; changes: number; records: number; pending: number; singles: number };
  single: SingleChanges;
  pushRuns: PushQueueRun[];
  /** Each ran right after the push queue run at the same position. */
  queues: PeerRun[];
  squeezed: PeerRun;
  twice: PushQueueRun;
  backlog: Backlog;
  memory: { warmMb: number; afterRoundsMb: number; nowMb: number; peakMb: number };
  limits: { insertsPerSecond: number; httpPerSecond: number };
  workflows: PeerRun & { eventsPerChange: number };
  shareOfOthers: number;
}

/** The medians of the rounds and the ratios between push queue and peers. */
function ratesOf({ amounts, pushRuns, queues, squeezed, workflows }: Measurements) {
  const { changes, records } = amounts;
  const total = median(pushRuns.map((queue) => queue.totalSeconds));
  const workflowsTotal = workflows.totalSeconds * (changes / records);
  return {
    accepted: median(pushRuns.map((queue) => queue.acceptedPerSecond)),
    drain: median(pushRuns.map((queue) => queue.drainSeconds)),
    total,
    events: Math.max(...pushRuns.map((queue) => queue.cost.events)),
    queueTotal: median(queues.map((queue) => queue.totalSeconds)),
    // Each round is compared with the peer's run next to it, because the load of a machine varies.
    timesFasterThanQueue: median(
      queues.map((queue, round) => queue.totalSeconds / (pushRuns[round]?.totalSeconds ?? Number.NaN)),
    ),
    timesFasterThanSqueezed: squeezed.totalSeconds / total,
    workflowsTotal,
  };
}

type Rates = ReturnType<typeof ratesOf>;

function figuresOf(measured: Measurements, rates: Rates) {
  const { amounts, single, pushRuns, twice, backlog, memory, limits, shareOfOthers } = measured;
  const { accepted, drain, total, events, queueTotal, timesFasterThanQueue, workflowsTotal } = rates;
  const { changes, pending } = amounts;
  return {
    accepted_per_second: Math.round(accepted),
    accepted_ratio: rounded(accepted / limits.insertsPerSecond),
    drain_seconds: rounded(drain),
    events_per_change: rounded(events / changes, 4),
    signals: Math.max(...pushRuns.map((queue) => queue.cost.signals)),
    worker_rss_mb: memory.nowMb,
    times_faster_than_job_queue: rounded(timesFasterThanQueue, 1),
    times_faster_than_one_workflow_per_record: rounded(workflowsTotal / total, 1),
    times_faster_than_squeezed_job_queue: rounded(rates.timesFasterThanSqueezed, 1),
    total_seconds: rounded(total),
    job_queue_seconds: rounded(queueTotal),
    one_workflow_per_record_seconds: rounded(workflowsTotal, 1),
    bare_inserts_per_second: Math.round(limits.insertsPerSecond),
    bare_http_per_second: Math.round(limits.httpPerSecond),
    changed_again_per_second: Math.round(twice.againPerSecond ?? 0),
    changed_again_signals: twice.cost.signals,
    changed_again_activations: twice.cost.activations,
    changed_again_events: twice.cost.events,
    changed_again_drain_seconds: rounded(twice.drainSeconds),
    activations: Math.max(...pushRuns.map((queue) => queue.cost.activations)),
    worker_rss_before_mb: memory.warmMb,
    worker_rss_peak_mb: memory.peakMb,
    single_change_median_ms: single.medianMs,
    single_change_slowest_ms: single.slowestMs,
    open_workflows_when_idle: single.openQueues,
    pending_records: pending,
    pending_drain_seconds: rounded(backlog.drainSeconds),
    pending_accepted_per_second: Math.round(backlog.acceptedPerSecond),
    pending_history_events: backlog.cost.events,
    pending_history_kb: backlog.cost.historyKb,
    cpu_share_of_others: rounded(shareOfOthers),
  };
}

type Figures = ReturnType<typeof figuresOf>;

function throughputLines(measured: Measurements, rates: Rates, figures: Figures): Line[] {
  const { twice, workflows } = measured;
  const { drain, total, events } = rates;
  const { changes } = measured.amounts;
  return [
    {
      what: `${changes.toLocaleString('en-US')} changes: accepted, of bare inserts`,
      value: figures.accepted_ratio,
      unit: '×',
      goal: { atLeast: 0.5 },
      beside: [
        `accepted ${figures.accepted_per_second}/s`,
        `bare inserts of the same rows ${figures.bare_inserts_per_second}/s`,
        `bare Express ${figures.bare_http_per_second}/s`,
      ].join(', '),
    },
    {
      what: 'pushed after the last one was due',
      value: drain,
      unit: 's',
      goal: { atMost: 1 },
      beside: `${figures.activations} activations`,
    },
    {
      what: 'Temporal history events per change',
      value: events / changes,
      unit: '',
      goal: { atMost: 0.05 },
      beside: `${events} events; a workflow per record ${workflows.eventsPerChange}`,
    },
    {
      what: 'signals to the push queue',
      value: figures.signals,
      unit: '',
      beside: `${twice.cost.signals} where all records change twice`,
    },
    {
      what: 'all changed again: further activations',
      value: Math.max(0, twice.cost.activations - figures.activations),
      unit: '',
      goal: { atMost: 10 },
      beside: [
        `${twice.cost.activations} activations, ${twice.cost.events} events`,
        `pushed ${rounded(twice.drainSeconds)} s after the last was due`,
      ].join(', '),
    },
    { what: 'first change to last push, less grace', value: total, unit: 's' },
  ];
}

function peerLines({ amounts, squeezed, workflows }: Measurements, rates: Rates): Line[] {
  const { total, queueTotal, timesFasterThanQueue, workflowsTotal } = rates;
  const { records } = amounts;
  return [
    {
      what: 'times faster than a job queue',
      value: timesFasterThanQueue,
      unit: '',
      goal: { atLeast: 5 },
      beside: `graphile-worker with jobKey ${rounded(queueTotal)} s`,
    },
    {
      what: 'times faster than a squeezed job queue',
      value: rates.timesFasterThanSqueezed,
      unit: '',
      beside: `each push in two statements ${rounded(squeezed.totalSeconds)} s`,
    },
    {
      what: 'times faster than a workflow per record',
      value: workflowsTotal / total,
      unit: '',
      goal: { atLeast: 100 },
      beside: `${records} in ${rounded(workflows.totalSeconds)} s, scaled to ${rounded(workflowsTotal, 0)} s`,
    },
  ];
}

function latencyAndMemoryLines(measured: Measurements, figures: Figures): Line[] {
  const { amounts, single, backlog, memory, shareOfOthers } = measured;
  const { changes, pending, singles } = amounts;
  const count = changes.toLocaleString('en-US');
  return [
    {
      what: 'single change: due to answered, median',
      value: single.medianMs,
      unit: 'ms',
      goal: { atMost: 500 },
      beside: `slowest of ${singles}: ${single.slowestMs} ms`,
    },
    { what: 'open workflows of idle integrations', value: single.openQueues, unit: '', goal: { atMost: 0 } },
    {
      what: `${pending.toLocaleString('en-US')} due at once: pushed`,
      value: backlog.drainSeconds,
      unit: 's',
      goal: { atMost: 10 },
      beside: `accepted at ${figures.pending_accepted_per_second}/s; ${backlog.cost.activations} activations`,
    },
    {
      what: 'their history',
      value: backlog.cost.events,
      unit: 'events',
      goal: { atMost: 4_096 },
      beside: `${backlog.cost.historyKb} KB; Temporal's limits: 51,200 events, 50 MB`,
    },
    {
      what: `worker memory after the ${pending.toLocaleString('en-US')}`,
      value: memory.nowMb,
      unit: 'MB',
      goal: { atMost: Math.max(memory.warmMb, memory.afterRoundsMb) + 150 },
      beside: [
        `${memory.warmMb} MB when started and warm`,
        `${memory.afterRoundsMb} MB after the rounds of ${count}`,
        `${memory.peakMb} MB at the highest`,
      ].join(', '),
    },
    {
      what: 'processor time of other programs',
      value: shareOfOthers * 100,
      unit: '%',
      beside: 'figures of a busy machine say little; ratios say more',
    },
  ];
}

export function toReport(measured: Measurements): Report {
  const rates = ratesOf(measured);
  const figures = figuresOf(measured, rates);
  const title = `Push path${measured.amounts.isQuick ? ' (quick: ratios are rough)' : ''}`;
  const lines = [
    ...throughputLines(measured, rates, figures),
    ...peerLines(measured, rates),
    ...latencyAndMemoryLines(measured, figures),
  ];
  return { title, lines, figures };
}
