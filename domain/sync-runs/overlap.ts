/**
 * How much earlier than its watermark an incremental run reads, because changes may become visible late
 * (rules.md 52).
 */

/** Without a setting, and if no change was late. */
const OVERLAP_MS = 2 * 60_000;
/** For a week after the last late change. */
const LEARNED_FOR_MS = 7 * 24 * 3_600_000;
/** Changes that are later than this are left to the nightly run. */
const LEARNED_MAX_MS = 24 * 3_600_000;

export interface LearnedOverlap {
  learnedOverlapMs: number | null;
  learnedOverlapAt: Date | null;
}

/** @param minutes the setting of the record type; null = as learned */
export function overlapMs(minutes: number | null, learned: LearnedOverlap, now: Date): number {
  if (minutes !== null) return minutes * 60_000;
  return Math.max(OVERLAP_MS, freshOverlapMs(learned, now));
}

/**
 * After a late change: one and a half times as long as it was late, or what was learned before, if that is
 * more. Undefined: nothing is to be learned.
 */
export function learnOverlap(
  learned: LearnedOverlap,
  watermark: Date,
  modifiedAt: readonly Date[],
  now: Date,
): LearnedOverlap | undefined {
  const late = modifiedAt
    .map((at) => watermark.getTime() - at.getTime())
    .filter((ms) => ms > 0 && ms <= LEARNED_MAX_MS);
  const neededMs = Math.ceil(Math.max(0, ...late) * 1.5);
  if (neededMs <= OVERLAP_MS) return undefined;
  return { learnedOverlapMs: Math.max(neededMs, freshOverlapMs(learned, now)), learnedOverlapAt: now };
}

function freshOverlapMs({ learnedOverlapMs, learnedOverlapAt }: LearnedOverlap, now: Date): number {
  const isFresh = learnedOverlapAt !== null && now.getTime() - learnedOverlapAt.getTime() <= LEARNED_FOR_MS;
  return isFresh ? (learnedOverlapMs ?? 0) : 0;
}
