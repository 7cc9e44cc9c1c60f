/**
 * Answers about another record than the one of the call (rules.md 49). A third party that has merged two
 * records answers a call about one of them with the other.
 */
import { RecordConflict } from './errors';

const UUID = /^[0-9a-f]{8}(?:-?[0-9a-f]{4}){3}-?[0-9a-f]{12}$/i;

/**
 * @param call whether the call has changed the record that it was answered about
 * @throws RecordConflict for another id
 */
export function checkSameId(id: string, answered: string, call: 'read' | 'written'): void {
  if (!isSameId(id, answered)) throw answeredOtherId(id, answered, call);
}

/** UUIDs are written in either case. Other ids can differ in nothing but the case of a letter. */
function isSameId(id: string, other: string): boolean {
  return id === other || (UUID.test(id) && id.toLowerCase() === other.toLowerCase());
}

function answeredOtherId(id: string, answered: string, call: 'read' | 'written'): RecordConflict {
  const message = `The third party was asked for its record ${id}, but answered about its record ${answered}.`;
  const effect =
    call === 'read'
      ? 'Nothing was sent.'
      : `The third party may have applied this change to ${answered}: correct that record there if necessary.`;
  const explanation = `Probably the two records were merged there. ${effect} The record stays linked to ${id}.`;
  return new RecordConflict(
    message,
    { field: null, remoteField: null, code: 'answered_other_id', message, explanation },
    { kind: 'answered_other_id', remoteId: id, ours: id, theirs: answered },
  );
}
