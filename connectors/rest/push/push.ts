/**
 * Pushing one record by configuration. Safe to repeat after a lost answer: before a record is created it is
 * looked for (`find`), or the call itself makes a second one impossible (an id of our own, `upsert`, an
 * idempotency key), which `validate` insists on. What is gone there is created again; deleting or
 * deactivating what is not there is done already.
 */
import type { PushItem } from '../../connector';
import { RecordRejected } from '../../errors';
import { type RecordCalls, ownIdOf, sendCall } from '../http/calls';
import { readAt } from '../json-pointer';
import { type Remote, findRemote, idIn, notFindable, versionIn, withoutId } from './find-remote-record';
import { recordToSend } from './record-body';
import { deactivate, remove } from './remove';
import {
  callSwitch,
  configured,
  type Done,
  ifMatch,
  outcome,
  type Pushed,
  pushed,
  sendAgainIfChanged,
} from './write-call';

/** Pushes one item. Throws one of the four errors. */
export async function pushRecord(calls: RecordCalls): Promise<Pushed> {
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
  const created = await resolveCreation(calls);
  const updatedCreated = created && (await update(calls, created));
  return updatedCreated ?? create(calls);
}

/**
 * What came of a creation whose answer was lost, where records cannot be found: it is repeated as it was,
 * under its own idempotency key, so the third party answers with what it did then. Undefined when there is
 * none, or it was refused.
 */
async function resolveCreation(calls: RecordCalls): Promise<Remote | undefined> {
  const { recordType, item } = calls;
  const earlier = item.unresolvedCreation;
  if (
    earlier === null ||
    recordType.create?.idempotency_header === undefined ||
    recordType.find !== undefined ||
    ownIdOf(calls) !== undefined
  )
    return undefined;
  const again = {
    ...calls,
    item: { ...item, pushId: earlier.pushId, payload: earlier.payload, unresolvedCreation: null },
  };
  try {
    const { remoteId, remoteVersion } = await create(again);
    return remoteId === null ? undefined : { id: remoteId, version: remoteVersion };
  } catch (error) {
    if (error instanceof RecordRejected) return undefined;
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
    // Somebody was faster, perhaps ourselves with an answer that was lost: then it is there to be updated.
    const existing = ownId === undefined ? await findRemote(calls) : { id: ownId, version: null };
    const updated = existing && (await update(calls, existing));
    if (updated) return updated;
  }
  if (answer.meaning !== 'done') throw answer.error;
  return pushed(calls, 'created', await remoteCreated(calls, answer));
}

/** Undefined when there is no such record. */
async function update(calls: RecordCalls, remote: Remote): Promise<Pushed | undefined> {
  const { recordType, item } = calls;
  const call = configured(recordType.update);
  if (item.isDeactivated && recordType.activate?.path !== undefined) {
    const activated = await callSwitch(calls, recordType.activate, remote);
    if (activated === undefined) return undefined;
  }
  const record = recordToSend(calls, 'update');
  const answer = await sendAgainIfChanged(calls, remote, (current) =>
    sendCall(calls, call, {
      method: 'PATCH',
      remoteId: current.id,
      record,
      headers: ifMatch(call.if_match, current),
    }),
  );
  return outcome(calls, 'updated', answer, remote);
}

async function upsertInOneCall(calls: RecordCalls): Promise<Pushed> {
  const { recordType, item } = calls;
  const known = remoteOf(item) ?? { id: ownIdOf(calls) ?? null, version: null };
  if (item.isDeactivated && recordType.activate?.path !== undefined)
    await callSwitch(calls, recordType.activate, known);
  const answer = await sendCall(calls, configured(recordType.upsert), {
    method: 'PUT',
    remoteId: known.id,
    record: recordToSend(calls, 'create'),
  });
  if (answer.meaning !== 'done') throw answer.error;
  return pushed(
    calls,
    answer.response.status === 201 ? 'created' : 'updated',
    await remoteCreated(calls, answer, known.id),
  );
}

/** Deletes or deactivates the record we know, else the one that carries our id; nothing there is fine too. */
async function changeWhatIsThere(
  calls: RecordCalls,
  change: (calls: RecordCalls, remote: Remote) => Promise<Pushed | undefined>,
): Promise<Pushed> {
  const known = remoteOf(calls.item) ?? remoteByOurId(calls) ?? (await resolveCreation(calls));
  const changed = known && (await change(calls, known));
  if (changed) return changed;
  if (known === undefined && calls.recordType.find === undefined) throw notFindable(calls.item);
  const found = await findRemote(calls);
  const changedFound = found && found.id !== known?.id ? await change(calls, found) : undefined;
  return (
    changedFound ?? {
      pushId: calls.item.pushId,
      ok: true,
      effect: 'none',
      remoteId: null,
      remoteVersion: null,
    }
  );
}

/** Id and version of what we have just created; looked for when the answer does not tell the id. */
async function remoteCreated(
  calls: RecordCalls,
  { response, body }: Done,
  knownId: string | null = null,
): Promise<Remote> {
  const record = readAt(body, calls.recordType.record_at);
  const id = idIn(calls.recordType, record, response) ?? knownId ?? ownIdOf(calls);
  if (id !== undefined) return { id, version: versionIn(calls.recordType, record, response) };
  const found = await findRemote(calls);
  if (found === undefined) throw withoutId(response);
  return found;
}

function remoteOf({ remoteId, remoteVersion }: PushItem): Remote | undefined {
  return remoteId === null ? undefined : { id: remoteId, version: remoteVersion };
}

/** Where our id is the address, a record need not be known to be reached. */
function remoteByOurId(calls: RecordCalls): Remote | undefined {
  const ownId = ownIdOf(calls);
  if (ownId !== undefined) return { id: ownId, version: null };
  const { upsert: oneCall, find } = calls.recordType;
  return oneCall !== undefined && find === undefined ? { id: null, version: null } : undefined;
}
