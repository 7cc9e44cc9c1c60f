/**
 * The four ways in which a third party can fail us. A connector throws (or returns per record) nothing else;
 * `activities/integrations/connector-failures.ts` turns them into what happens next (rules.md 8, 10, 11).
 */

/**
 * One complaint about a record: about a field of ours where the third party names one, in its own words plus
 * ours.
 */
export interface FieldError {
  /** Our field name, or null when the complaint is about the record as a whole. */
  field: string | null;
  /** The third party's name for the field, or null. */
  remoteField: string | null;
  /**
   * A stable code for programs: the third party's own where it has one (`uniqueness`, `validation_is_email`),
   * else ours.
   */
  code: string;
  /** The third party's own words. */
  message: string;
  /** Our words: what it means and what to do about it. */
  explanation: string;
}

export abstract class ConnectorError extends Error {
  abstract readonly kind: 'unavailable' | 'rate_limited' | 'unauthorized' | 'record_rejected';
}

/**
 * No usable answer: network trouble, a timeout, 408, 425 or 5xx. Worth another try; the third party may or
 * may not have acted.
 */
export class Unavailable extends ConnectorError {
  readonly kind = 'unavailable';
  constructor(
    message: string,
    /** HTTP status, or null when there was no answer at all. */
    readonly status: number | null = null,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** The third party asks us to slow down (429, or 503 with Retry-After). */
export class RateLimited extends ConnectorError {
  readonly kind = 'rate_limited';
  constructor(
    message: string,
    /**
     * How long it asked us to wait, in milliseconds; null when it did not say or said something unreadable.
     */
    readonly retryAfterMs: number | null,
  ) {
    super(message);
  }
}

/** Our credentials are not accepted (401, or a refused login). A person has to give new ones. */
export class Unauthorized extends ConnectorError {
  readonly kind = 'unauthorized';
}

/** The third party understood and refused this record; the same push would be refused again. */
export class RecordRejected extends ConnectorError {
  readonly kind = 'record_rejected';
  constructor(
    message: string,
    readonly errors: readonly FieldError[],
    /**
     * True for 403: the caller runs `check` to tell a refused record from refused credentials (rules.md 10).
     */
    readonly isForbidden = false,
  ) {
    super(message);
  }
}
