/**
 * Sends one claimed batch through the connector. Records whose result is certain are concluded as their
 * answers arrive (rule 60). Returns the results of the other ones, and the state of the third party if it is
 * unavailable as a whole.
 */
import type { PushItem, PushProgress, PushResult } from '../../connectors/connector';
import {
  ConnectorError,
  NoResultInBatch,
  RateLimited,
  RecordRejected,
  Unauthorized,
  Unavailable,
  UnusableAnswer,
} from '../../connectors/errors';
import type { ClaimedPush } from '../../db/push/claim';
import type { FinishedPush, PushOutcome, UnreadOfPush } from '../../db/push/push-outcome';
import { isDatabaseAway, ownFailure } from '../../db/sql/database-away';
import type { JsonObject } from '../../domain/json';
import type { FieldConflict } from '../../domain/pull/field-conflict';
import type { RecordTypeMappings } from '../../domain/records/mapping';
import { type Notation, notationAfterPush } from '../../domain/records/notation';
import type { ReferredRecord } from '../../domain/records/references';
import { recordRetryDelayMs } from '../../domain/retry';
import { typeIdOf } from '../../domain/typeid';
import type { ActivityLog, OpenConnector } from '../dependencies';
import { internalError, toSyncErrors } from '../integrations/connector-failures';
import { RateLimitExhausted } from '../integrations/rate-limited-http';
import { stateAfter, type ThirdPartyState } from '../integrations/third-party-health';
import { waitForThirdParty } from '../time-box';
import type { EarlyResults, GroupedResults } from './grouped-results';
import { itemsOf } from './push-item';
import { refused, rejected } from './rejected-push';
import { WAITING, waitingForAll } from './waiting-push';
import { TheirIds } from './their-ids';
import { UnreadEditsOfBatch } from './unread-edits';

export interface Batch {
  pushes: readonly ClaimedPush[];
  recordTypes: RecordTypeMappings;
  open(): Promise<OpenConnector>;
  /** Calls the third party's `check`. Results are reused for a while, so a batch may call it per record. */
  ask(): Promise<ThirdPartyState>;
  /** Our ids of records there, by `referredKey` of theirs. */
  findOurIds(wanted: readonly ReferredRecord[]): Promise<ReadonlyMap<string, string>>;
  /** Stores conflicts that are found before a record is written. */
  raise(push: ClaimedPush, conflicts: readonly FieldConflict[]): Promise<void>;
  /** Called at once if an answer concerns every call: a pause is requested, or credentials are refused. */
  onTrouble(trouble: ThirdPartyState): void;
  /** Stores results before the batch has ended, as far as they are certain. */
  grouped: GroupedResults;
  progress: Omit<PushProgress, 'onResult'>;
  /** Its only push probes a third party that was down, and may have asked to wait since. */
  isProbe: boolean;
  /** Workflow time. */
  now(): Date;
  log: ActivityLog;
}

export interface BatchResult {
  concluded: FinishedPush[];
  trouble: ThirdPartyState;
  /** A record succeeded after those of earlier batches that got no answer: of this batch or of another. */
  hasSucceeded: boolean;
  /** The pushes whose own results arrived after the last success. */
  sinceSuccess: ReadonlySet<string>;
}

/** The execution ended before the push was begun. */
export const notBegun = (push: ClaimedPush): FinishedPush => ({
  push,
  outcome: { ...WAITING, dueAt: push.dueAt },
});

export async function pushBatch(batch: Batch): Promise<BatchResult> {
  const unread = new UnreadEditsOfBatch(batch.pushes, batch.recordTypes, batch.raise);
  const ids = new TheirIds(batch.pushes, batch.recordTypes, batch.findOurIds);
  const early = batch.grouped.ofBatch();
  const { results, isStopped } = await send(batch, { unread, ids, early });
  const isConcluded = await early.end();
  let trouble: ThirdPartyState = { kind: 'well' };
  const concluded: FinishedPush[] = [];
  const arrived = [...results.keys()];
  for (const push of inOrderOfArrival(batch.pushes, arrived)) {
    if (isConcluded.has(push.pushId)) continue;
    const result = results.get(push.pushId);
    if (result === undefined) {
      concluded.push(batch.progress.mayBegin() ? { push, outcome: WAITING } : notBegun(push));
      continue;
    }
    const judged = await judge(batch, push, result, { isStopped, unread: unread.of(push) });
    if (judged.trouble !== undefined && judged.trouble.kind !== 'well') trouble = judged.trouble;
    concluded.push({ push, outcome: judged.outcome });
  }
  const lastSuccess = arrived.findLastIndex((pushId) => results.get(pushId)?.ok === true);
  const sinceSuccess = new Set(arrived.slice(lastSuccess + 1).filter((id) => hasOwnResult(results.get(id))));
  const hasSucceeded = lastSuccess >= 0 || batch.grouped.hasSucceeded;
  const isRepeated = ({ push, outcome }: FinishedPush) =>
    outcome.kind === 'retry' && sinceSuccess.has(push.pushId);
  batch.grouped.hasSucceeded = hasSucceeded && !concluded.some(isRepeated);
  return { concluded, trouble, hasSucceeded, sinceSuccess };
}

