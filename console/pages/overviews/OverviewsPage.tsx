import { Group, Text } from '@mantine/core';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import type { Schemas } from '../../api/client';
import { integrationsQuery, overviewsQuery } from '../../api/queries';
import { CopyAsCurl } from '../../common/CopyAsCurl';
import { FilterSelect } from '../../common/FilterSelect';
import { toActor, toNumber } from '../../common/formatting';
import { type Column, ListTable } from '../../common/ListTable';
import { Page } from '../../common/Page';
import { RouterLink } from '../../common/RouterLink';
import { Empty } from '../../common/States';
import { Instant } from '../../common/Time';
import { useIntegrationNames } from '../integrations/use-integration-names';
import { OverviewState } from './OverviewState';
import { StartButtons } from './StartButtons';

type Overview = Schemas['SyncOverview'];
const route = getRouteApi('/shell/overviews');

export function OverviewsPage() {
  const search = route.useSearch();
  const overviews = useInfiniteQuery(overviewsQuery(search));
  const { nameOf } = useIntegrationNames();
  return (
    <Page
      title="Sync Overview"
      subtitle="A preview of what Sync Now would change, without changing anything."
      actions={<CopyAsCurl path="/overviews" query={search} />}
    >
      <Integration />
      <ListTable
        label="Sync Overviews"
        query={overviews}
        columns={listColumns(nameOf)}
        rowKey={(overview) => overview.id}
        empty={<Empty title="No overviews yet">Select an integration above and start an overview.</Empty>}
      />
    </Page>
  );
}

function Integration() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const { data: integrations = [] } = useQuery(integrationsQuery);
  const { choices } = useIntegrationNames();
  const chosen = integrations.find(({ id }) => id === search.integration_id);
  return (
    <Group align="flex-end">
      <FilterSelect
        label="Integration"
        placeholder="All"
        w={260}
        choices={choices}
        value={search.integration_id}
        onChange={(id) => void navigate({ search: { integration_id: id }, replace: true })}
      />
      {chosen === undefined ? (
        <Text size="sm" c="dimmed" pb={8}>
          Select an integration to start a Sync Overview or a Sync Now.
        </Text>
      ) : (
        <StartButtons integration={chosen} />
      )}
    </Group>
  );
}

const sum = (overview: Overview, count: 'creates' | 'updates' | 'deletes' | 'not_possible'): string =>
  toNumber(overview.datasets.reduce((total, dataset) => total + dataset[count], 0));

const listColumns = (nameOf: (integrationId: string) => string): Column<Overview>[] => [
  {
    title: 'Overview',
    cell: (overview) => (
      <>
        <RouterLink to="/overviews/$overviewId" params={{ overviewId: overview.id }} fw={600}>
          {nameOf(overview.integration_id)}
        </RouterLink>
        <Text size="xs" c="dimmed">
          by {toActor(overview.requested_by)}
        </Text>
      </>
    ),
  },
  { title: 'State', cell: (overview) => <OverviewState overview={overview} /> },
  { title: 'Requested', from: 'sm', cell: (overview) => <Instant at={overview.requested_at} /> },
  {
    title: 'Create · update · delete',
    from: 'md',
    isFigure: true,
    cell: (overview) =>
      `${sum(overview, 'creates')} · ${sum(overview, 'updates')} · ${sum(overview, 'deletes')}`,
  },
  { title: 'Not possible', from: 'lg', isFigure: true, cell: (overview) => sum(overview, 'not_possible') },
];
