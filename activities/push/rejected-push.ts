/** The outcomes of pushes that failed for their own record. */
import { CreatedWithoutId, RecordConflict, type RecordRejected, WrongAddress } from '../../connectors/errors';
import type { ClaimedPush } from '../../db/push/claim';
import type { PushOutcome, UnusableSuccess } from '../../db/push/push-outcome';
import { recordRetryDelayMs, REFUSALS_MAX } from '../../domain/retry';
import type { SyncError } from '../../domain/sync-error';
import { toSyncErrors } from '../integrations/connector-failures';

export function rejected(push: ClaimedPush, error: RecordRejected, now: Date): PushOutcome {
  if (error instanceof CreatedWithoutId) {
    const { isFindable, creation } = error;
    const errors = toSyncErrors(error);
    return isFindable
      ? { ...refused(push, errors, now, 'created'), creation }
      : { kind: 'failed', errors, isCertain: false, answer: 'created', creation };
  }
  return {
    kind: 'failed',
    errors: withUnlisted(toSyncErrors(error), push),
    // A redirect can follow a creation (303).
    isCertain: !(error instanceof WrongAddress) && !push.wasCreated,
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

/**
 * Only this record fails. After a few attempts it shows Sync failed, and its retries slow down to hours until
 * it is given up (rules.md 8). An error of Syncline is not retried for that long, nor is a record that was
 * created and is not found.
 */
export function refused(
  push: ClaimedPush,
  errors: SyncError[],
  now: Date,
  answer?: UnusableSuccess,
): Extract<PushOutcome, { kind: 'failed' | 'retry' }> {
  const refusals = push.refusals + 1;
  const isShort = answer === 'created' || errors.some(({ category }) => category === 'internal');
  if (push.giveUpAt <= now || (isShort && refusals >= REFUSALS_MAX))
    return { kind: 'failed', errors, isCertain: false, answer };
  const retryAt = now.getTime() + recordRetryDelayMs(refusals);
  return {
    kind: 'retry',
    errors,
    refusals,
    nextAttemptAt: new Date(Math.min(retryAt, Math.max(push.giveUpAt.getTime(), now.getTime()))),
    isFailing: refusals >= REFUSALS_MAX,
    answer,
  };
}