/** False if a shared call failed, which says nothing about the calls of single records. */
const hasOwnResult = (result: Result | undefined): boolean =>
  result?.ok !== false || !(result.error instanceof NoResultInBatch);

/** Pushes without a result come last. */
function inOrderOfArrival(pushes: readonly ClaimedPush[], arrived: readonly string[]): ClaimedPush[] {
  const positions = new Map(arrived.map((pushId, position) => [pushId, position]));
  const positionOf = ({ pushId }: ClaimedPush) => positions.get(pushId) ?? arrived.length;
  return pushes.toSorted((a, b) => positionOf(a) - positionOf(b));
}

type Result = PushResult | { pushId: string; ok: false; error: unknown };

async function send(
  batch: Batch,
  { unread, ids, early }: { unread: UnreadEditsOfBatch; ids: TheirIds; early: EarlyResults },
): Promise<{ results: Map<string, Result>; isStopped: boolean }> {
  const { pushes, recordTypes, open, log, progress, onTrouble } = batch;
  const items = itemsOf(pushes, recordTypes).map((item) => ids.item(item));
  const pushOf = new Map(pushes.map((push) => [push.pushId, push]));
  const results = new Map<string, Result>();
  const inOurIds = <One extends Result>(result: One): One =>
    result.ok && result.shown !== undefined
      ? { ...result, shown: ids.shown(pushOf.get(result.pushId)?.recordType ?? '', result.shown) }
      : result;
  const arrive = <One extends Result>(arrived: One): One => {
    const isNew = !results.has(arrived.pushId);
    const result = inOurIds(arrived);
    results.set(result.pushId, result);
    if (isNew && !result.ok && concernsEveryCall(result.error)) onTrouble(stateAfter(result.error));
    return result;
  };
  let isStopped = false;
  try {
    const { connector, context: shared } = await open();
    const onResult = (arrived: PushResult): void => {
      const result = arrive(arrived);
      const push = pushOf.get(result.pushId);
      if (push !== undefined) addIfCertain(batch, push, { early, result, unread });
    };
    const pushing = { ...progress, onResult };
    const beforeCreateAgain = (item: PushItem) => {
      // At once, also for a connector that does not wait.
      unread.beforeCreateAgain(item);
      return shared.beforeCreateAgain?.(item);
    };
    const context = { ...shared, beforeWrite: ids.around(unread.beforeWrite), beforeCreateAgain, pushing };
    try {
      const sent = await waitForThirdParty(() => connector.push(items, context));
      for (const result of sent) arrive(result);
    } catch (error) {
      if (error instanceof ConnectorError) throw error;
      // A bug of the connector: the records are sent one by one, so that only the record that triggers it
      // fails (rules.md R10).
      log.error({ err: error, connector: connector.kind }, 'connector failed on a batch');
      for (const item of items)
        if (!results.has(item.pushId)) arrive(await sendAlone(item, () => connector.push([item], context)));
    }
    isStopped = context.signal.aborted;
  } catch (error) {
    if (!(error instanceof ConnectorError)) throw error;
    // Nothing was sent: the first record gets the error, and the others count as not called.
    const [first] = items;
    if (first !== undefined && results.size === 0) arrive({ pushId: first.pushId, ok: false, error });
  }
  return { results, isStopped };
}

const concernsEveryCall = (error: unknown): error is RateLimited | Unauthorized =>
  error instanceof RateLimited || error instanceof Unauthorized;

async function sendAlone(item: PushItem, push: () => Promise<PushResult[]>): Promise<Result> {
  try {
    const [result] = await push();
    return (
      result ?? {
        pushId: item.pushId,
        ok: false,
        error: new Error('The connector gave no result for this record.'),
      }
    );
  } catch (error) {
    return { pushId: item.pushId, ok: false, error };
  }
}

