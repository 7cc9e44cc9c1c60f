/**
 * Pushes one record by configuration. A push can be repeated after a lost response: before a creation the
 * record is searched (`find`), or the call itself prevents a duplicate (an id that Syncline assigns,
 * `upsert`, an idempotency key). `validate` requires one of these. A record that was deleted in the third
 * party is created again; deleting or deactivating a missing record succeeds.
 */
import type { PushItem } from '../../connector';
import { CreatedWithoutId, RecordRejected, UnusableAnswer, WrongAddress } from '../../errors';
import { type RecordCalls, ownIdOf, sendCall } from '../http/calls';
import { readAt } from '../json-pointer';
import { checkSameId } from '../../same-id';
import { createdBefore, maybeCreated, remoteCreated } from './created-record';
import { type Remote, findRemote, notFindable } from './find-remote-record';
import { deactivate, remove } from './remove';
import {
  callSwitch,
  configured,
  isReadFirst,
  outcome,
  type Pushed,
  pushed,
  recordToSend,
  writeRecord,
} from './write-call';

/** Pushes one item. Throws one of the four errors. */
export async function pushRecord(calls: RecordCalls): Promise<Pushed> {
  const ownId = ownIdOf(calls);
  if (calls.item.remoteId === null && ownId !== undefined)
    await calls.context.claimRemote?.(calls.item, ownId);
  switch (calls.item.operation) {
    case 'upsert':
      return calls.recordType.upsert ? upsertInOneCall(calls) : upsert(calls);
    case 'deactivate':
      return changeWhatIsThere(calls, deactivate);
    case 'delete':
      return changeWhatIsThere(calls, remove);
  }
}

async function upsert(calls: RecordCalls): Promise<Pushed> {
  const known = remoteOf(calls.item);
  const updated = known && (await update(calls, known));
  if (updated) return updated;
  const found = await findRemote(calls);
  const updatedFound = found && (await update(calls, found));
  if (updatedFound) return updatedFound;
  if (calls.item.wasCreated === true) throw createdBefore(calls);
  const created = await resolveCreation(calls);
  const updatedCreated = created && (await update(calls, created));
  if (updatedCreated) return updatedCreated;
  await beforeCreateAgain(calls);
  return create(calls);
}

/** Also if an earlier creation, under another key, was refused. */
async function beforeCreateAgain(calls: RecordCalls): Promise<void> {
  const { item, context } = calls;
  const isUnderNewKey = item.unresolvedCreation !== null && needsKeys(calls);
  if (item.remoteId !== null || isUnderNewKey) await context.beforeCreateAgain?.(item);
}

/** Only an idempotency key keeps the record from being created twice. */
const needsKeys = (calls: RecordCalls): boolean =>
  calls.recordType.find === undefined && ownIdOf(calls) === undefined;

/**
 * Resolves a creation whose response was lost, if records cannot be searched. It is repeated with its own
 * idempotency key, so the third party returns the earlier result. Undefined if there is none, or it was
 * refused.
 */
async function resolveCreation(calls: RecordCalls): Promise<Remote | undefined> {
  const { recordType, item } = calls;
  const earlier = item.unresolvedCreation;
  const hasKey = recordType.create?.idempotency_header !== undefined && needsKeys(calls);
  if (earlier === null || item.wasCreated === true || !hasKey) return undefined;
  const again = {
    ...calls,
    item: { ...item, pushId: earlier.pushId, payload: earlier.payload, unresolvedCreation: null },
  };
  try {
    const { remoteId, remoteVersion } = await create(again);
    return remoteId === null ? undefined : { id: remoteId, version: remoteVersion };
  } catch (error) {
    // A redirect can follow a creation (303).
    const isRefused = !(error instanceof CreatedWithoutId || error instanceof WrongAddress);
    if (error instanceof RecordRejected && isRefused) return undefined;
    throw error;
  }
}

