/**
 * The deletion threshold: more than 10 % and more than 20 records of a type wait for approval (rules.md 31).
 */
export function exceedsDeletionThreshold({ missing, before }: { missing: number; before: number }): boolean {
  return missing > 20 && missing * 10 > before;
}