async function judge(
  batch: Batch,
  push: ClaimedPush,
  result: Result,
  { isStopped, unread }: { isStopped: boolean; unread: UnreadOfPush | undefined },
): Promise<{ outcome: PushOutcome; trouble?: ThirdPartyState }> {
  if (result.ok) return { outcome: succeeded(batch, push, result, unread) };
  const { error } = result;
  if (error instanceof RecordRejected && !error.isForbidden)
    return { outcome: rejected(push, error, batch.now()) };
  // The worker is stopping: the results of aborted calls are unknown and do not concern the third party's
  // state.
  if (isStopped) return { outcome: { ...WAITING, wasCalled: true } };
  const own = ownFailure(error);
  if (own !== undefined || !(error instanceof ConnectorError)) {
    batch.log.error({ err: own ?? error, push_id: typeIdOf('psh', push.pushId) }, 'a push failed here');
    return { outcome: failedHere(push, own ?? error, batch.now()) };
  }
  if (error instanceof RateLimitExhausted) return { outcome: WAITING, trouble: stateAfter(error) };
  if (concernsEveryCall(error))
    return { outcome: waitingForAll(error, batch.now()), trouble: stateAfter(error) };

  // A probe that gets no answer needs no second opinion.
  const trouble: ThirdPartyState =
    batch.isProbe && !(error instanceof RecordRejected || error instanceof UnusableAnswer)
      ? { kind: 'outage', isWrite: true, detail: error.message }
      : await batch.ask();
  if (trouble.kind !== 'well' && trouble.kind !== 'permits')
    return { outcome: { ...WAITING, wasCalled: true, goesAlone: error instanceof Unavailable }, trouble };
  if (error instanceof RecordRejected)
    return { outcome: { kind: 'failed', errors: toSyncErrors(error), isCertain: !push.wasCreated } };
  const answer = error instanceof UnusableAnswer ? 'unreadable' : undefined;
  return { outcome: refused(push, toSyncErrors(error), batch.now(), answer) };
}

/** The third party is not the cause. While Syncline's database is away, the push uses up no attempt. */
function failedHere(push: ClaimedPush, error: unknown, now: Date): PushOutcome {
  const isAway = ownFailure(error) !== undefined && isDatabaseAway(error);
  if (!isAway) return refused(push, [internalError(error)], now);
  return { ...WAITING, wasCalled: true, dueAt: new Date(now.getTime() + recordRetryDelayMs(1)) };
}

function addIfCertain(
  batch: Batch,
  push: ClaimedPush,
  { early, result, unread }: { early: EarlyResults; result: PushResult; unread: UnreadEditsOfBatch },
): void {
  try {
    const outcome = certainOutcome(batch, push, result, unread.of(push));
    if (outcome !== undefined) early.add({ push, outcome });
  } catch {
    // The same error occurs at the end of the batch. Thrown here, it would reach the connector.
  }
}

/** The outcome of a result that says nothing about the third party as a whole. */
function certainOutcome(
  batch: Batch,
  push: ClaimedPush,
  result: PushResult,
  unread: UnreadOfPush | undefined,
): PushOutcome | undefined {
  if (result.ok) return succeeded(batch, push, result, unread);
  const { error } = result;
  return error instanceof RecordRejected && !error.isForbidden
    ? rejected(push, error, batch.now())
    : undefined;
}

function succeeded(
  batch: Batch,
  push: ClaimedPush,
  result: Extract<PushResult, { ok: true }>,
  unread: UnreadOfPush | undefined,
): PushOutcome {
  return {
    kind: 'succeeded',
    effect: result.effect,
    remoteId: result.remoteId,
    remoteVersion: result.remoteVersion,
    notation: notationOf(batch, push, {
      shown: result.shown ?? null,
      payload: unread?.payload ?? push.payload,
      leftAsIs: unread?.leftAsIs ?? {},
    }),
    unread,
  };
}

function notationOf(
  { recordTypes }: Batch,
  { recordType, operation, fields, notation }: ClaimedPush,
  given: { shown: JsonObject | null; payload: JsonObject; leftAsIs: JsonObject },
): Notation | undefined {
  const mapping = recordTypes[recordType];
  if (mapping === undefined || operation !== 'upsert') return undefined;
  return notationAfterPush(mapping, fields, { before: notation, ...given });
}
