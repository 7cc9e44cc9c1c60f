/** Deletes or deactivates a record. */
import { type RecordCalls, sendCall } from '../http/calls';
import type { CallConfig } from '../config/config-call';
import type { Remote } from './find-remote-record';
import {
  callSwitch,
  configured,
  ifMatch,
  outcome,
  type Pushed,
  recordToSend,
  sendAgainIfChanged,
  withSet,
} from './write-call';

export async function remove(calls: RecordCalls, remote: Remote): Promise<Pushed | undefined> {
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

export async function deactivate(calls: RecordCalls, remote: Remote): Promise<Pushed | undefined> {
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
  // PUT replaces the record, so it needs the whole payload; other methods change only the given fields.
  const record = withSet(method === 'PUT' ? recordToSend(calls, 'update') : {}, change.set);
  const answer = await sendAgainIfChanged(calls, remote, (current) =>
    sendCall(calls, call, { method, remoteId: current.id, record, headers: ifMatch(call.if_match, current) }),
  );
  return outcome(calls, 'deactivated', answer, remote);
}
