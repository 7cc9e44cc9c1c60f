/** The outcome of a push whose record was refused. */
import { RecordConflict, type RecordRejected, WrongAddress } from '../../connectors/errors';
import type { ClaimedPush } from '../../db/push/claim';
import type { PushOutcome } from '../../db/push/push-outcome';
import type { SyncError } from '../../domain/sync-error';
import { toSyncErrors } from '../integrations/connector-failures';

export function rejected(push: ClaimedPush, error: RecordRejected): PushOutcome {
  return {
    kind: 'failed',
    errors: withUnlisted(toSyncErrors(error), push),
    // A redirect can follow a creation (303).
    isCertain: !(error instanceof WrongAddress),
    conflict: error instanceof RecordConflict ? error.conflict : undefined,
  };
}

/** The values that the third party does not list are a likely cause, unless it names other ones. */
function withUnlisted(errors: SyncError[], { unlisted }: ClaimedPush): SyncError[] {
  const named = new Set(errors.map(({ field }) => field));
  const added = unlisted.filter(({ field }) => !named.has(field));
  return [
    ...errors,
    ...added.map(({ field, to, message }): SyncError => ({
      category: 'rejected_record',
      origin: 'us',
      code: 'value_not_listed',
      field,
      remote_field: to,
      message,
      explanation: `Correct the value of ${field}, or add it in the app.`,
    })),
  ];
}
