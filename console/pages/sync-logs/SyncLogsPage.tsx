import { Button, Group, Select } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { syncRunsQuery } from '../../api/queries';
import { CopyAsCurl } from '../../common/CopyAsCurl';
import { Page } from '../../common/Page';
import { Empty } from '../../common/States';
import { statusLabel } from '../../common/StatusBadge';
import { RUN_KINDS } from '../../common/formatting';
import { RUN_STATES } from '../../search';
import { useIntegrationNames } from '../integrations/use-integration-names';
import { SyncRunTable } from './SyncRunTable';

const route = getRouteApi('/shell/sync-runs');

export function SyncLogsPage() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const runs = useInfiniteQuery(syncRunsQuery(search));
  const { choices } = useIntegrationNames();
  const isFiltered = Object.values(search).some((value) => value !== undefined);
  const filter = (change: Partial<typeof search>) =>
    void navigate({ search: (before) => ({ ...before, ...change }), replace: true });
  return (
    <Page
      title="Sync Logs"
      subtitle="Every sync run of every linked app, newest first, live, and kept for ever."
      actions={<CopyAsCurl path="/sync-runs" query={search} />}
    >
      <Group align="flex-end" role="search">
        <Select
          label="Integration"
          placeholder="Any"
          clearable
          w={220}
          data={choices}
          value={search.integration_id ?? null}
          onChange={(id) => filter({ integration_id: id ?? undefined })}
          clearButtonProps={{ 'aria-label': 'Any integration' }}
        />
        <Select
          label="Kind"
          placeholder="Any"
          clearable
          w={200}
          data={Object.entries(RUN_KINDS).map(([value, label]) => ({ value, label }))}
          value={search.kind ?? null}
          onChange={(kind) => filter({ kind: kind ?? undefined })}
          clearButtonProps={{ 'aria-label': 'Any kind' }}
        />
        <Select
          label="State"
          placeholder="Any"
          clearable
          w={190}
          data={RUN_STATES.map((value) => ({ value, label: statusLabel(value) }))}
          value={search.state ?? null}
          onChange={(state) => filter({ state: state ?? undefined })}
          clearButtonProps={{ 'aria-label': 'Any state' }}
        />
      </Group>
      <SyncRunTable
        query={runs}
        empty={
          isFiltered ? (
            <Empty
              title="No such run"
              action={
                <Button variant="default" onClick={() => void navigate({ search: {} })}>
                  Show all runs
                </Button>
              }
            />
          ) : (
            <Empty title="No run yet">
              Runs begin when an app is linked whose records are read, then every hour and every night.
            </Empty>
          )
        }
      />
    </Page>
  );
}
