/**
 * Server-Sent Events of the API invalidate the queries they concern; queries on the page are then read again.
 * An event names a topic only, so a lost event costs a refresh. A reconnect invalidates all topics.
 */
import { useEffect } from 'react';
import { queryClient } from './query-client';

const SUBJECTS: Record<string, readonly string[]> = {
  record_syncs: ['record', 'records', 'pushes', 'push-reviews', 'conflicts', 'drifts', 'sync-summary'],
  integrations: ['integrations', 'onboarding', 'parked-work', 'record', 'sync-summary'],
  sync_runs: [
    'sync-runs',
    'sync-status',
    'sync-summary',
    'deletion-reviews',
    'conflicts',
    'drifts',
    'onboarding',
    'overviews',
  ],
  overviews: ['overviews'],
  notifications: ['notifications', 'parked-work', 'sync-summary'],
};
/** A busy tenant has many events a second, so they are collected. */
const FLUSH_INTERVAL_MS = 300;
/** Browsers reconnect after a broken connection, but not after an error response such as a proxy's 502. */
const REOPEN_AFTER_MS = 10_000;

export function useLiveUpdates(): void {
  useEffect(() => {
    const outOfDate = new Set<string>();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const invalidate = (subjects: readonly string[]): void => {
      for (const subject of subjects) outOfDate.add(subject);
      timer ??= setTimeout(() => {
        timer = undefined;
        const invalidated = [...outOfDate];
        outOfDate.clear();
        for (const subject of invalidated) void queryClient.invalidateQueries({ queryKey: [subject] });
      }, FLUSH_INTERVAL_MS);
    };

    let source: EventSource;
    let wasOpen = false;
    let reopenTimer: ReturnType<typeof setTimeout> | undefined;
    const open = (): void => {
      source = new EventSource('/console/v1/stream');
      source.addEventListener('open', () => {
        if (wasOpen) invalidate(Object.values(SUBJECTS).flat());
        wasOpen = true;
      });
      source.addEventListener('error', () => {
        if (source.readyState !== EventSource.CLOSED) return;
        // The event has no reason. If the session has ended, reading `me` shows it.
        void queryClient.invalidateQueries({ queryKey: ['me'] });
        reopenTimer = setTimeout(open, REOPEN_AFTER_MS);
      });
      for (const [topic, subjects] of Object.entries(SUBJECTS))
        source.addEventListener(topic, () => invalidate(subjects));
    };
    open();
    return () => {
      clearTimeout(timer);
      clearTimeout(reopenTimer);
      source.close();
    };
  }, []);
}
