import { SimpleGrid } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import type { Schemas } from '../../api/client';
import { syncRunsQuery } from '../../api/queries';
import { toSigned } from '../../common/formatting';
import { Section } from '../../common/Section';
import { toDuration } from '../../common/time';
import { Plot, type Point } from './Plot';

interface PlotsProps {
  entries: readonly Schemas['SyncStatusEntry'][];
  integrationId: string;
}

/** The difference and the run times of an integration over time. */
export function Plots({ entries, integrationId }: PlotsProps) {
  const runs = useInfiniteQuery(syncRunsQuery({ integration_id: integrationId }));
  const differences = entries.flatMap(({ as_of: at, total_difference: value }): Point[] =>
    value === null ? [] : [{ at, value }],
  );
  const times = (runs.data?.pages.flatMap((page) => page.data) ?? []).flatMap(
    ({ started_at: from, finished_at: to }): Point[] =>
      from === null || to === null ? [] : [{ at: to, value: Date.parse(to) - Date.parse(from) }],
  );
  return (
    <SimpleGrid cols={{ base: 1, md: 2 }}>
      <Section title="Difference">
        <Plot title="Total difference" points={differences} format={toSigned} />
      </Section>
      <Section title="Run times">
        <Plot title="Run time" points={times} format={toDuration} />
      </Section>
    </SimpleGrid>
  );
}
