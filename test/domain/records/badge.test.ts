// oxlint-disable jest/no-conditional-expect -- properties have premises
/** The badge: rules.md 12. */
import * as fc from 'fast-check';
import {
  badgeOf,
  type BadgeRecordSync,
  STATUS_PRECEDENCE,
  type SyncStatus,
} from '../../../domain/records/badge';

const recordSync = (status: SyncStatus | null, more: Partial<BadgeRecordSync> = {}): BadgeRecordSync => ({
  status,
  isEligible: true,
  isPaused: false,
  ...more,
});
const anyRecordSync = fc.record({
  status: fc.constantFrom(...STATUS_PRECEDENCE, null),
  isEligible: fc.boolean(),
  isPaused: fc.boolean(),
});

describe('rule 12: the badge of a record', () => {
  it.each<[SyncStatus[], SyncStatus]>([
    [['synced', 'sync_pending', 'syncing', 'sync_failed'], 'sync_failed'],
    [['synced', 'sync_pending', 'syncing'], 'syncing'],
    [['synced', 'sync_pending'], 'sync_pending'],
    [['synced'], 'synced'],
  ])('shows the most important of %j: %s', (statuses, expected) => {
    expect(badgeOf(statuses.map((status) => recordSync(status))).status).toBe(expected);
  });

  it('counts each status', () => {
    const badge = badgeOf([recordSync('synced'), recordSync('synced'), recordSync('sync_failed')]);

    expect(badge.counts).toEqual({ sync_failed: 1, syncing: 0, sync_pending: 0, synced: 2 });
  });

  it('leaves out ineligible record syncs, and has no status without an eligible one', () => {
    expect(badgeOf([recordSync('synced', { isEligible: false }), recordSync(null)])).toMatchObject({
      status: null,
      isPaused: false,
    });
  });

  it('includes a deleted record whose last push is pending or has failed', () => {
    expect(badgeOf([recordSync('sync_pending', { isEligible: false })]).status).toBe('sync_pending');
    expect(badgeOf([recordSync('sync_failed', { isEligible: false })]).status).toBe('sync_failed');
  });

  it('marks paused record syncs with their last status, but not ineligible ones', () => {
    expect(badgeOf([recordSync('synced', { isPaused: true })])).toMatchObject({
      status: 'synced',
      isPaused: true,
    });
    expect(badgeOf([recordSync('synced'), recordSync(null, { isPaused: true })])).toMatchObject({
      isPaused: false,
    });
  });

  it('does not depend on the order of the integrations, and counts no record sync twice', () => {
    fc.assert(
      fc.property(fc.array(anyRecordSync, { maxLength: 8 }), (recordSyncs) => {
        const badge = badgeOf(recordSyncs);
        const counted = Object.values(badge.counts).reduce((sum, count) => sum + count, 0);

        expect(badgeOf(recordSyncs.toReversed())).toEqual(badge);
        expect(counted).toBeLessThanOrEqual(recordSyncs.length);
        expect(badge.status === null).toBe(counted === 0);
        if (badge.status !== null) expect(badge.counts[badge.status]).toBeGreaterThan(0);
      }),
    );
  });
});
