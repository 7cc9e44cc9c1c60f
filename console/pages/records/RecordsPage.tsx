import { Alert, Button, Checkbox, Group, Select, Text, TextInput } from '@mantine/core';
import { useDebouncedCallback, useHotkeys } from '@mantine/hooks';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { Info, Search } from 'lucide-react';
import { useRef, useState } from 'react';
import type { Schemas } from '../../api/client';
import { integrationsQuery, recordsQuery } from '../../api/queries';
import { CopyAsCurl } from '../../common/CopyAsCurl';
import { type Column, ListTable } from '../../common/ListTable';
import { Page } from '../../common/Page';
import { Empty } from '../../common/States';
import { RecordBadge, statusLabel } from '../../common/StatusBadge';
import { Instant } from '../../common/Time';
import { cut, toShortId, toText, toWords } from '../../common/formatting';
import { SYNC_STATUSES } from '../../search';
import { useRecordTypeLabel } from '../../shell/record-types';
import { toRecordName } from './record-name';
import { RouterLink } from '../../common/RouterLink';

type Row = Schemas['RecordSummary'];
const route = getRouteApi('/shell/records/$recordType');
const NAMES = ['name', 'first_name', 'last_name', 'display_name', 'title'];

export function RecordsPage() {
  const { recordType } = route.useParams();
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const label = useRecordTypeLabel(recordType);
  const integrations = useQuery(integrationsQuery).data ?? [];
  const records = useInfiniteQuery(recordsQuery(recordType, search));
  const isFiltered =
    search.q !== undefined || search.status !== undefined || search.integration_id !== undefined;
  const filter = (change: Partial<typeof search>) =>
    void navigate({ search: (before) => ({ ...before, ...change }), replace: true });

  // The first fields besides those that make the name, mapped ones before others.
  const first = records.data?.pages[0]?.data ?? [];
  const mapped = integrations.flatMap(
    (one) => one.record_types[recordType]?.fields?.flatMap(({ name }) => name ?? []) ?? [],
  );
  const present = new Set(first.flatMap(({ fields }) => Object.keys(fields)));
  const shown = [...new Set([...mapped, ...[...present].toSorted()])]
    .filter((name) => present.has(name) && !NAMES.includes(name))
    .slice(0, 3);
  const isRead = integrations.some((one) => (one.record_types[recordType]?.direction ?? 'push') !== 'push');
  const columns: Column<Row>[] = [
    {
      title: 'Name',
      cell: (record) => (
        <>
          <RouterLink
            to="/records/$recordType/$externalId"
            params={{ recordType, externalId: record.external_id }}
            fw={600}
            className="one-line-at-most"
          >
            {toRecordName(record)}
          </RouterLink>
          <Text size="xs" c="dimmed" lineClamp={1} className="long">
            {toShortId(record.external_id)}
            {record.is_deleted ? ' · deleted' : ''}
          </Text>
        </>
      ),
    },
    { title: 'Status', cell: ({ badge }) => <RecordBadge badge={badge} isRead={isRead} /> },
    ...shown.map((name, index): Column<Row> => ({
      title: toWords(name),
      from: index === 0 ? 'sm' : 'lg',
      cell: ({ fields }) => cut(toText(fields[name]), 60),
    })),
    { title: 'Changed', from: 'md', cell: (record) => <Instant at={record.changed_at} relative /> },
  ];

  return (
    <Page title={label} actions={<CopyAsCurl path={`/records/${recordType}`} query={search} />}>
      {records.data?.pages[0]?.is_partial && (
        <Alert color="blue" variant="light" icon={<Info aria-hidden />}>
          These records are being onboarded: there may be more than are listed.
        </Alert>
      )}
      <Group align="flex-end" role="search">
        <SearchField
          key={recordType}
          initial={search.q ?? ''}
          onSearch={(q) => filter({ q: q === '' ? undefined : q })}
        />
        <Select
          label="Status"
          placeholder="Any"
          clearable
          w={{ base: 'calc(50% - 8px)', sm: 160 }}
          data={SYNC_STATUSES.map((value) => ({ value, label: statusLabel(value) }))}
          value={search.status ?? null}
          onChange={(status) => filter({ status: status ?? undefined })}
          clearButtonProps={{ 'aria-label': 'Any status' }}
        />
        <Select
          label="Integration"
          placeholder="Any"
          clearable
          w={{ base: 'calc(50% - 8px)', sm: 220 }}
          data={integrations
            .filter((one) => recordType in one.record_types)
            .map((one) => ({ value: one.id, label: `${one.app} (${one.account_name})` }))}
          value={search.integration_id ?? null}
          onChange={(id) => filter({ integration_id: id ?? undefined })}
          clearButtonProps={{ 'aria-label': 'Any integration' }}
        />
        <Checkbox
          label="With deleted"
          pb={8}
          checked={search.include_deleted === 'true'}
          onChange={(event) => filter({ include_deleted: event.currentTarget.checked ? 'true' : undefined })}
        />
      </Group>
      <ListTable
        label={label}
        query={records}
        columns={columns}
        rowKey={(record) => record.id}
        isSearch={isFiltered}
        empty={
          isFiltered ? (
            <Empty
              title="Nothing fits"
              action={
                <Button variant="default" onClick={() => void navigate({ search: {} })}>
                  Show all {label.toLowerCase()}
                </Button>
              }
            >
              No record has all of these words and this status.
            </Empty>
          ) : (
            <Empty title={`No ${label.toLowerCase()} yet`}>
              They come here from your product, by PUT /v1/records/{recordType}/…, or from an integration that
              reads them.
            </Empty>
          )
        }
      />
    </Page>
  );
}

function SearchField({ initial, onSearch }: { initial: string; onSearch: (words: string) => void }) {
  const [words, setWords] = useState(initial);
  const field = useRef<HTMLInputElement>(null);
  const search = useDebouncedCallback(onSearch, 250);
  useHotkeys([['/', () => field.current?.focus()]]);
  return (
    <TextInput
      ref={field}
      type="search"
      label="Search"
      placeholder="Name, e-mail, id … (press /)"
      leftSection={<Search size={14} aria-hidden />}
      w={{ base: '100%', sm: 280 }}
      maxLength={200}
      value={words}
      onChange={(event) => {
        setWords(event.currentTarget.value);
        search(event.currentTarget.value.trim());
      }}
    />
  );
}
