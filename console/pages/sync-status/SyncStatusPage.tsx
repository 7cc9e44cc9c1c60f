import { Group, Stack, Text } from '@mantine/core';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import type { Schemas } from '../../api/client';
import { integrationsQuery, syncStatusQuery } from '../../api/queries';
import { CopyAsCurl } from '../../common/CopyAsCurl';
import { FilterSelect } from '../../common/FilterSelect';
import { ListTable } from '../../common/ListTable';
import { Page } from '../../common/Page';
import { Empty, Read } from '../../common/States';
import { isImporting } from '../integrations/health';
import { Plots } from './Plots';
import { statusColumns } from './status-columns';
import { SyncNowButtons } from './SyncNowButtons';

const route = getRouteApi('/shell/sync-status');

export function SyncStatusPage() {
  const search = route.useSearch();
  const integrations = useQuery(integrationsQuery);
  return (
    <Page
      title="Sync Status"
      subtitle="The number of records in Syncline and in each app, after each sync run."
      actions={<CopyAsCurl path="/sync-status" query={search} />}
    >
      <Read query={integrations} rows={3}>
        {(all) => <StatusLog integrations={all.filter(isImporting)} />}
      </Read>
    </Page>
  );
}

interface StatusLogProps {
  /** Those that records are imported from. */
  integrations: readonly Schemas['Integration'][];
}

function StatusLog({ integrations }: StatusLogProps) {
  const search = route.useSearch();
  const entries = useInfiniteQuery(syncStatusQuery(search));
  const chosen = integrations.find(({ id }) => id === search.integration_id);
  return (
    <Stack gap="lg">
      <Account integrations={integrations} />
      {chosen !== undefined && (
        <Plots entries={entries.data?.pages.flatMap((page) => page.data) ?? []} integrationId={chosen.id} />
      )}
      <ListTable
        label="Sync Status"
        query={entries}
        columns={statusColumns}
        rowKey={(entry) => entry.id}
        empty={
          <Empty title="No entries yet">
            {integrations.length === 0
              ? 'No records are imported from any app.'
              : 'An entry is added after each sync run.'}
          </Empty>
        }
      />
    </Stack>
  );
}

function Account({ integrations }: StatusLogProps) {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const chosen = integrations.find(({ id }) => id === search.integration_id);
  return (
    <Group align="flex-end">
      <FilterSelect
        label="Account"
        placeholder="All"
        w={280}
        choices={integrations.map(({ id, app, account_name: account }) => ({
          value: id,
          label: `${app} (${account})`,
        }))}
        value={search.integration_id}
        onChange={(id) => void navigate({ search: { integration_id: id }, replace: true })}
      />
      {chosen !== undefined && <SyncNowButtons integration={chosen} />}
      {chosen === undefined && integrations.length > 0 && (
        <Text size="sm" c="dimmed" pb={8}>
          Select an account to sync it now and to see its figures over time.
        </Text>
      )}
    </Group>
  );
}
