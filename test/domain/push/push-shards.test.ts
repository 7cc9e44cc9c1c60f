/** Rule 60: a push queue spreads over workers as far as its app bears it. */
import { batchesAtOnce, shardsFor, shardsNeeded, shareOfCalls } from '../../../domain/push/push-shards';

const demand = {
  due: 10_000,
  pushed: 100,
  requests: 200,
  elapsedMs: 3_000,
  timeBoxMs: 20_000,
  ratePerSecond: null,
  shardsMax: 8,
};

describe('the calls of all executions', () => {
  it.each([
    [1, 1],
    [8, 3],
    [17, 4],
    [64, 4],
    [256, 8],
  ])('are the concurrency of the app: %i, shared by %i', (callsAtOnce, shards) => {
    const shares = Array.from({ length: shards }, (_, shard) => shareOfCalls(callsAtOnce, { shard, shards }));

    expect(shares.reduce((sum, share) => sum + share, 0)).toBe(callsAtOnce);
  });

  it('of one execution alone are the concurrency of the app', () => {
    expect(shareOfCalls(1, {})).toBe(1);
    expect(shareOfCalls(64, {})).toBe(64);
  });

  it.each([
    [1, 1],
    [8, 1],
    [16, 1],
    [17, 2],
    [64, 4],
    [256, 8],
  ])('of an app with a concurrency of %i are worth %i executions', (callsAtOnce, shards) => {
    expect(shardsFor(callsAtOnce, 8)).toBe(shards);
  });

  it('leave a call to each of the executions', () => {
    for (let callsAtOnce = 1; callsAtOnce <= 256; callsAtOnce += 1) {
      const shards = shardsFor(callsAtOnce, 32);
      expect(shareOfCalls(callsAtOnce, { shard: shards - 1, shards })).toBeGreaterThanOrEqual(1);
    }
  });
});

describe('the batches of an execution', () => {
  it.each([
    [1, 40, 1],
    [8, 40, 2],
    [128, 40, 7],
    [256, 40, 13],
    [1_000, 1, 16],
  ])('with %i calls at once and %i records a batch are %i', (callsAtOnce, batchSize, batches) => {
    expect(batchesAtOnce(callsAtOnce, batchSize, { parallelBatches: 2 })).toBe(batches);
  });
});

describe('the number of executions', () => {
  it('is what pushes the due records within one of them', () => {
    expect(shardsNeeded({ ...demand, due: 600 })).toBe(1);
    expect(shardsNeeded({ ...demand, due: 2_000 })).toBe(3);
    expect(shardsNeeded(demand)).toBe(8);
  });

  it('is no more than the rate of the third party keeps busy', () => {
    expect(shardsNeeded({ ...demand, ratePerSecond: 130 })).toBe(2);
    expect(shardsNeeded({ ...demand, ratePerSecond: 1 })).toBe(1);
  });

  it('is one when nothing was pushed', () => {
    expect(shardsNeeded({ ...demand, pushed: 0 })).toBe(1);
  });
});
