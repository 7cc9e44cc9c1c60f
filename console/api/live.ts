/**
 * News from the API, as Server-Sent Events, mark what they concern as out of date; what is on the page is read again. Events say
 * only what to look at, so a lost one costs at most a refresh, and after a break everything is read anew.
 */
import { useEffect } from 'react';
import { queryClient } from './query-client';

const SUBJECTS: Record<string, readonly string[]> = {
  record_syncs: ['record', 'records', 'pushes'],
  integrations: ['integrations', 'onboarding', 'record'],
  sync_runs: ['sync-runs', 'sync-status', 'deletion-reviews', 'onboarding', 'overviews'],
  overviews: ['overviews'],
  notifications: ['notifications'],
};
/** A busy tenant has many events a second: they are gathered. */
const FLUSH_INTERVAL_MS = 300;
/** A browser comes back by itself after a broken connection, not after an answer that refuses: a proxy's 502, too many streams. */
const OPEN_AGAIN_MS = 10_000;

export function useLiveUpdates(): void {
  useEffect(() => {
    const outOfDate = new Set<string>();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const note = (subjects: readonly string[]): void => {
      for (const subject of subjects) outOfDate.add(subject);
      timer ??= setTimeout(() => {
        timer = undefined;
        const subjectsNow = [...outOfDate];
        outOfDate.clear();
        for (const subject of subjectsNow) void queryClient.invalidateQueries({ queryKey: [subject] });
      }, FLUSH_INTERVAL_MS);
    };

    let source: EventSource;
    let wasOpen = false;
    let again: ReturnType<typeof setTimeout> | undefined;
    const open = (): void => {
      source = new EventSource('/console/v1/stream');
      source.addEventListener('open', () => {
        if (wasOpen) note(Object.values(SUBJECTS).flat());
        wasOpen = true;
      });
      source.addEventListener('error', () => {
        if (source.readyState !== EventSource.CLOSED) return;
        // It does not say why. If it is that the session has ended, this finds out.
        void queryClient.invalidateQueries({ queryKey: ['me'] });
        again = setTimeout(open, OPEN_AGAIN_MS);
      });
      for (const [topic, subjects] of Object.entries(SUBJECTS))
        source.addEventListener(topic, () => note(subjects));
    };
    open();
    return () => {
      clearTimeout(timer);
      clearTimeout(again);
      source.close();
    };
  }, []);
}
