/**
 * Compares the id in an answer with the id of the call. A third party that has merged two
 * records answers a call about one of them with the other.
 */
import type { JsonValue } from '../../../domain/json';
import type { RecordTypeConfig } from '../config/config';
import { RecordRejected } from '../../errors';
import type { RecordCalls } from '../http/calls';
import { readAt } from '../json-pointer';
import { type Remote, singleValue } from './find-remote-record';

const UUID = /^[0-9a-f]{8}(?:-?[0-9a-f]{4}){3}-?[0-9a-f]{12}$/i;

/** @param call whether the call has changed the record that it was answered about */
export function checkAnsweredId(
  { recordType }: RecordCalls,
  record: JsonValue | undefined,
  { id }: Pick<Remote, 'id'>,
  call: 'read' | 'written',
): void {
  const pointer = idPointer(recordType);
  const answered = pointer === undefined ? undefined : singleValue(readAt(record, pointer));
  if (id !== null && answered !== undefined && !isSameId(id, answered))
    throw answeredOtherId(id, answered, call);
}

/** UUIDs are written in either case. Other ids can differ in nothing but the case of a letter. */
export function isSameId(id: string, other: string): boolean {
  return id === other || (UUID.test(id) && id.toLowerCase() === other.toLowerCase());
}

export function answeredOtherId(id: string, answered: string, call: 'read' | 'written'): RecordRejected {
  const message = `The third party was asked for its record ${id}, but answered about its record ${answered}.`;
  const effect =
    call === 'read'
      ? 'Nothing was sent.'
      : `The third party may have applied this change to ${answered}: correct that record there if necessary.`;
  const explanation = `Probably the two records were merged there. ${effect} The record stays linked to ${id}.`;
  return new RecordRejected(message, [
    { field: null, remoteField: null, code: 'answered_other_id', message, explanation },
  ]);
}

/** Where Syncline assigns the ids, only the list says whether and where a record contains its id. */
function idPointer({ id, list }: RecordTypeConfig): string | undefined {
  if (typeof id === 'string') return id;
  if ('at' in id) return id.at;
  return list && (list.id ?? '/id');
}
