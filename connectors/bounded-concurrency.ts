/**
 * Processes a batch with a few concurrent calls. No further calls are started after a rate limit, refused
 * credentials or an abort, or after a few consecutive failures without a response (rules.md 11: an outage is
 * only probed). Started calls are always awaited, because their results must be recorded.
 */
import type { ConnectorContext, PushItem, PushResult } from './connector';
import { ConnectorError, RateLimited, Unauthorized, Unavailable } from './errors';

/** This many consecutive `Unavailable` errors mean that the third party is down. */
export const UNAVAILABLE_IN_A_ROW_MAX = 5;

export type Settled<Item, Value> =
  | { item: Item; ok: true; value: Value }
  | { item: Item; ok: false; error: ConnectorError };

/**
 * Calls `work` for the items, at most `limit` at a time. Returns the results of the started items in their
 * order. `mayBegin` false: no further item is started. An error that is not one of the four is a bug that
 * concerns one item. It becomes `Unavailable` (a few attempts, then Sync failed), because an exception would
 * lose the results of the other items.
 */
export async function mapConcurrently<Item, Value>(
  items: readonly Item[],
  limit: number,
  work: (item: Item) => Promise<Value>,
  mayBegin: () => boolean = () => true,
): Promise<Settled<Item, Value>[]> {
  const settled: Settled<Item, Value>[] = [];
  let next = 0;
  let unavailableInARow = 0;
  let isStopped = false;
  let workers = Math.min(limit, items.length);

  async function runWorker(): Promise<void> {
    while (!isStopped && mayBegin() && next < items.length) {
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
      // Each failure reduces the concurrency, so that a third party that is down gets few calls.
      if (error instanceof Unavailable && workers > 1) {
        workers -= 1;
        return;
      }
    }
  }

  await Promise.all(Array.from({ length: workers }, runWorker));
  return settled; // has no holes: items are started in order and all of them are awaited
}

/**
 * `mapConcurrently` for a push: one `PushResult` per started item, reported as it arrives. `pushOne` throws
 * one of the four errors.
 */
export async function pushConcurrently(
  items: readonly PushItem[],
  limit: number,
  pushOne: (item: PushItem) => Promise<Extract<PushResult, { ok: true }>>,
  { signal, pushing }: Pick<ConnectorContext, 'signal' | 'pushing'>,
): Promise<PushResult[]> {
  const mayBegin = () => !signal.aborted && pushing?.mayBegin() !== false;
  const settled = await mapConcurrently(
    items,
    Math.min(limit, pushing?.recordsAtOnce ?? limit),
    async (item) => {
      const result = await settle(item, pushOne);
      pushing?.onResult(resultOf(result));
      if (result.ok) return result.value;
      throw result.error;
    },
    mayBegin,
  );
  return settled.map(resultOf);
}

const resultOf = (result: Settled<PushItem, Extract<PushResult, { ok: true }>>): PushResult =>
  result.ok ? result.value : { pushId: result.item.pushId, ok: false, error: result.error };

async function settle<Item, Value>(
  item: Item,
  work: (item: Item) => Promise<Value>,
): Promise<Settled<Item, Value>> {
  try {
    return { item, ok: true, value: await work(item) };
  } catch (error) {
    return { item, ok: false, error: toConnectorError(error) };
  }
}

export function toConnectorError(error: unknown): ConnectorError {
  if (error instanceof ConnectorError) return error;
  return new Unavailable('The connector failed for this record.', null, { cause: error });
}
