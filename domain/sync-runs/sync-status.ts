/** Totals of both sides (rules.md 32): the difference is ours minus theirs, and what is not known is null, never 0. */
export interface Totals {
  syncline: number | null;
  app: number | null;
  difference: number | null;
}

export function totalsOf(syncline: number | null, app: number | null): Totals {
  return { syncline, app, difference: syncline === null || app === null ? null : syncline - app };
}

/** Known only where every part is. */
export function sumOfTotals(parts: readonly Totals[]): Totals {
  const sum = (numbers: (number | null)[]) =>
    numbers.reduce<number | null>(
      (total, number) => (total === null || number === null ? null : total + number),
      0,
    );
  if (parts.length === 0) return totalsOf(null, null);
  return totalsOf(sum(parts.map(({ syncline }) => syncline)), sum(parts.map(({ app }) => app)));
}

export interface DriftFacts {
  difference: number | null;
  /** A difference that survived an earlier full pass. */
  knownDifference: number | null;
  /** The pass that just ended read everything. */
  isFull: boolean;
  /** It saw records of ours that are gone there, and may not delete them. */
  hasTombstones: boolean;
  /** Records that are gone there and wait here for people to approve their deletion: they are told of those already. */
  parked: number;
  /** Records slipped while it read, so it deleted nothing. */
  isListChanged: boolean;
  /** The run is itself a repair. */
  isRepair: boolean;
}

/** What a difference calls for: a full pass brought forward, an alert for people, or nothing (rules.md 32). */
export function answerToDrift(facts: DriftFacts): 'repair' | 'alert' | 'none' {
  const hasDifference = facts.difference !== null && facts.difference !== 0;
  if (!facts.isFull)
    return facts.hasTombstones || (hasDifference && facts.difference !== facts.knownDifference)
      ? 'repair'
      : 'none';
  if (facts.isListChanged && !facts.isRepair) return 'repair';
  return hasDifference && facts.difference !== facts.parked ? 'alert' : 'none';
}

/** Deletes more than this of a type are parked for people to look at: more than a tenth and more than twenty (rules.md 31). */
export function needsReview({ missing, held }: { missing: number; held: number }): boolean {
  return missing > 20 && missing * 10 > held;
}
