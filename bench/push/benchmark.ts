/**
 * `npm run bench -- push`: the push path (issue: "Figures to reach"), with a job queue and a workflow per record beside it.
 * Everything is bounded in count and time; a whole run takes four to five minutes.
 */
import type { BenchmarkOptions } from '../main';
import { median, rounded } from '../measure';
import { memoryOf, startProduct } from '../product';
import { watchOthers } from '../noise';
import type { Line, Report } from '../report';
import type { Stage } from '../stage';
import { ensurePeers, runJobQueue } from './job-queue';
import { type LaneRun, runBacklog, runLane, type Surroundings } from './lane-bench';
import { bareHttp, bareInserts } from './limits';
import { runSingleChanges } from './single-change';
import { runWorkflowPerRecord } from './workflows-peer';

const AMOUNTS = {
  whole: { changes: 10_000, rounds: 3, records: 1_000, pending: 100_000, singles: 15, graceMs: 10_000 },
  quick: { changes: 5_000, rounds: 1, records: 200, pending: 20_000, singles: 5, graceMs: 5_000 },
};

export async function pushBenchmark(stage: Stage, { isQuick }: BenchmarkOptions): Promise<Report> {
  const { changes, rounds, records, pending, singles, graceMs } = isQuick ? AMOUNTS.quick : AMOUNTS.whole;
  const say = (text: string): void => console.log(`  ${text}`);
  await ensurePeers();
  const shareOfOthers = watchOthers();
  say('starting PostgreSQL, Temporal, api and worker');
  const [serverUrl, temporalAddress] = await Promise.all([stage.startPostgres(), stage.startTemporal()]);
  const databaseUrl = await stage.createDatabase(serverUrl, 'syncline');
  const temporal = await stage.temporalClient(temporalAddress);
  const product = await startProduct(stage, { databaseUrl, temporalAddress });
  const around: Surroundings = { product, pool: stage.pool(databaseUrl, 4), temporal };

  say(`${singles} single changes on an idle machine`);
  const single = await runSingleChanges(stage, product, temporal, { count: singles });
  await runLane(around, { count: 2_000, graceMs: 1_000 }); // warms up what a running service has warm
  const memoryBefore = memoryOf(product.worker).nowMb;

  const lanes: LaneRun[] = [];
  const queues: number[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    say(`${changes} changes of one integration, round ${round} of ${rounds}`);
    lanes.push(await runLane(around, { count: changes, graceMs }));
    say(`the same on graphile-worker`);
    queues.push((await runJobQueue(stage, serverUrl, { count: changes, graceMs })).totalSeconds);
  }
  say(`${changes} changes, and all of them again inside their windows`);
  const twice = await runLane(around, { count: changes, graceMs, isChangedAgain: true });
  const memoryAfter = memoryOf(product.worker).nowMb;

  say(`${pending} records due at once`);
  const backlog = await runBacklog(around, { count: pending });
  const memory = memoryOf(product.worker);

  say('bare inserts and bare HTTP of the same bodies');
  const insertsPerSecond = await bareInserts(around.pool, changes);
  const httpPerSecond = await bareHttp(stage, changes);
  say(`one workflow per record, ${records} records`);
  const workflows = await runWorkflowPerRecord(stage, { serverUrl, temporalAddress, temporal }, { count: records, graceMs });

  const accepted = median(lanes.map((lane) => lane.acceptedPerSecond));
  const drain = median(lanes.map((lane) => lane.drainSeconds));
  const total = median(lanes.map((lane) => lane.totalSeconds));
  const events = Math.max(...lanes.map((lane) => lane.cost.events));
  const queueTotal = median(queues);
  // Of runs that followed each other, for a machine is not equally busy all the time.
  const timesFasterThanQueue = median(queues.map((seconds, round) => seconds / (lanes[round] as LaneRun).totalSeconds));
  const others = shareOfOthers();
  const workflowsTotal = workflows.totalSeconds * (changes / records);
  const figures = {
    accepted_per_second: Math.round(accepted),
    drain_seconds: rounded(drain),
    events_per_change: rounded(events / changes, 4),
    signals: Math.max(...lanes.map((lane) => lane.cost.signals)),
    worker_rss_mb: memory.nowMb,
    times_faster_than_job_queue: rounded(timesFasterThanQueue, 1),
    times_faster_than_one_workflow_per_record: rounded(workflowsTotal / total, 1),
    total_seconds: rounded(total),
    job_queue_seconds: rounded(queueTotal),
    one_workflow_per_record_seconds: rounded(workflowsTotal, 1),
    bare_inserts_per_second: Math.round(insertsPerSecond),
    bare_http_per_second: Math.round(httpPerSecond),
    changed_again_per_second: Math.round(twice.againPerSecond ?? 0),
    changed_again_signals: twice.cost.signals,
    changed_again_wakes: twice.cost.wakes,
    changed_again_events: twice.cost.events,
    changed_again_drain_seconds: rounded(twice.drainSeconds),
    wakes: Math.max(...lanes.map((lane) => lane.cost.wakes)),
    worker_rss_before_mb: memoryBefore,
    worker_rss_peak_mb: memory.peakMb,
    single_change_median_ms: single.medianMs,
    single_change_slowest_ms: single.slowestMs,
    open_workflows_when_idle: single.openLanes,
    pending_records: pending,
    pending_drain_seconds: rounded(backlog.drainSeconds),
    pending_accepted_per_second: Math.round(backlog.acceptedPerSecond),
    pending_history_events: backlog.cost.events,
    pending_history_kb: backlog.cost.historyKb,
    cpu_share_of_others: rounded(others),
  };

  const count = changes.toLocaleString('en-US');
  const lines: Line[] = [
    {
      what: `${count} changes: accepted`,
      value: accepted,
      unit: '/s',
      goal: { atLeast: 5_000 },
      beside: `bare inserts of the same rows ${figures.bare_inserts_per_second}/s, bare Express ${figures.bare_http_per_second}/s`,
    },
    { what: 'pushed after the last one was due', value: drain, unit: 's', goal: { atMost: 1 }, beside: `${figures.wakes} wakes` },
    {
      what: 'Temporal history events per change',
      value: events / changes,
      unit: '',
      goal: { atMost: 0.05 },
      beside: `${events} events; a workflow per record ${workflows.eventsPerChange}`,
    },
    { what: 'signals to the lane', value: figures.signals, unit: '', beside: `${twice.cost.signals} where all records change twice` },
    {
      what: 'all changed again: wakes more',
      value: Math.max(0, twice.cost.wakes - figures.wakes),
      unit: '',
      goal: { atMost: 10 },
      beside: `${twice.cost.wakes} wakes, ${twice.cost.events} events, pushed ${rounded(twice.drainSeconds)} s after the last was due`,
    },
    { what: 'first change to last push, less grace', value: total, unit: 's' },
    {
      what: 'times faster than a job queue',
      value: timesFasterThanQueue,
      unit: '',
      goal: { atLeast: 5 },
      beside: `graphile-worker with jobKey ${rounded(queueTotal)} s`,
    },
    {
      what: 'times faster than a workflow per record',
      value: workflowsTotal / total,
      unit: '',
      goal: { atLeast: 100 },
      beside: `${records} in ${rounded(workflows.totalSeconds)} s, scaled to ${rounded(workflowsTotal, 0)} s`,
    },
    {
      what: 'single change: due to answered, median',
      value: single.medianMs,
      unit: 'ms',
      goal: { atMost: 500 },
      beside: `slowest of ${singles}: ${single.slowestMs} ms`,
    },
    { what: 'open workflows of idle integrations', value: single.openLanes, unit: '', goal: { atMost: 0 } },
    {
      what: `${pending.toLocaleString('en-US')} due at once: pushed`,
      value: backlog.drainSeconds,
      unit: 's',
      goal: { atMost: 10 },
      beside: `accepted at ${figures.pending_accepted_per_second}/s; ${backlog.cost.wakes} wakes`,
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
      goal: { atMost: memoryAfter + 150 },
      beside: `${memoryBefore} MB when started and warm, ${memoryAfter} MB after the rounds of ${count}, ${memory.peakMb} MB at the highest`,
    },
    { what: 'processor time other programs took meanwhile', value: others * 100, unit: '%', beside: 'figures of a busy machine say little; ratios say more' },
  ];
  return { title: `Push path${isQuick ? ' (quick: ratios are rough)' : ''}`, lines, figures };
}
