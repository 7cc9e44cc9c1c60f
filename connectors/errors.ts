/**
 * The four errors of connectors: they throw or return nothing else.
 * `activities/integrations/connector-failures.ts` decides what happens next (rules.md 8, 10, 11).
 */
import { alreadyLinkedWords, type PushConflict } from '../domain/records/conflict';

/**
 * One error about a record or one of its fields: the third party's message and an explanation.
 */
export interface FieldError {
  /** The Syncline field, or null if the error is about the whole record or an unmapped field. */
  field: string | null;
  /** The third party's name for the field, or null. */
  remoteField: string | null;
  /**
   * A stable code for programs: the third party's code if it has one (`uniqueness`, `validation_is_email`),
   * otherwise Syncline's.
   */
  code: string;
  /** The third party's message. */
  message: string;
  /** What the error means and how to correct it. */
  explanation: string;
}

export abstract class ConnectorError extends Error {
  abstract readonly kind: 'unavailable' | 'rate_limited' | 'unauthorized' | 'record_rejected';
}

/**
 * No usable response: a network error, a timeout, 408, 425 or 5xx. It is retried; the third party may have
 * applied the request.
 */
export class Unavailable extends ConnectorError {
  readonly kind = 'unavailable';
  constructor(
    message: string,
    /** The HTTP status, or null if there was no response. */
    readonly status: number | null = null,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/**
 * A call that several records shared has no usable result for this one, which may have been applied. It says
 * nothing about calls of single records: this one is sent again, alone.
 */
export class NoResultInBatch extends Unavailable {}

/** The status is a success, but nothing can read the answer. The third party is up, so this is no outage. */
export class UnusableAnswer extends Unavailable {}

/** One message for closed ports, silent ones and those of other servers: no tenant scans ports with it. */
export const NOTHING_ANSWERS =
  'No server of the expected kind answers at this host and port. Check both, and whether a firewall between ' +
  'Syncline and the server lets connections through.';

/** The third party limits the rate of requests (429, or 503 with Retry-After). */
export class RateLimited extends ConnectorError {
  readonly kind = 'rate_limited';
  constructor(
    message: string,
    /**
     * The requested wait in milliseconds; null if it is missing or unreadable.
     */
    readonly retryAfterMs: number | null,
    /** The call may have been applied nevertheless (503), and is not only refused (429). */
    readonly mayBeApplied = false,
  ) {
    super(message);
  }
}

/** The credentials are not accepted (401, or a refused login). A user must enter new ones. */
export class Unauthorized extends ConnectorError {
  readonly kind = 'unauthorized';
}

/** The third party refused this record and would refuse the same push again. */
export class RecordRejected extends ConnectorError {
  readonly kind = 'record_rejected';
  /** The setting of the record type to correct, such as `modified`; undefined = unknown. */
  setting?: string | undefined;
  constructor(
    message: string,
    readonly errors: readonly FieldError[],
    /**
     * True for 403: the caller runs `check` to distinguish a refused record from refused credentials
     * (rules.md 10).
     */
    readonly isForbidden = false,
  ) {
    super(message);
  }
}

/**
 * The third party has accepted a creation, and its answer has no usable id. Another attempt could create the
 * record twice: see `wasCreated` of PushItem.
 */
export class CreatedWithoutId extends RecordRejected {
  constructor(
    message: string,
    /** Whether the record can be searched. */
    readonly isFindable: boolean,
    /** The id of the push whose creation was accepted, by this call; null: by an earlier one. */
    readonly creation: string | null,
    /** The setting of the record type that can be corrected; undefined: the answer has no id anywhere. */
    setting?: 'record_at' | 'id',
  ) {
    const explanation = isFindable
      ? 'Syncline searches for the record for half a minute. If it is not found, look for it in the third ' +
        'party. Retry now searches again. If the record is still missing, a change creates it, and a ' +
        'deletion succeeds.'
      : 'The record cannot be searched, so Syncline does not send it again by itself. Look for it in the ' +
        'third party, correct the configuration, then retry.';
    super(message, [{ field: null, remoteField: null, code: 'created_without_id', message, explanation }]);
    this.setting = setting;
  }
}

/** The third party no longer knows the sync token: the whole list has to be read. */
export class SyncTokenExpired extends RecordRejected {}

/** A refusal that a person decides: the two sides disagree about which record the remote one is. */
export class RecordConflict extends RecordRejected {
  constructor(
    message: string,
    error: FieldError,
    readonly conflict: PushConflict,
  ) {
    super(message, [error]);
  }
}

/** For a push that leads to a remote record of another record. Nothing was written. */
export function alreadyLinked(remoteId: string, holder: string): RecordConflict {
  const words = alreadyLinkedWords(remoteId, holder);
  const error = { ...words, field: null, remoteField: null };
  return new RecordConflict(words.message, error, {
    kind: 'already_linked',
    remoteId,
    ours: null,
    theirs: holder,
  });
}

/** For a push to a record that was deleted in the third party. Nothing was written. */
export function deletedThere(remoteId: string): RecordConflict {
  const message = `The record ${remoteId} was deleted in the third party before this change was sent.`;
  const explanation =
    'Decide the conflict: create the record in the third party again, or delete it in Syncline.';
  return new RecordConflict(
    message,
    { field: null, remoteField: null, code: 'deleted_there', message, explanation },
    { kind: 'edited_here_deleted_there', remoteId, ours: null, theirs: null },
  );
}

/**
 * The address answers, but is not that of the API: it redirects, or speaks no HTTP or JSON. It is no outage:
 * retries cannot help until the configuration is corrected.
 */
export class WrongAddress extends RecordRejected {
  constructor(message: string, code: 'redirect' | 'not_http' | 'not_json') {
    const explanation = 'Correct the address in the configuration of the integration, then retry.';
    super(message, [{ field: null, remoteField: null, code, message, explanation }]);
  }
}
