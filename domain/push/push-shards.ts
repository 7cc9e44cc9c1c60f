/** How many executions of a push queue work at the same time (rule 60). */

/** One execution makes that many calls at once without being busy with its own work. */
const CALLS_PER_SHARD = 16;

/** The most executions that the calls of an integration at the same time are worth. */
export const shardsFor = (callsAtOnce: number, shardsMax: number): number =>
  Math.max(1, Math.min(shardsMax, Math.ceil(callsAtOnce / CALLS_PER_SHARD)));

/** The calls at the same time of one execution; those of all of them are `callsAtOnce`. */
export function shareOfCalls(
  callsAtOnce: number,
  { shard = 0, shards = 1 }: { shard?: number; shards?: number },
) {
  return Math.floor(callsAtOnce / shards) + (shard < callsAtOnce % shards ? 1 : 0);
}

/** Each batch needs a connection to the database when it claims or concludes, so their number is limited. */
const BATCHES_MAX = 16;

/** Enough batches to keep the calls of an execution busy while some of them are claimed or concluded. */
export const batchesAtOnce = (
  callsAtOnce: number,
  batchSize: number,
  { parallelBatches }: { parallelBatches: number },
): number => {
  const busy = Math.min(Math.ceil((2 * callsAtOnce) / batchSize), BATCHES_MAX);
  return Math.min(callsAtOnce, Math.max(parallelBatches, busy));
};

export interface ShardDemand {
  /** Records that are due now. */
  due: number;
  /** What one execution has pushed, in how long, and the requests that it made. */
  pushed: number;
  requests: number;
  elapsedMs: number;
  /** How long an execution lasts. */
  timeBoxMs: number;
  /** The rate that the third party bears; null = it has never asked to slow down. */
  ratePerSecond: number | null;
  shardsMax: number;
}

/** More due records than this need no count. */
export const dueMax = ({
  pushed,
  elapsedMs,
  timeBoxMs,
  shardsMax,
}: Omit<ShardDemand, 'due' | 'ratePerSecond'>) => Math.ceil((pushed / elapsedMs) * timeBoxMs * shardsMax);

/** As many as push what is due within one time box, and no more than the rate limit keeps busy. */
export function shardsNeeded(demand: ShardDemand): number {
  const { due, pushed, requests, elapsedMs, timeBoxMs, ratePerSecond, shardsMax } = demand;
  if (pushed === 0 || elapsedMs <= 0) return 1;
  const byRecords = due / ((pushed / elapsedMs) * timeBoxMs);
  const byRate =
    ratePerSecond === null || requests === 0 ? Infinity : ratePerSecond / (requests / elapsedMs) / 1_000;
  return Math.max(1, Math.min(shardsMax, Math.ceil(byRecords), Math.ceil(byRate)));
}
