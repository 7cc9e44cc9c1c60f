/** Pushes a batch: with shared calls where the configuration has a `batch`, otherwise one by one. */
import { pushConcurrently } from '../../bounded-concurrency';
import type { PushItem, PushResult } from '../../connector';
import { SharedPush } from '../../shared-push';
import { recordTypeOf } from '../config/record-type-of';
import type { RestContext } from '../http/credentials';
import { openSession } from '../http/session';
import { hasBatch } from '../validate/validate-batch';
import { BatchCalls } from './batch-calls';
import { pushRecord } from './push';

export async function pushBatch(items: readonly PushItem[], context: RestContext): Promise<PushResult[]> {
  if (items.length === 0 || context.signal.aborted) return [];
  const { config } = context;
  const recordType = (item: PushItem) => recordTypeOf(config, item.recordType);
  const isShared = Object.values(config.record_types).some(hasBatch) && items.length > 1;
  if (!isShared) {
    const session = await openSession(context);
    const pushOne = async (item: PushItem) =>
      pushRecord({ config, recordType: recordType(item), item, session, context });
    return pushConcurrently(items, config.concurrency, pushOne, context);
  }
  const batch = new SharedPush(config.concurrency, context);
  const bounded = batch.bounded(context);
  const session = await openSession(bounded);
  const shared = await openSession({ ...context, http: batch.sharedHttp(context.http) });
  const batches = new BatchCalls(config, shared, batch);
  return batch.push(items, async (item) =>
    pushRecord({
      config,
      recordType: recordType(item),
      item,
      session,
      context: bounded,
      batches: item.isSentAlone ? undefined : batches,
    }),
  );
}
