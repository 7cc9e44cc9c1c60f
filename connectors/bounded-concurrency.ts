/**
 * Works through a batch a few calls at a time, and stops starting calls when going on would do harm: at once
 * when the third party asks us to wait or refuses our credentials or the signal aborts, and after a few
 * failures in a row when it does not answer (rules.md 11: an outage is probed, not hammered). Calls already
 * started are always awaited: what they did must reach the books.
 */
import type { PushItem, PushResult } from './connector';
import { ConnectorError, RateLimited, Unauthorized, Unavailable } from './errors';

/** So many `Unavailable` without one answer between them mean that the third party is down. */
const UNAVAILABLE_IN_A_ROW_MAX = 5;

export type Settled<Item, Value> =
  | { item: Item; ok: true; value: Value }
  | { item: Item; ok: false; error: ConnectorError };

/**
 * Runs `work` over the items, at most `limit` at a time, and answers what came of those it started, in the
 * order of the items. An error that is none of the four is a mistake of ours with this item: it becomes
 * `Unavailable` (a few attempts, then Sync failed) instead of throwing, because throwing would lose what the
 * other items' calls have already done.
 */
export async function mapConcurrently<Item, Value>(
  items: readonly Item[],
  limit: number,
  work: (item: Item) => Promise<Value>,
  signal?: AbortSignal,
): Promise<Settled<Item, Value>[]> {
  const settled: Settled<Item, Value>[] = [];
  let next = 0;
  let unavailableInARow = 0;
  let isStopped = false;
  let queues = Math.min(limit, items.length);

  async function runPushQueue(): Promise<void> {
    while (!isStopped && signal?.aborted !== true && next < items.length) {
      const position = next++;
      const result = await settle(items[position] as Item, work);
      settled[position] = result;
      const error = result.ok ? undefined : result.error;
      unavailableInARow = error instanceof Unavailable ? unavailableInARow + 1 : 0;
      if (
        error instanceof RateLimited ||
        error instanceof Unauthorized ||
        unavailableInARow >= UNAVAILABLE_IN_A_ROW_MAX
      )
        isStopped = true;
      // One lane fewer with each failure: what is still under way may fail as well, and must not add up to a
      // hammering.
      if (error instanceof Unavailable && queues > 1) {
        queues -= 1;
        return;
      }
    }
  }

  await Promise.all(Array.from({ length: queues }, runPushQueue));
  return settled; // without holes: items are started in order, and every started one is awaited
}

/**
 * `mapConcurrently` for a push: one `PushResult` per item that was started. `pushOne` throws one of the four
 * errors when it fails.
 */
export async function pushConcurrently(
  items: readonly PushItem[],
  limit: number,
  pushOne: (item: PushItem) => Promise<Extract<PushResult, { ok: true }>>,
  signal: AbortSignal,
): Promise<PushResult[]> {
  const settled = await mapConcurrently(items, limit, pushOne, signal);
  return settled.map((result) =>
    result.ok ? result.value : { pushId: result.item.pushId, ok: false, error: result.error },
  );
}

async function settle<Item, Value>(
  item: Item,
  work: (item: Item) => Promise<Value>,
): Promise<Settled<Item, Value>> {
  try {
    return { item, ok: true, value: await work(item) };
  } catch (error) {
    if (error instanceof ConnectorError) return { item, ok: false, error };
    return {
      item,
      ok: false,
      error: new Unavailable('The connector failed for this record.', null, { cause: error }),
    };
  }
}
