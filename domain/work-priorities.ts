/** The order of work in every queue (rule 59). Within one priority tenants take turns. */
export const PRIORITIES = {
  person: 1,
  signIn: 2,
  edit: 3,
  hourly: 3,
  bulk: 4,
  nightly: 4,
  backfill: 5,
} as const;

/** When work of a priority is due first, in milliseconds since 1970. The keys are priorities. */
export type DueByPriority = Readonly<Record<string, number>>;

/**
 * The priority of the most urgent work that is due by an instant, or of all work if none is due by then.
 * undefined = there is no work.
 */
export function priorityBy(due: DueByPriority, instantMs: number): number | undefined {
  const known = Object.entries(due).map(([key, at]) => ({ priorityKey: Number(key), at }));
  const isDue = known.filter(({ at }) => at <= instantMs);
  const keys = (isDue.length > 0 ? isDue : known).map(({ priorityKey }) => priorityKey);
  return keys.length === 0 ? undefined : Math.min(...keys);
}
