/** How long records that webhooks have named wait before they are read: for quiet, but not for ever. */

/** Third parties announce an edit field by field, and a bulk edit record by record. */
export const INCOMING_QUIET_MS = 5_000;
/** An integration that is never quiet is read this often. */
export const INCOMING_WAIT_MAX_MS = 60_000;

/** @param firstAt @param lastAt when the first and the latest of what waits arrived. */
export function incomingDueAt(firstAt: Date, lastAt: Date): Date {
  return new Date(Math.min(lastAt.getTime() + INCOMING_QUIET_MS, firstAt.getTime() + INCOMING_WAIT_MAX_MS));
}
