/**
 * News from the API, as Server-Sent Events, mark what they concern as out of date; what is on the page is read again. Events say
 * only what to look at, so a lost one costs at most a refresh, and after a break everything is read anew.
 */
import { useEffect } from 'react';
import { queryClient } from './query-client';

const SUBJECTS: Record<string, readonly string[]> = {
  record_syncs: ['record', 'records', 'pushes', 'record-syncs'],
  integrations: ['integrations', 'onboarding', 'record'],
  sync_runs: ['sync-runs', 'sync-status', 'deletion-reviews', 'sync-conflicts', 'onboarding', 'overviews'],
  overviews: ['overviews'],
  notifications: ['notifications'],
};
/** A busy tenant has many events a second: they are gathered. */
const GATHER_MS = 300;

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
      }, GATHER_MS);
    };

    const source = new EventSource('/console/v1/stream');
    let wasOpen = false;
    source.addEventListener('open', () => {
      if (wasOpen) note(Object.values(SUBJECTS).flat());
      wasOpen = true;
    });
    for (const [topic, subjects] of Object.entries(SUBJECTS)) source.addEventListener(topic, () => note(subjects));
    return () => {
      clearTimeout(timer);
      source.close();
    };
  }, []);
}
