/** Calls that write a record: body, version, conflicts (412), and the result of a push. */
import type { JsonObject, JsonValue } from '../../../domain/json';
import type { PushResult } from '../../connector';
import { Unavailable } from '../../errors';
import type { RecordTypeConfig } from '../config/config';
import { externalIdPointer, type RecordCalls, sendCall } from '../http/calls';
import { type Answer, isTrueOf } from '../http/response-rules';
import { placeAt, readAt } from '../json-pointer';
import { findRemote, type Remote, versionIn } from './find-remote-record';

export type Pushed = Extract<PushResult, { ok: true }>;
export type Done = Extract<Answer, { meaning: 'done' }>;
type Switch = NonNullable<RecordTypeConfig['deactivate']>;

/**
 * The payload with the Syncline id at its configured location, and with the constants of `activate` if the
 * record was deactivated.
 */
export function recordToSend({ recordType, item }: RecordCalls, occasion: 'create' | 'update'): JsonObject {
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
  // The payload takes precedence over the constants.
  return placeAt(withSet({}, recordType.activate.set), '', record);
}

export function withSet(record: JsonObject, set: Record<string, JsonValue> = {}): JsonObject {
  return Object.entries(set).reduce((result, [to, value]) => placeAt(result, asPointer(to), value), record);
}

function asPointer(to: string): string {
  return to.startsWith('/') ? to : `/${to.replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

/** After a 412 (outdated version) the current version is read and the call is sent once more. */
export async function sendAgainIfChanged(
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

/** A separate call that activates or deactivates a record. Undefined if the record does not exist. */
export async function callSwitch(
  calls: RecordCalls,
  change: Switch,
  remote: Remote,
): Promise<Done | undefined> {
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

export function outcome(
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

export function pushed({ item }: RecordCalls, effect: Pushed['effect'], { id, version }: Remote): Pushed {
  return { pushId: item.pushId, ok: true, effect, remoteId: id, remoteVersion: version };
}

/** An entity tag has quotes (RFC 9110 8.8.3); a version from a body usually has none. */
export function ifMatch(isWanted: boolean | undefined, { version }: Remote): Record<string, string> {
  if (!isWanted || version === null) return {};
  return { 'if-match': /^(?:W\/)?".*"$/.test(version) ? version : `"${version}"` };
}

/** `validate` refuses incomplete configurations; this catches a mapping that was never validated. */
export function configured<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new Error('The configuration does not describe this call.');
  return value;
}
