import { Group, Select, SimpleGrid, Stack, Text } from '@mantine/core';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { CircleCheck, TriangleAlert } from 'lucide-react';
import type { Schemas } from '../../api/client';
import { integrationsQuery, syncRunsQuery, syncStatusQuery } from '../../api/queries';
import { CopyAsCurl } from '../../common/CopyAsCurl';
import { type Column, ListTable } from '../../common/ListTable';
import { Page } from '../../common/Page';
import { Section } from '../../common/Section';
import { Empty, Read } from '../../common/States';
import { Instant } from '../../common/Time';
import { toDuration } from '../../common/time';
import { toNumber, toWords } from '../../common/formatting';
import { Plot } from './Plot';
import { SyncNowButtons } from './SyncNowButtons';
import { RouterLink } from '../../common/RouterLink';

type Entry = Schemas['SyncStatusEntry'];
const route = getRouteApi('/shell/sync-status');
const signed = (difference: number | null): string =>
  difference === null ? 'unknown' : difference > 0 ? `+${toNumber(difference)}` : toNumber(difference);

export function SyncStatusPage() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const integrations = useQuery(integrationsQuery);
  const entries = useInfiniteQuery(syncStatusQuery(search));
  const columns: Column<Entry>[] = [
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
  return (
    <Page
      title="Sync Status"
      subtitle="Whether both sides hold the same number of records, after each sync of each app."
      actions={<CopyAsCurl path="/sync-status" query={search} />}
    >
      <Read query={integrations} rows={3}>
        {(all) => {
          const read = all.filter(({ record_types: types }) =>
            Object.values(types).some(({ direction }) => direction === 'pull' || direction === 'both'),
          );
          const chosen = read.find(({ id }) => id === search.integration_id);
          return (
            <Stack gap="lg">
              <Group align="flex-end">
                <Select
                  label="Account"
                  placeholder="All accounts"
                  clearable
                  w={280}
                  data={read.map(({ id, app, account_name: account }) => ({
                    value: id,
                    label: `${app} (${account})`,
                  }))}
                  value={search.integration_id ?? null}
                  onChange={(id) =>
                    void navigate({ search: { integration_id: id ?? undefined }, replace: true })
                  }
                  clearButtonProps={{ 'aria-label': 'All accounts' }}
                />
                {chosen === undefined ? (
                  read.length > 0 && (
                    <Text size="sm" c="dimmed" pb={8}>
                      Select an account to sync it now and to see its figures over time.
                    </Text>
                  )
                ) : (
                  <SyncNowButtons integration={chosen} />
                )}
              </Group>
              {chosen !== undefined && (
                <Plots
                  entries={entries.data?.pages.flatMap((page) => page.data) ?? []}
                  integrationId={chosen.id}
                />
              )}
              <ListTable
                label="Sync Status"
                query={entries}
                columns={columns}
                rowKey={(entry) => entry.id}
                empty={
                  <Empty title="Nothing was compared yet">
                    {read.length === 0 ? 'No linked app is read from.' : 'A line is written after each sync.'}
                  </Empty>
                }
              />
            </Stack>
          );
        }}
      </Read>
    </Page>
  );
}

function Difference({ difference }: { difference: number | null }) {
  const isFine = difference === 0;
  return (
    <Group gap={4} justify="flex-end" wrap="nowrap">
      {difference !== null &&
        (isFine ? (
          <CircleCheck size={14} color="var(--mantine-color-dimmed)" aria-hidden />
        ) : (
          <TriangleAlert size={14} color="var(--mantine-color-error)" aria-hidden />
        ))}
      <Text inherit fw={isFine ? 400 : 700}>
        {signed(difference)}
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
          <b>{signed(row.difference)}</b>
        </Text>
      ))}
    </Stack>
  );
}

function Plots({ entries, integrationId }: { entries: readonly Entry[]; integrationId: string }) {
  const runs = useInfiniteQuery(syncRunsQuery({ integration_id: integrationId }));
  const differences = entries.flatMap(({ as_of: at, total_difference: value }) =>
    value === null ? [] : [{ at, value }],
  );
  const times = (runs.data?.pages.flatMap((page) => page.data) ?? []).flatMap(
    ({ started_at: from, finished_at: to }) =>
      from === null || to === null ? [] : [{ at: to, value: Date.parse(to) - Date.parse(from) }],
  );
  return (
    <SimpleGrid cols={{ base: 1, md: 2 }}>
      <Section title="Difference">
        <Plot title="Total difference" points={differences} format={signed} />
      </Section>
      <Section title="Run times">
        <Plot title="Run time" points={times} format={toDuration} />
      </Section>
    </SimpleGrid>
  );
}
