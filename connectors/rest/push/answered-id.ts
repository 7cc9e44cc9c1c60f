/**
 * Compares the id in an answer with the id of the call (rules.md 49). A third party that has merged two
 * records answers a call about one of them with the other.
 */
import type { JsonValue } from '../../../domain/json';
import type { RecordTypeConfig } from '../config/config';
import { checkSameId } from '../../same-id';
import type { RecordCalls } from '../http/calls';
import { readAt } from '../json-pointer';
import { type Remote, singleValue } from './find-remote-record';

/** @param call whether the call has changed the record that it was answered about */
export function checkAnsweredId(
  { recordType }: RecordCalls,
  record: JsonValue | undefined,
  { id }: Pick<Remote, 'id'>,
  call: 'read' | 'written',
): void {
  const pointer = idPointer(recordType);
  const answered = pointer === undefined ? undefined : singleValue(readAt(record, pointer));
  if (id !== null && answered !== undefined) checkSameId(id, answered, call);
}

/** Where Syncline assigns the ids, only the list says whether and where a record contains its id. */
function idPointer({ id, list }: RecordTypeConfig): string | undefined {
  if (typeof id === 'string') return id;
  if ('at' in id) return id.at;
  return list && (list.id ?? '/id');
}
