/**
 * The progress of a sync run, and the estimated time at which it will have read everything. Unknown values
 * are null.
 */
export interface ProgressFacts {
  /** null = not started. */
  startedAt: Date | null;
  isFinished: boolean;
  /** A job waits for the third party, the rate limiter or a person, for an unknown time. */
  isWaiting: boolean;
  recordsRead: number;
  /** Records that are not read yet; null if the third party gives no count, or a dataset was not started. */
  recordsLeft: number | null;
}

/**
 * An estimate further away than this says nothing, and may lie past the last instant that a Date can hold.
 */
const ESTIMATE_MAX_MS = 365 * 86_400_000;

/** Extrapolates the average rate of the run so far. A slow start or a pause makes the estimate later. */
export function estimateEnd(
  { startedAt, isFinished, isWaiting, recordsRead, recordsLeft }: ProgressFacts,
  now: Date,
): Date | null {
  if (startedAt === null || isFinished || isWaiting || recordsLeft === null) return null;
  const elapsedMs = now.getTime() - startedAt.getTime();
  // Once everything is read, the remaining work (deleting, counting) has no rate.
  if (recordsLeft <= 0 || recordsRead <= 0 || elapsedMs <= 0) return null;
  const remainingMs = Math.ceil((elapsedMs * recordsLeft) / recordsRead);
  return remainingMs > ESTIMATE_MAX_MS ? null : new Date(now.getTime() + remainingMs);
}
