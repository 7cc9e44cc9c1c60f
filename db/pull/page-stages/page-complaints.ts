/** The words about records of a page that are not stored, or held back for a later run. */
import type { NewConflict } from '../../records/conflicts';
import type { AmbiguousMatch, DoubtfulCreation, RecordError } from '../page';

export function justPushed(remoteId: string): RecordError {
  return {
    remoteId,
    code: 'just_pushed',
    message: 'The record was pushed while it was read, so what was read may be older. The next run reads it.',
  };
}

export function maybeOurCreation(remoteId: string): RecordError {
  return {
    remoteId,
    code: 'may_be_our_creation',
    message:
      'A push may have created this record: its answer is missing. The record is held back until the push ' +
      'has ended, for 72 hours at most.',
  };
}

export function removedHere(remoteId: string): RecordError {
  return {
    remoteId,
    code: 'removed_here',
    message: 'The record was removed from Syncline while it was read. The next run reads it.',
  };
}

export function takenConflict([remoteId, recordId]: [string, string]): NewConflict {
  return {
    remoteId,
    recordId,
    kind: 'already_linked',
    field: null,
    ours: null,
    theirs: null,
    winner: null,
    detail:
      'The third party lists this record again, but the record that it was here belongs to another record ' +
      'of the third party now.',
  };
}

export function takenError({ remoteId, detail }: NewConflict): RecordError {
  const message = `${detail} It is not stored until one of the two is deleted at the third party.`;
  return { remoteId, code: 'external_id_taken', message };
}

export function doubtfulConflict([remoteId, { recordId, externalId }]: [
  string,
  DoubtfulCreation,
]): NewConflict {
  return {
    remoteId,
    recordId,
    kind: 'doubtful_creation',
    field: null,
    ours: externalId,
    theirs: remoteId,
    winner: null,
    detail:
      `A push of ${externalId} may have created this record, but its answer was never received. ` +
      'The record was stored as a new one.',
  };
}

export function secondMatch(remoteId: string): RecordError {
  return {
    remoteId,
    code: 'ambiguous_match',
    message:
      'Another record of the third party matches the same Syncline record. ' +
      'This one is not stored until only one of them matches.',
  };
}

export function ambiguousConflict({ remoteId, field, value, candidates }: AmbiguousMatch): NewConflict {
  const detail =
    `${field} ${JSON.stringify(value)} does not identify one record: it occurs in ${candidates} ` +
    `Syncline ${candidates === 1 ? 'record' : 'records'} and possibly in several records of the third party.`;
  return {
    remoteId,
    recordId: null,
    kind: 'ambiguous_match',
    field,
    ours: null,
    theirs: value,
    winner: null,
    detail,
  };
}

export function ambiguousError({ remoteId, detail }: NewConflict): RecordError {
  const message = `${detail} The record is not stored until the match is unique.`;
  return { remoteId, code: 'ambiguous_match', message };
}
