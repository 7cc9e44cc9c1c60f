/** Pushes a batch over SCIM: with shared calls if the service has bulk requests, otherwise one by one. */
import { pushConcurrently } from '../../bounded-concurrency';
import type { ConnectorContext, PushItem, PushResult } from '../../connector';
import { ConnectorError } from '../../errors';
import { SharedPush } from '../../shared-push';
import { ScimApi } from './api';
import { BulkCalls } from './bulk';
import { ScimCalls } from '../calls';
import type { ScimConfig, ScimCredentials } from '../config';
import { ScimPush } from './push';
import type { Features } from '../responses';
import { memoryOf } from '../service-memory';
import { SharedSearches } from './shared-searches';

type Context = ConnectorContext<ScimConfig, ScimCredentials>;

/** Of a batch, unless the configuration says otherwise. */
const CALLS_AT_ONCE = 4;

export async function pushBatch(items: readonly PushItem[], context: Context): Promise<PushResult[]> {
  if (context.signal.aborted) return [];
  const callsAtOnce = context.config.concurrency ?? CALLS_AT_ONCE;
  const memory = memoryOf(context.http);
  const calls = new ScimCalls(context, memory);
  const limits = await bulkLimits(items, calls);
  if (limits === null) {
    const push = new ScimPush(new ScimApi(calls), context);
    return pushConcurrently(items, callsAtOnce, (item) => push.pushRecord(item), context);
  }
  const batch = new SharedPush(callsAtOnce, context);
  const sharedCalls = new ScimCalls({ ...context, http: batch.sharedHttp(context.http) }, memory);
  const shared = {
    writes: new BulkCalls(sharedCalls, limits, batch),
    searches: new SharedSearches(sharedCalls, batch),
  };
  const bounded = batch.bounded(context);
  const boundedCalls = new ScimCalls(bounded, memory);
  const alone = new ScimPush(new ScimApi(boundedCalls), bounded);
  const together = new ScimPush(new ScimApi(boundedCalls, shared), bounded);
  return batch.push(items, (item) => (item.isSentAlone ? alone : together).pushRecord(item));
}

/** Null: the records are pushed one by one. */
async function bulkLimits(items: readonly PushItem[], calls: ScimCalls): Promise<Features['bulk']> {
  if (!calls.context.config.bulk || calls.memory.isBulkRefused || items.length < 2) return null;
  try {
    return (await calls.readFeatures()).bulk;
  } catch (error) {
    if (error instanceof ConnectorError) return null;
    throw error;
  }
}
