/**
 * The badge of a record: the most important status over its integrations, with counts (rules.md 12).
 * Over several record syncs the order is failed, syncing, pending, synced.
 */
export const STATUS_PRECEDENCE = ['sync_failed', 'syncing', 'sync_pending', 'synced'] as const;
export type SyncStatus = (typeof STATUS_PRECEDENCE)[number];

export interface BadgeRecordSync {
  /** null = never pushed, and no change waits: not counted. */
  status: SyncStatus | null;
  isEligible: boolean;
  isPaused: boolean;
  /** Synced, but not compared since the database was restored. */
  isUnverified?: boolean;
}

export interface Badge {
  /** null = no integration syncs this record. */
  status: SyncStatus | null;
  counts: Record<SyncStatus, number>;
  /** True if a counted integration is paused: its last status is shown. */
  isPaused: boolean;
  /** True if a counted one is unverified. */
  isUnverified: boolean;
}

export function badgeOf(recordSyncs: readonly BadgeRecordSync[]): Badge {
  const counts: Record<SyncStatus, number> = { sync_failed: 0, syncing: 0, sync_pending: 0, synced: 0 };
  let isPaused = false;
  let isUnverified = false;
  for (const recordSync of recordSyncs) {
    // The record sync of a deleted record counts while its last push is pending or has failed.
    if (recordSync.status === null || (!recordSync.isEligible && recordSync.status === 'synced')) continue;
    counts[recordSync.status] += 1;
    isPaused ||= recordSync.isPaused;
    isUnverified ||= recordSync.isUnverified === true;
  }
  return {
    status: STATUS_PRECEDENCE.find((status) => counts[status] > 0) ?? null,
    counts,
    isPaused,
    isUnverified,
  };
}