async function create(calls: RecordCalls): Promise<Pushed> {
  const call = configured(calls.recordType.create);
  const ownId = ownIdOf(calls);
  const headers = {
    ...(call.if_none_match && { 'if-none-match': '*' }),
    ...(call.idempotency_header && { [call.idempotency_header]: calls.item.pushId }),
  };
  const answer = await sendCall(calls, call, {
    method: 'POST',
    remoteId: ownId,
    record: recordToSend(calls, 'create'),
    headers,
  });
  if (answer.meaning === 'exists' || answer.meaning === 'changed') {
    // The record was created in the meantime, perhaps by an attempt whose response was lost: update it.
    const existing = ownId === undefined ? await findRemote(calls) : { id: ownId, version: null };
    const updated = existing && (await update(calls, existing));
    if (updated) return updated;
  }
  if (answer.meaning !== 'done') {
    const { error } = answer;
    throw error instanceof UnusableAnswer && needsKeys(calls) ? maybeCreated(calls, error) : error;
  }
  const record = readAt(answer.body, calls.recordType.record_at);
  return pushed(calls, 'created', await remoteCreated(calls, answer), record);
}

/** Undefined if the record does not exist. */
async function update(calls: RecordCalls, remote: Remote): Promise<Pushed | undefined> {
  const { recordType, item } = calls;
  const call = configured(recordType.update);
  if (item.isDeactivated && recordType.activate?.path !== undefined) {
    const activated = await callSwitch(calls, recordType.activate, remote);
    if (activated === undefined) return undefined;
  }
  const record = (current: RecordCalls) => recordToSend(current, 'update');
  const answer = await writeRecord(calls, remote, call, { method: 'PATCH', record });
  return outcome(calls, 'updated', answer, remote);
}

async function upsertInOneCall(calls: RecordCalls): Promise<Pushed> {
  const { recordType, item } = calls;
  const known = remoteOf(item) ?? { id: ownIdOf(calls) ?? null, version: null };
  if (item.isDeactivated && recordType.activate?.path !== undefined)
    await callSwitch(calls, recordType.activate, known);
  const call = configured(recordType.upsert);
  const record = (current: RecordCalls) => recordToSend(current, 'create');
  const writing = { method: 'PUT' as const, record };
  const isRead = call.merge === true || isReadFirst(calls);
  const written = isRead ? await writeRecord(calls, known, call, writing) : undefined;
  if (written?.meaning === 'missing') await beforeCreateAgain(calls);
  const answer =
    written === undefined || written.meaning === 'missing'
      ? await sendCall(calls, call, { method: 'PUT', record: record(calls), remoteId: known.id })
      : written;
  if (answer.meaning !== 'done') throw answer.error;
  const remote = await remoteCreated(calls, answer, known.id);
  const shown = readAt(answer.body, recordType.record_at);
  if (answer.response.status === 201) return pushed(calls, 'created', remote, shown);
  if (known.id !== null && remote.id !== null) checkSameId(known.id, remote.id, 'written');
  return pushed(calls, 'updated', remote, shown);
}

/**
 * Deletes or deactivates the known record, or else the one with the Syncline id. A missing record is a
 * success, unless the third party has accepted its creation.
 */
async function changeWhatIsThere(
  calls: RecordCalls,
  change: (calls: RecordCalls, remote: Remote) => Promise<Pushed | undefined>,
): Promise<Pushed> {
  const { item, recordType } = calls;
  const isLost = item.wasCreated === true && remoteByOurId(calls) === undefined;
  const known = remoteOf(item) ?? remoteByOurId(calls) ?? (await resolveCreation(calls));
  const changed = known && (await change(calls, known));
  if (changed) return changed;
  if (known === undefined && recordType.find === undefined && !isLost) throw notFindable(item);
  // A linked record that is missing may have been created again, and the answer lost.
  const again = item.remoteId === null ? undefined : await resolveCreation(calls);
  const found = again ?? (await findRemote(calls));
  const changedFound = found && found.id !== known?.id ? await change(calls, found) : undefined;
  if (changedFound) return changedFound;
  if (isLost) throw createdBefore(calls);
  return { pushId: item.pushId, ok: true, effect: 'none', remoteId: null, remoteVersion: null };
}

function remoteOf({ remoteId, remoteVersion }: PushItem): Remote | undefined {
  return remoteId === null ? undefined : { id: remoteId, version: remoteVersion };
}

/** If the Syncline id is the address, the record can be addressed without a known remote id. */
function remoteByOurId(calls: RecordCalls): Remote | undefined {
  const ownId = ownIdOf(calls);
  if (ownId !== undefined) return { id: ownId, version: null };
  const { upsert: oneCall, find } = calls.recordType;
  return oneCall !== undefined && find === undefined ? { id: null, version: null } : undefined;
}
