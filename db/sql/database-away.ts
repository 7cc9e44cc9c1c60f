/** Which errors are about the state of PostgreSQL, and not about the rows of the statement that failed. */

/** What failed at Syncline's own database. A linked one may fail with the same codes. */
const OWN = new WeakSet<object>();
/** Connectors and their packages wrap errors a few times. */
const CAUSES_MAX = 10;

export function noteOwnFailure<E>(error: E): E {
  if (typeof error === 'object' && error !== null) OWN.add(error);
  return error;
}

/** The failure of Syncline's own database that an error consists of, or that led to it. */
export function ownFailure(error: unknown): Error | undefined {
  let cause = error;
  for (let depth = 0; depth < CAUSES_MAX && typeof cause === 'object' && cause !== null; depth += 1) {
    if (OWN.has(cause)) return cause as Error;
    ({ cause } = cause as Error);
  }
  return undefined;
}

/** The disk is full, no connection is free, only reads are allowed, or a transaction was idle. */
const AWAY: ReadonlySet<string> = new Set(['53000', '53100', '53300', '25006', '25P03']);

/**
 * SQLSTATE classes for lost connections, shutdown, overload and timeouts, and the errors of Node's sockets.
 */
export function isDatabaseAway(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code;
  if (typeof code !== 'string')
    return /timeout|terminated|Connection/i.test((error as Error | null)?.message ?? '');
  // Not what one statement has met, which its repetition would meet again: a timeout (57014, 55P03, 25P04), a
  // deadlock (40P01), too little memory (53200) or more than its share of the disk (53400).
  return /^(08|57P|58)/.test(code) || AWAY.has(code) || /^E[A-Z]+$/.test(code);
}

/** Timeouts of statements, locks and transactions, serialization failures, deadlocks: no row causes them. */
const CUT_SHORT: ReadonlySet<string> = new Set(['57014', '55P03', '25P04', '40001', '40P01']);

/** The same statement may succeed later, so no row of it is to blame. */
export const blamesNoRow = (error: unknown): boolean =>
  isDatabaseAway(error) || CUT_SHORT.has(String((error as { code?: unknown } | null)?.code));
