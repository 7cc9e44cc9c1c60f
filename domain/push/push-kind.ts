import { type DueByPriority, PRIORITIES } from '../work-priorities';

/**
 * What made a push due, the most urgent first (rule 59). A claim takes a share of each kind, so that no bulk
 * change delays what a person waits for, and nothing waits for ever.
 */
export const PUSH_KINDS = { manual: 0, edit: 1, bulk: 2, backfill: 3 } as const;

const PRIORITY_OF_KIND = [PRIORITIES.person, PRIORITIES.edit, PRIORITIES.bulk, PRIORITIES.backfill] as const;

/** @param instants when the first push of each kind is due; null = none waits. */
export const dueByPriority = (instants: readonly (Date | null)[]): DueByPriority =>
  Object.fromEntries(
    instants.flatMap((at, kind) => (at === null ? [] : [[PRIORITY_OF_KIND[kind], at.getTime()]])),
  );

/** More changes in one request or page are a bulk change. */
const BULK_ABOVE = 20;

export const kindOfChanges = (count: number): number =>
  count > BULK_ABOVE ? PUSH_KINDS.bulk : PUSH_KINDS.edit;

/** What a person asked for, unless it is so much that other people's requests would wait for it. */
export const kindOfAsked = (count: number): number =>
  count > BULK_ABOVE ? PUSH_KINDS.edit : PUSH_KINDS.manual;

/** Of a claim, for each kind with due pushes. */
const KEPT_SHARE = 1 / 8;

/**
 * How many pushes a claim of `limit` takes of each kind. @param due the due pushes of each kind, the most
 * urgent first, counted up to the limit. @param luck a random number from 0 to 1: a claim of fewer pushes
 * than kinds takes one of each less urgent kind in an eighth of all cases.
 */
export function sharesOfClaim(due: readonly number[], limit: number, luck = 1): number[] {
  const lessUrgent = due.flatMap((count, kind) => (count > 0 ? [kind] : [])).slice(1);
  const lucky = limit <= lessUrgent.length ? lessUrgent[Math.floor(luck / KEPT_SHARE)] : undefined;
  if (lucky !== undefined) {
    const others = sharesOfClaim(due.with(lucky, (due[lucky] ?? 0) - 1), limit - 1);
    return others.with(lucky, (others[lucky] ?? 0) + 1);
  }
  const kept = Math.max(1, Math.floor(limit * KEPT_SHARE));
  const shares: number[] = [];
  let left = limit;
  for (const [kind, count] of due.entries()) {
    const keptForOthers = due.slice(kind + 1).reduce((sum, other) => sum + Math.min(other, kept), 0);
    const share = Math.min(count, Math.max(left - keptForOthers, Math.min(1, left)));
    shares.push(share);
    left -= share;
  }
  return shares;
}
