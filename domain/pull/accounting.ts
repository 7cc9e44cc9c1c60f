/** What became of the records of a page (rules.md 51). */
export interface Accounted {
  read: number;
  new: number;
  changed: number;
  unchanged: number;
  failed: number;
  heldBack: number;
}

/** @throws if a record was lost or counted twice: that page must not be stored. */
export function assertAccountedFor(counts: Accounted): void {
  const { read, new: created, changed, unchanged, failed, heldBack } = counts;
  if (read !== created + changed + unchanged + failed + heldBack)
    throw new Error(`The records of a page are not accounted for: ${JSON.stringify(counts)}.`);
}
