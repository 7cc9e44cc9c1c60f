/**
 * `npm run bench -- push`: the push path compared with a job queue and with a workflow per record. A whole
 * run takes four to five minutes.
 */
import type { BenchmarkOptions, Report } from '../report';
import { memoryOf, startServersAndProduct } from '../product';
import { median } from '../measure';
import { watchOthers } from '../noise';
import { toReport } from './figures';
import type { PeerRun } from './peer-run';
import type { BenchEnvironment } from '../environment';
import { ensurePeers, runJobQueue } from './job-queue';
import { type PushQueueRun, runBacklog, runPushQueue, type Surroundings } from './queue-runs';
import { bareHttp, bareInserts } from './limits';
import { runSingleChanges } from './single-change';
import { runWorkflowPerRecord } from './workflows-peer';

const AMOUNTS = {
  whole: {
    isQuick: false,
    changes: 10_000,
    rounds: 3,
    records: 1_000,
    pending: 100_000,
    singles: 15,
    graceMs: 10_000,
  },
  quick: {
    isQuick: true,
    changes: 5_000,
    rounds: 1,
    records: 200,
    pending: 20_000,
    singles: 5,
    graceMs: 5_000,
  },
};

const say = (text: string): void => console.log(`  ${text}`);

/** Alternates runs of the push queue, bare inserts, and runs of the job queue. */
async function runRounds(
  environment: BenchEnvironment,
  around: Surroundings,
  serverUrl: string,
  { changes, rounds, graceMs }: { changes: number; rounds: number; graceMs: number },
): Promise<{ pushRuns: PushQueueRun[]; queues: PeerRun[]; inserts: number[] }> {
  const pushRuns: PushQueueRun[] = [];
  const queues: PeerRun[] = [];
  const inserts: number[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    say(`${changes} changes of one integration, round ${round} of ${rounds}`);
    pushRuns.push(await runPushQueue(around, { count: changes, graceMs }));
    say('bare inserts of the same rows');
    inserts.push(await bareInserts(around.pool, changes));
    say(`the same on graphile-worker`);
    queues.push(await runJobQueue(environment, serverUrl, { count: changes, graceMs }));
  }
  return { pushRuns, queues, inserts };
}

export async function pushBenchmark(
  environment: BenchEnvironment,
  { isQuick }: BenchmarkOptions,
): Promise<Report> {
  const amounts = isQuick ? AMOUNTS.quick : AMOUNTS.whole;
  const { changes, records, pending, singles, graceMs } = amounts;
  await ensurePeers();
  const shareOfOthers = watchOthers();
  say('starting PostgreSQL, Temporal, api and worker');
  const servers = await startServersAndProduct(environment);
  const { serverUrl, temporalAddress, databaseUrl, product } = servers;
  const temporal = await environment.temporalClient(temporalAddress);
  const around: Surroundings = { product, pool: environment.pool(databaseUrl, 4), temporal };

  say(`${singles} single changes on an idle machine`);
  const single = await runSingleChanges(environment, product, temporal, { count: singles });
  say(`${2 * changes} changes and bare inserts, to warm up what a running service has warm`);
  await runPushQueue(around, { count: 2 * changes, graceMs: 1_000 });
  await bareInserts(around.pool, changes);
  const warmMb = memoryOf(product.worker).nowMb;

  const { pushRuns, queues, inserts } = await runRounds(environment, around, serverUrl, amounts);
  say('graphile-worker once more, with each push reduced to two statements');
  const squeezed = await runJobQueue(environment, serverUrl, { count: changes, graceMs, isSqueezed: true });
  say(`${changes} changes, and all of them again inside their windows`);
  const twice = await runPushQueue(around, { count: changes, graceMs, isChangedAgain: true });
  const afterRoundsMb = memoryOf(product.worker).nowMb;

  say(`${pending} records due at once`);
  const backlog = await runBacklog(around, { count: pending });
  const { nowMb, peakMb } = memoryOf(product.worker);

  say('bare HTTP of the same bodies');
  const httpPerSecond = await bareHttp(environment, changes);
  say(`one workflow per record, ${records} records`);
  const workflows = await runWorkflowPerRecord(
    environment,
    { serverUrl, temporalAddress, temporal },
    { count: records, graceMs },
  );

  const memory = { warmMb, afterRoundsMb, nowMb, peakMb };
  return toReport({
    amounts,
    single,
    pushRuns,
    queues,
    squeezed,
    twice,
    backlog,
    memory,
    limits: { insertsPerSecond: median(inserts), httpPerSecond },
    workflows,
    shareOfOthers: shareOfOthers(),
  });
}
