/** How far a sync run is, and when it will have read everything if it goes on as it has so far. What cannot be told is null. */
export interface ProgressFacts {
  /** null = not begun. */
  startedAt: Date | null;
  isFinished: boolean;
  /** A job waits for the third party, the budget or somebody: nobody knows for how long. */
  isWaiting: boolean;
  recordsRead: number;
  /** How many the lists still hold; null = the third party does not say, or a dataset was not begun. */
  recordsLeft: number | null;
}

/** At the rate of the whole run so far, so a slow beginning or a wait in between makes it later and not wrong. */
export function estimateEnd(
  { startedAt, isFinished, isWaiting, recordsRead, recordsLeft }: ProgressFacts,
  now: Date,
): Date | null {
  if (startedAt === null || isFinished || isWaiting || recordsLeft === null) return null;
  const elapsedMs = now.getTime() - startedAt.getTime();
  // All is read, and what is left (deleting, counting) has no rate.
  if (recordsLeft <= 0 || recordsRead <= 0 || elapsedMs <= 0) return null;
  return new Date(now.getTime() + Math.ceil((elapsedMs * recordsLeft) / recordsRead));
}
