import { Group, Stack, Text, TextInput } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { Search } from 'lucide-react';
import { useState } from 'react';
import type { Schemas } from '../../api/client';
import { overviewItemsQuery } from '../../api/queries';
import { FilterSelect } from '../../common/FilterSelect';
import { toShortId, toText, toWords } from '../../common/formatting';
import { type Column, ListTable } from '../../common/ListTable';
import { RecordLink } from '../../common/RouterLink';
import { Section } from '../../common/Section';
import { Empty } from '../../common/States';
import { OVERVIEW_ACTIONS } from '../../search';
import { useTypedSearch } from '../records/use-typed-search';
import { DIRECTION_LABELS } from './direction-labels';

type Item = Schemas['OverviewItem'];
const route = getRouteApi('/shell/overviews/$overviewId');
const ACTIONS: Record<(typeof OVERVIEW_ACTIONS)[number], string> = {
  create: 'Create',
  update: 'Update',
  delete: 'Delete',
  not_possible: 'Not possible',
};
const ACTION_CHOICES = OVERVIEW_ACTIONS.map((value) => ({ value, label: ACTIONS[value] }));

const columns: Column<Item>[] = [
  { title: 'Record', cell: (item) => <RecordCell item={item} /> },
  {
    title: 'Action',
    cell: (item) => (
      <Text size="sm" fw={600}>
        {ACTIONS[item.action] ?? item.action}
      </Text>
    ),
  },
  { title: 'Before and after', cell: (item) => <Difference item={item} /> },
];

/** The changes of an overview, record by record. */
export function OverviewItems({ overviewId }: { overviewId: string }) {
  const items = useInfiniteQuery(overviewItemsQuery(overviewId, route.useSearch()));
  return (
    <Section title="Changes by record">
      <Filters />
      <ListTable
        label="What Sync Now would do"
        query={items}
        columns={columns}
        rowKey={(item) => item.id}
        empty={<Empty title="No changes">Both sides match, or no record matches the filter.</Empty>}
      />
    </Section>
  );
}

function Filters() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const [words, setWords] = useState(search.q ?? '');
  const filter = (change: Partial<typeof search>) =>
    void navigate({ search: (before) => ({ ...before, ...change }), replace: true });
  const filterByWords = useTypedSearch((q) => filter({ q: q === '' ? undefined : q }));
  return (
    <Group align="flex-end" role="search">
      <TextInput
        label="Search"
        type="search"
        leftSection={<Search size={14} aria-hidden />}
        value={words}
        onChange={(event) => {
          setWords(event.currentTarget.value);
          filterByWords(event.currentTarget.value);
        }}
      />
      <FilterSelect
        label="Action"
        w={170}
        choices={ACTION_CHOICES}
        value={search.action}
        onChange={(action) => filter({ action })}
      />
    </Group>
  );
}

function RecordCell({ item }: { item: Item }) {
  return (
    <>
      {item.external_id === null || item.record_id === null ? (
        <Text size="sm">{toShortId(item.external_id ?? item.remote_id ?? '')}</Text>
      ) : (
        <RecordLink record={{ record_type: item.record_type, external_id: item.external_id }} />
      )}
      <Text size="xs" c="dimmed">
        {toWords(item.record_type)}, {DIRECTION_LABELS[item.direction]}
      </Text>
    </>
  );
}

function Difference({ item }: { item: Item }) {
  const names = [...new Set([...Object.keys(item.before ?? {}), ...Object.keys(item.after ?? {})])];
  return (
    <Stack gap={2}>
      {item.reason !== null && <Text size="sm">{item.reason}</Text>}
      {names.map((name) => (
        <Text key={name} size="sm">
          {toWords(name)}: {item.action !== 'create' && <del>{toText(item.before?.[name]) || 'empty'}</del>}
          {item.action !== 'create' && item.action !== 'delete' && ' → '}
          {item.action !== 'delete' && <ins>{toText(item.after?.[name]) || 'empty'}</ins>}
        </Text>
      ))}
    </Stack>
  );
}
