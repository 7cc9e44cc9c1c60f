/** Whether Synced still holds after the database was restored from a backup (rules.md 54). */

/**
 * Since when it is not known whether the app still holds what was pushed. null = it is known, or the status
 * is not Synced.
 */
export function unverifiedSince(
  { status, lastSyncedAt }: { status: string | null; lastSyncedAt: Date | null },
  restoredAt: string | undefined,
): Date | null {
  if (restoredAt === undefined || status !== 'synced') return null;
  const since = new Date(restoredAt);
  return lastSyncedAt !== null && lastSyncedAt >= since ? null : since;
}
