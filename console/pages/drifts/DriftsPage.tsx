import { Group, Text } from '@mantine/core';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import type { Schemas } from '../../api/client';
import { driftsQuery, integrationsQuery } from '../../api/queries';
import { CopyAsCurl } from '../../common/CopyAsCurl';
import { FilterSelect } from '../../common/FilterSelect';
import { toWords } from '../../common/formatting';
import { type Column, ListTable } from '../../common/ListTable';
import { Page } from '../../common/Page';
import { RecordLink } from '../../common/RouterLink';
import { Empty } from '../../common/States';
import { Instant } from '../../common/Time';
import { useIntegrationNames } from '../integrations/use-integration-names';
import { DecideDrifts } from './DecideDrifts';

type Drift = Schemas['Drift'];
const route = getRouteApi('/shell/drifts');

/** What was changed in apps after it was pushed (rules.md 54). */
export function DriftsPage() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const drifts = useInfiniteQuery(driftsQuery(search));
  const { nameOf, choices } = useIntegrationNames();
  return (
    <Page
      title="Drifts"
      subtitle="Records that were changed or deleted in the app after Syncline had pushed them."
      actions={
        <>
          <CopyAsCurl path="/drifts" query={search} />
          <DecideAll integrationId={search.integration_id} />
        </>
      }
    >
      <Group role="search">
        <FilterSelect
          label="App"
          choices={choices}
          value={search.integration_id}
          onChange={(integrationId) =>
            void navigate({ search: { integration_id: integrationId }, replace: true })
          }
        />
      </Group>
      <ListTable
        label="Drifts"
        isSearch
        query={drifts}
        columns={listColumns(nameOf)}
        rowKey={({ integration_id: id, record_id: record, place }) => `${id} ${record} ${place ?? ''}`}
        empty={
          <Empty title="No drifts">
            The apps hold what Syncline pushed. The nightly sync compares each app that can be read.
          </Empty>
        }
      />
    </Page>
  );
}

/** Buttons for each mapped record type of the selected app. */
function DecideAll({ integrationId }: { integrationId: string | undefined }) {
  const { data } = useQuery(integrationsQuery);
  const integration = data?.find(({ id }) => id === integrationId);
  if (integration === undefined) return null;
  return Object.keys(integration.type_settings).map((type) => (
    <DecideDrifts
      key={type}
      integrationId={integration.id}
      recordType={type}
      label={`All ${toWords(type).toLowerCase()}`}
    />
  ));
}

const listColumns = (nameOf: (integrationId: string) => string): Column<Drift>[] => [
  { title: 'Record', cell: (drift) => <RecordLink record={drift} /> },
  { title: 'App', from: 'sm', cell: (drift) => nameOf(drift.integration_id) },
  { title: 'Change', cell: (drift) => <Values drift={drift} /> },
  { title: 'Found', from: 'md', cell: (drift) => <Instant at={drift.found_at} /> },
  {
    title: 'Decision',
    cell: (drift) => (
      <DecideDrifts
        integrationId={drift.integration_id}
        recordType={drift.record_type}
        externalId={drift.external_id}
      />
    ),
  },
];

function Values({ drift: { place, expected, found } }: { drift: Drift }) {
  if (place === null) return <Text size="sm">The app no longer has the record.</Text>;
  return (
    <Text size="sm">
      <strong>{place}</strong>: Syncline: {JSON.stringify(expected)} · App: {JSON.stringify(found)}
    </Text>
  );
}
