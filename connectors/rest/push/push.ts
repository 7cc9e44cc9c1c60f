/**
 * Pushing one record by configuration. Safe to repeat after a lost answer: before a record is created it is
 * looked for (`find`), or the call itself makes a second one impossible (an id of our own, `upsert`, an
 * idempotency key), which `validate` insists on. What is gone there is created again; deleting or
 * deactivating what is not there is done already.
 */
import type { JsonObject, JsonValue } from '../../../domain/json';
import type { PushItem, PushResult } from '../../connector';
import { RecordRejected, Unavailable } from '../../errors';
import { type Answer, isTrueOf } from '../http/response-rules';
import { type RecordCalls, externalIdPointer, ownIdOf, sendCall } from '../http/calls';
import type { RecordTypeConfig } from '../config/config';
import type { CallConfig } from '../config/config-call';
import { placeAt, readAt } from '../json-pointer';
import { type Remote, findRemote, idIn, notFindable, versionIn, withoutId } from './find-remote-record';

type Pushed = Extract<PushResult, { ok: true }>;
type Done = Extract<Answer, { meaning: 'done' }>;
type Switch = NonNullable<RecordTypeConfig['deactivate']>;

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

async function remove(calls: RecordCalls, remote: Remote): Promise<Pushed | undefined> {
  const call = configured(calls.recordType.delete);
  const answer = await sendAgainIfChanged(calls, remote, (current) =>
    sendCall(calls, call, {
      method: 'DELETE',
      remoteId: current.id,
      headers: ifMatch(call.if_match, current),
    }),
  );
  if (answer.meaning === 'missing') return undefined;
  if (answer.meaning !== 'done') throw answer.error;
  return { pushId: calls.item.pushId, ok: true, effect: 'deleted', remoteId: null, remoteVersion: null };
}

async function deactivate(calls: RecordCalls, remote: Remote): Promise<Pushed | undefined> {
  const { recordType } = calls;
  const change = configured(recordType.deactivate);
  if (change.path !== undefined) {
    const answer = await callSwitch(calls, change, remote);
    return answer && outcome(calls, 'deactivated', answer, remote);
  }
  const call: CallConfig & { if_match?: boolean | undefined } = configured(
    recordType.upsert ?? recordType.update,
  );
  const method = call.method ?? (recordType.upsert ? 'PUT' : 'PATCH');
  // PUT replaces the record, so it needs all of it; every other method changes what it is given.
  const record = withSet(method === 'PUT' ? recordToSend(calls, 'update') : {}, change.set);
  const answer = await sendAgainIfChanged(calls, remote, (current) =>
    sendCall(calls, call, { method, remoteId: current.id, record, headers: ifMatch(call.if_match, current) }),
  );
  return outcome(calls, 'deactivated', answer, remote);
}

/** A call of its own that switches a record off or on. Undefined when the record is not there. */
async function callSwitch(calls: RecordCalls, change: Switch, remote: Remote): Promise<Done | undefined> {
  const record = change.set === undefined ? undefined : withSet({}, change.set);
  const answer = await sendCall(
    calls,
    { ...change, path: configured(change.path) },
    { method: 'POST', remoteId: remote.id, record },
  );
  if (answer.meaning === 'missing') return undefined;
  if (answer.meaning !== 'done') throw answer.error;
  return answer;
}

/** A 412 says that our version is old: their present one is read, and the call sent once more. */
async function sendAgainIfChanged(
  calls: RecordCalls,
  remote: Remote,
  send: (remote: Remote) => Promise<Answer>,
): Promise<Answer> {
  const answer = await send(remote);
  if (answer.meaning !== 'changed') return answer;
  const current = await readAgain(calls, remote);
  if (current === undefined) return { meaning: 'missing', error: answer.error };
  const second = await send(current);
  if (second.meaning !== 'changed') return second;
  throw new Unavailable('The record is being changed in the third party at the moment (412 twice).', 412);
}

async function readAgain(calls: RecordCalls, remote: Remote): Promise<Remote | undefined> {
  const { recordType } = calls;
  if (recordType.read === undefined) return findRemote(calls);
  const answer = await sendCall(calls, recordType.read, { method: 'GET', remoteId: remote.id });
  if (answer.meaning === 'missing') return undefined;
  if (answer.meaning !== 'done') throw answer.error;
  const record = readAt(answer.body, recordType.record_at);
  return isTrueOf(recordType.tombstone, record)
    ? undefined
    : { id: remote.id, version: versionIn(recordType, record, answer.response) };
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

function outcome(
  calls: RecordCalls,
  effect: 'updated' | 'deactivated',
  answer: Answer,
  remote: Remote,
): Pushed | undefined {
  if (answer.meaning === 'missing') return undefined;
  if (answer.meaning !== 'done') throw answer.error;
  const record = readAt(answer.body, calls.recordType.record_at);
  return pushed(calls, effect, {
    id: remote.id,
    version: versionIn(calls.recordType, record, answer.response),
  });
}

function pushed({ item }: RecordCalls, effect: Pushed['effect'], { id, version }: Remote): Pushed {
  return { pushId: item.pushId, ok: true, effect, remoteId: id, remoteVersion: version };
}

/**
 * The payload with our id where the configuration wants it, and with the constants that activate where the
 * record was deactivated.
 */
function recordToSend({ recordType, item }: RecordCalls, occasion: 'create' | 'update'): JsonObject {
  const externalIdAt = externalIdPointer(recordType);
  const isIdLeftOut =
    occasion === 'update' &&
    typeof recordType.external_id === 'object' &&
    recordType.external_id.only_on_create;
  const record =
    externalIdAt === undefined || isIdLeftOut
      ? item.payload
      : placeAt(item.payload, externalIdAt, item.externalId);
  if (!item.isDeactivated || recordType.activate === undefined || recordType.activate.path !== undefined)
    return record;
  // Under the payload: a field that our record maps says what it says.
  return placeAt(withSet({}, recordType.activate.set), '', record);
}

function withSet(record: JsonObject, set: Record<string, JsonValue> = {}): JsonObject {
  return Object.entries(set).reduce((result, [to, value]) => placeAt(result, asPointer(to), value), record);
}

function asPointer(to: string): string {
  return to.startsWith('/') ? to : `/${to.replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

/** An entity-tag stands in quotes (RFC 9110 8.8.3); a version from a body mostly comes without. */
function ifMatch(isWanted: boolean | undefined, { version }: Remote): Record<string, string> {
  if (!isWanted || version === null) return {};
  return { 'if-match': /^(?:W\/)?".*"$/.test(version) ? version : `"${version}"` };
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

/**
 * `validate` refuses configurations that lack what a mapping asks for; this is for a mapping that came around
 * it.
 */
function configured<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new Error('The configuration does not describe this call.');
  return value;
}
