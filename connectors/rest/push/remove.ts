/** Deletes or deactivates a record. */
import { type RecordCalls, sendCall } from '../http/calls';
import { readAt } from '../json-pointer';
import { checkAnsweredId } from './answered-id';
import type { Remote } from './find-remote-record';
import {
  callSwitch,
  configured,
  ifMatch,
  outcome,
  type Pushed,
  readBeforeRemoval,
  sendAgainIfChanged,
  writeRecord,
  recordToSend,
  replacesRecord,
  withSet,
} from './write-call';

export async function remove(calls: RecordCalls, remote: Remote): Promise<Pushed | undefined> {
  const call = configured(calls.recordType.delete);
  const there = await readBeforeRemoval(calls, remote);
  if (there === undefined) return undefined;
  const answer = await sendAgainIfChanged(calls, there, (current) =>
    sendCall(calls, call, {
      method: 'DELETE',
      remoteId: current.id,
      version: current.version,
      headers: ifMatch(call.if_match, current),
    }),
  );
  if (answer.meaning === 'missing') return undefined;
  if (answer.meaning !== 'done') throw answer.error;
  checkAnsweredId(calls, readAt(answer.body, calls.recordType.record_at), remote, 'written');
  return { pushId: calls.item.pushId, ok: true, effect: 'deleted', remoteId: null, remoteVersion: null };
}

export async function deactivate(calls: RecordCalls, remote: Remote): Promise<Pushed | undefined> {
  const { recordType } = calls;
  const change = configured(recordType.deactivate);
  if (change.path !== undefined) {
    const answer = await callSwitch(calls, change, remote);
    return answer && outcome(calls, 'deactivated', answer, remote);
  }
  const call = configured(recordType.upsert ?? recordType.update);
  const method = recordType.upsert ? 'PUT' : 'PATCH';
  // A call that replaces the record needs all fields; others change what they contain.
  const record = withSet(replacesRecord(call, method) ? recordToSend(calls, 'update') : {}, change.set);
  const answer = await writeRecord(calls, remote, call, { method, record: () => record });
  return outcome(calls, 'deactivated', answer, remote);
}
