import { Button, Group } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { syncRunsQuery } from '../../api/queries';
import { CopyAsCurl } from '../../common/CopyAsCurl';
import { FilterSelect } from '../../common/FilterSelect';
import { RUN_KINDS } from '../../common/formatting';
import { Page } from '../../common/Page';
import { Empty } from '../../common/States';
import { statusLabel } from '../../common/StatusBadge';
import { RUN_STATES } from '../../search';
import { useIntegrationNames } from '../integrations/use-integration-names';
import { SyncRunTable } from './SyncRunTable';

const route = getRouteApi('/shell/sync-runs');
const KIND_CHOICES = Object.entries(RUN_KINDS).map(([value, label]) => ({ value, label }));
const STATE_CHOICES = RUN_STATES.map((value) => ({ value, label: statusLabel(value) }));

export function SyncLogsPage() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const runs = useInfiniteQuery(syncRunsQuery(search));
  const isFiltered = Object.values(search).some((value) => value !== undefined);
  const noMatch = (
    <Empty
      title="No matching sync runs"
      action={
        <Button variant="default" onClick={() => void navigate({ search: {} })}>
          Show all sync runs
        </Button>
      }
    />
  );
  return (
    <Page
      title="Sync Logs"
      subtitle="Every sync run of every app, newest first. Updates live; logs are kept permanently."
      actions={<CopyAsCurl path="/sync-runs" query={search} />}
    >
      <Filters />
      <SyncRunTable query={runs} {...(isFiltered ? { empty: noMatch } : {})} />
    </Page>
  );
}

function Filters() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const { choices } = useIntegrationNames();
  const filter = (change: Partial<typeof search>) =>
    void navigate({ search: (before) => ({ ...before, ...change }), replace: true });
  return (
    <Group align="flex-end" role="search">
      <FilterSelect
        label="Integration"
        choices={choices}
        value={search.integration_id}
        onChange={(id) => filter({ integration_id: id })}
      />
      <FilterSelect
        label="Kind"
        choices={KIND_CHOICES}
        value={search.kind}
        onChange={(kind) => filter({ kind })}
      />
      <FilterSelect
        label="State"
        choices={STATE_CHOICES}
        value={search.state}
        onChange={(state) => filter({ state })}
      />
    </Group>
  );
}
