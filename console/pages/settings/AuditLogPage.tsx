import { Group, Text, TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { useInfiniteQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useState } from 'react';
import type { Schemas } from '../../api/client';
import { auditLogQuery } from '../../api/queries';
import { CopyAsCurl } from '../../common/CopyAsCurl';
import { type Column, ListTable } from '../../common/ListTable';
import { Page } from '../../common/Page';
import { Empty } from '../../common/States';
import { Instant } from '../../common/Time';
import { toActor } from '../../common/formatting';

const route = getRouteApi('/shell/settings/audit-log');

const columns: Column<Schemas['AuditEntry']>[] = [
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

export function AuditLogPage() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const [action, setAction] = useState(search.action ?? '');
  const entries = useInfiniteQuery(auditLogQuery(search));
  const filter = useDebouncedCallback(
    (value: string) => void navigate({ search: { action: value === '' ? undefined : value }, replace: true }),
    300,
  );
  return (
    <Page
      title="Audit log"
      subtitle="All changes, with the user or key, the target and the IP address."
      actions={<CopyAsCurl path="/audit-log" query={search} />}
    >
      <Group role="search">
        <TextInput
          label="Action"
          placeholder="integration.paused"
          value={action}
          onChange={(event) => {
            setAction(event.currentTarget.value);
            filter(event.currentTarget.value.trim());
          }}
        />
      </Group>
      <ListTable
        label="Audit log"
        query={entries}
        columns={columns}
        rowKey={(entry) => entry.id}
        empty={<Empty title={search.action === undefined ? 'No entries yet' : 'No matching entries'} />}
      />
    </Page>
  );
}
