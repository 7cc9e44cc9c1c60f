import { SimpleGrid, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import type { Schemas } from '../../api/client';
import { toNumber } from '../../common/formatting';
import { Countdown, Instant } from '../../common/Time';
import { RunTime } from './SyncRunTable';

type SyncRun = Schemas['SyncRun'];

export function RunFigures({ run }: { run: SyncRun }) {
  const { progress } = run;
  const read = toNumber(progress.records_read);
  const isReadTotal = progress.expected_records === null || run.is_sync_finished;
  const figures: [string, ReactNode][] = [
    ['Read', isReadTotal ? read : `${read} of ${toNumber(progress.expected_records)}`],
    ['New', toNumber(progress.records_new)],
    ['Changed', toNumber(progress.records_changed)],
    ['Deleted', toNumber(progress.records_deleted)],
    ['Unchanged', toNumber(progress.records_unchanged)],
    ['Failed', toNumber(progress.records_failed)],
    ...(progress.records_held_back > 0
      ? [['Held back', toNumber(progress.records_held_back)] as [string, ReactNode]]
      : []),
    ...(progress.records_skipped > 0
      ? [['Skipped', toNumber(progress.records_skipped)] as [string, ReactNode]]
      : []),
    ['Duration', <RunTime key="duration" run={run} />],
    ['Ended', <End key="ended" run={run} />],
  ];
  return (
    <SimpleGrid cols={{ base: 2, sm: 4 }} component="dl" m={0}>
      {figures.map(([name, figure]) => (
        <div key={name}>
          <Text size="sm" c="dimmed" component="dt">
            {name}
          </Text>
          <Text fw={600} size="lg" component="dd" m={0}>
            {figure}
          </Text>
        </div>
      ))}
    </SimpleGrid>
  );
}

function End({ run: { finished_at: finishedAt, progress } }: { run: SyncRun }) {
  if (finishedAt !== null) return <Instant at={finishedAt} />;
  if (progress.estimated_end_at === null) return <>not yet</>;
  return (
    <>
      in about <Countdown to={progress.estimated_end_at} />
    </>
  );
}
