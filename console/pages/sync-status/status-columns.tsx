import { Group, Stack, Text } from '@mantine/core';
import { CircleCheck, TriangleAlert } from 'lucide-react';
import type { Schemas } from '../../api/client';
import { toNumber, toSigned, toWords } from '../../common/formatting';
import type { Column } from '../../common/ListTable';
import { RouterLink } from '../../common/RouterLink';
import { Instant } from '../../common/Time';

type Entry = Schemas['SyncStatusEntry'];

export const statusColumns: Column<Entry>[] = [
  { title: 'App', cell: (entry) => entry.app },
  { title: 'Account Name', from: 'sm', cell: (entry) => entry.account_name },
  {
    title: 'As Of',
    cell: (entry) => (
      <RouterLink to="/sync-runs/$syncRunId" params={{ syncRunId: entry.sync_run_id }} inherit>
        <Instant at={entry.as_of} />
      </RouterLink>
    ),
  },
  {
    title: 'Total Difference',
    isFigure: true,
    cell: (entry) => <Difference difference={entry.total_difference} />,
  },
  { title: 'Total Syncline', from: 'sm', isFigure: true, cell: (entry) => toNumber(entry.total_syncline) },
  { title: 'Total app', from: 'sm', isFigure: true, cell: (entry) => toNumber(entry.total_app) },
  { title: 'Breakdown', from: 'md', cell: (entry) => <Breakdown entry={entry} /> },
];

function Difference({ difference }: { difference: number | null }) {
  const isMatch = difference === 0;
  return (
    <Group gap={4} justify="flex-end" wrap="nowrap">
      {difference !== null &&
        (isMatch ? (
          <CircleCheck size={14} color="var(--mantine-color-dimmed)" aria-hidden />
        ) : (
          <TriangleAlert size={14} color="var(--mantine-color-error)" aria-hidden />
        ))}
      <Text inherit fw={isMatch ? 400 : 700}>
        {toSigned(difference)}
      </Text>
    </Group>
  );
}

function Breakdown({ entry }: { entry: Entry }) {
  return (
    <Stack gap={2}>
      {entry.breakdown.map((row) => (
        <Text key={row.record_type} size="sm">
          {toWords(row.record_type)}: {toNumber(row.syncline)} − {toNumber(row.app)} ={' '}
          <b>{toSigned(row.difference)}</b>
        </Text>
      ))}
    </Stack>
  );
}
