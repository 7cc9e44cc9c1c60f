import { Group, Select, Text } from '@mantine/core';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import type { Schemas } from '../../api/client';
import { integrationsQuery, overviewsQuery } from '../../api/queries';
import { CopyAsCurl } from '../../common/CopyAsCurl';
import { type Column, ListTable } from '../../common/ListTable';
import { Page } from '../../common/Page';
import { RouterLink } from '../../common/RouterLink';
import { Empty } from '../../common/States';
import { StatusBadge } from '../../common/StatusBadge';
import { Instant } from '../../common/Time';
import { toActor, toNumber } from '../../common/formatting';
import { useIntegrationNames } from '../integrations/use-integration-names';
import { StartButtons } from './StartButtons';

type Overview = Schemas['SyncOverview'];
const route = getRouteApi('/shell/overviews');
const sum = (overview: Overview, count: 'creates' | 'updates' | 'deletes' | 'not_possible'): number =>
  overview.datasets.reduce((total, dataset) => total + dataset[count], 0);

export function OverviewsPage() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const overviews = useInfiniteQuery(overviewsQuery(search));
  const { data: integrations = [] } = useQuery(integrationsQuery);
  const { choices, nameOf } = useIntegrationNames();
  const chosen = integrations.find(({ id }) => id === search.integration_id);
  const columns: Column<Overview>[] = [
    {
      title: 'Overview',
      cell: (overview) => (
        <>
          <RouterLink to="/overviews/$overviewId" params={{ overviewId: overview.id }} fw={600}>
            {nameOf(overview.integration_id)}
          </RouterLink>
          <Text size="xs" c="dimmed">
            {toActor(overview.requested_by)}
          </Text>
        </>
      ),
    },
    { title: 'State', cell: (overview) => <OverviewState overview={overview} /> },
    { title: 'Asked for', from: 'sm', cell: (overview) => <Instant at={overview.requested_at} /> },
    {
      title: 'Create · update · delete',
      from: 'md',
      isFigure: true,
      cell: (overview) =>
        `${toNumber(sum(overview, 'creates'))} · ${toNumber(sum(overview, 'updates'))} · ${toNumber(sum(overview, 'deletes'))}`,
    },
    {
      title: 'Not possible',
      from: 'lg',
      isFigure: true,
      cell: (overview) => toNumber(sum(overview, 'not_possible')),
    },
  ];
  return (
    <Page
      title="Sync Overview"
      subtitle="What Sync Now would do, without doing it: a snapshot to look at first."
      actions={<CopyAsCurl path="/overviews" query={search} />}
    >
      <Group align="flex-end">
        <Select
          label="Integration"
          placeholder="All"
          clearable
          w={260}
          data={choices}
          value={search.integration_id ?? null}
          onChange={(id) => void navigate({ search: { integration_id: id ?? undefined }, replace: true })}
          clearButtonProps={{ 'aria-label': 'All integrations' }}
        />
        {chosen === undefined ? (
          <Text size="sm" c="dimmed" pb={8}>
            Select an integration to make its overview, or to sync it now.
          </Text>
        ) : (
          <StartButtons integration={chosen} />
        )}
      </Group>
      <ListTable
        label="Sync Overviews"
        query={overviews}
        columns={columns}
        rowKey={(overview) => overview.id}
        empty={<Empty title="No overview yet">Select an integration above and start one.</Empty>}
      />
    </Page>
  );
}

export function OverviewState({ overview, size = 'md' }: { overview: Overview; size?: string }) {
  if (overview.state === 'ready') {
    if (overview.applied_sync_run_id !== null)
      return <StatusBadge status="succeeded" label="Applied" size={size} />;
    return overview.is_valid ? (
      <StatusBadge status="succeeded" label="Ready" size={size} />
    ) : (
      <StatusBadge status="superseded" label="No longer valid" size={size} />
    );
  }
  return <StatusBadge status={overview.state} size={size} />;
}
