/**
 * Totals of both sides (rules.md 32): the difference is the local total minus the remote one. Unknown values
 * are null, never 0.
 */
export interface Totals {
  syncline: number | null;
  app: number | null;
  difference: number | null;
}

export function totalsOf(syncline: number | null, app: number | null): Totals {
  return { syncline, app, difference: syncline === null || app === null ? null : syncline - app };
}

/** null unless every part is known. */
export function sumOfTotals(parts: readonly Totals[]): Totals {
  const sum = (numbers: (number | null)[]) =>
    numbers.reduce<number | null>(
      (total, number) => (total === null || number === null ? null : total + number),
      0,
    );
  if (parts.length === 0) return totalsOf(null, null);
  return totalsOf(sum(parts.map(({ syncline }) => syncline)), sum(parts.map(({ app }) => app)));
}

/** Shortest time between two repairs of a record type, each of which is a full pass (rules.md 52). */
export const REPAIR_INTERVAL_MS = 6 * 3_600_000;

export interface DriftFacts {
  difference: number | null;
  /** The difference of the count before. */
  previousDifference: number | null;
  /** Time since the last repair was requested; null = there was none. */
  sinceRepairMs: number | null;
  /** A difference that survived an earlier full pass. */
  knownDifference: number | null;
  /** The pass that just ended read everything. */
  isFull: boolean;
  /** The pass found local records that were deleted by the third party, and must not delete them. */
  hasTombstones: boolean;
  /** Number of deletions that wait for approval. The admins were notified of them. */
  deletionsInReview: number;
  /** The number of erased records that the third party may still have, at most the difference. */
  erasedThere: number;
  /** The list changed while it was read, so nothing was deleted. */
  isListChanged: boolean;
  /** The run is itself a repair. */
  isRepair: boolean;
}

/**
 * The reaction to a difference: an earlier full pass, an alert, or nothing (rules.md 32, 52). A difference of
 * a single count may be a change between the counts of both sides. What a repair may not yet resolve is
 * resolved by the next nightly run.
 */
export function answerToDrift(facts: DriftFacts): 'repair' | 'alert' | 'none' {
  const { difference, previousDifference, knownDifference, sinceRepairMs } = facts;
  const hasDifference = difference !== null && difference !== 0 && -difference !== facts.erasedThere;
  if (!facts.isFull) {
    const isNew = hasDifference && difference === previousDifference && difference !== knownDifference;
    const isRepairDue = sinceRepairMs === null || sinceRepairMs >= REPAIR_INTERVAL_MS;
    return isRepairDue && (facts.hasTombstones || isNew) ? 'repair' : 'none';
  }
  if (facts.isListChanged && !facts.isRepair) return 'repair';
  return hasDifference && difference !== facts.deletionsInReview ? 'alert' : 'none';
}

/**
 * True for a difference that one count has found and no full pass has confirmed: the next run counts again.
 */
export function isUnconfirmed(difference: number | null, knownDifference: number | null): boolean {
  return difference !== null && difference !== 0 && difference !== knownDifference;
}
