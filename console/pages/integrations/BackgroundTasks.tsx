import { Group, Loader, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { Schemas } from '../../api/client';
import { integrationQuery } from '../../api/queries';
import { plural } from '../../common/formatting';
import { Section } from '../../common/Section';
import { Instant } from '../../common/Time';

type Task = Schemas['BackgroundTask'];

const TITLES: Record<string, string> = {
  decide_deletion_review: 'Carrying out the decision about a deletion review',
  clear_pass_state: 'Clearing up after a large sync',
  clear_sync_now: 'Clearing up after a large Sync Now',
};
const POLL_INTERVAL_MS = 2_000;

/** The tasks of an integration in progress (rules.md 60), read again until they are finished. */
export function useBackgroundTasks(integrationId: string): readonly Task[] {
  const { data } = useQuery({
    ...integrationQuery(integrationId),
    // The stream has no events for tasks.
    refetchInterval: ({ state }) => (state.data?.body.background_tasks.length ?? 0) > 0 && POLL_INTERVAL_MS,
  });
  return data?.body.background_tasks ?? [];
}

export function BackgroundTasks({ integrationId }: { integrationId: string }) {
  const tasks = useBackgroundTasks(integrationId);
  if (tasks.length === 0) return null;
  return (
    <Section title="In the background" hint="This continues by itself. You can leave the page.">
      {tasks.map(({ id, kind, done_rows: done, created_at: at }) => (
        <Group key={id} gap="xs" wrap="nowrap" role="status">
          <Loader size="xs" aria-hidden />
          <Text size="sm">
            {TITLES[kind] ?? kind}: {plural(done, 'row')} so far, since <Instant at={at} />
          </Text>
        </Group>
      ))}
    </Section>
  );
}
