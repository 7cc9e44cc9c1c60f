import { Text } from '@mantine/core';
import type { UseInfiniteQueryResult } from '@tanstack/react-query';
import type { Schemas } from '../../api/client';
import { toActor } from '../../common/formatting';
import { type Column, ListTable } from '../../common/ListTable';
import { Empty } from '../../common/States';
import { Instant } from '../../common/Time';

type Entry = Schemas['AuditEntry'];

const columns: Column<Entry>[] = [
  { title: 'When', cell: (entry) => <Instant at={entry.at} /> },
  {
    title: 'User or key',
    cell: (entry) => <span style={{ display: 'block', minWidth: 110 }}>{toActor(entry.actor)}</span>,
  },
  { title: 'Action', cell: (entry) => <code>{entry.action}</code> },
  {
    title: 'Target',
    from: 'sm',
    cell: (entry) => (
      <span className="long" style={{ display: 'block', minWidth: 200 }}>
        {entry.target ?? '–'}
      </span>
    ),
  },
  {
    title: 'Details',
    from: 'lg',
    cell: (entry) => (
      <Text size="xs" ff="monospace" className="long">
        {JSON.stringify(entry.detail)}
      </Text>
    ),
  },
  { title: 'IP address', from: 'md', cell: (entry) => entry.ip ?? '–' },
];

interface AuditEntriesProps {
  query: UseInfiniteQueryResult<{ pages: { data: Entry[]; next_cursor: string | null }[] }>;
  isFiltered: boolean;
}

export function AuditEntries({ query, isFiltered }: AuditEntriesProps) {
  return (
    <ListTable
      label="Audit log"
      query={query}
      columns={columns}
      rowKey={(entry) => entry.id}
      empty={<Empty title={isFiltered ? 'No matching entries' : 'No entries yet'} />}
    />
  );
}
