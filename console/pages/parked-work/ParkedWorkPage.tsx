import { Text } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import type { Schemas } from '../../api/client';
import { parkedWorkQuery } from '../../api/queries';
import { CopyAsCurl } from '../../common/CopyAsCurl';
import { toNumber, toWords } from '../../common/formatting';
import { type Column, ListTable } from '../../common/ListTable';
import { Page } from '../../common/Page';
import { RouterLink } from '../../common/RouterLink';
import { Empty } from '../../common/States';
import { Instant } from '../../common/Time';
import { useIntegrationNames } from '../integrations/use-integration-names';
import { RetryWork } from './RetryWork';

type Work = Schemas['ParkedWork'];

/** Work that took its workers down repeatedly (rules.md 60). */
export function ParkedWorkPage() {
  const work = useInfiniteQuery(parkedWorkQuery);
  const { nameOf } = useIntegrationNames();
  return (
    <Page
      title="Parked work"
      subtitle={
        'Workers ended repeatedly during this work. None of it continues until an admin retries it. ' +
        'Inform the operator of Syncline first.'
      }
      actions={<CopyAsCurl path="/parked-work" />}
    >
      <ListTable
        label="Parked work"
        query={work}
        columns={listColumns(nameOf)}
        rowKey={({ id }) => id}
        empty={<Empty title="No parked work">Work is parked after workers ended twice during it.</Empty>}
      />
    </Page>
  );
}

const listColumns = (nameOf: (integrationId: string) => string): Column<Work>[] => [
  { title: 'Work', cell: (work) => <Subject work={work} /> },
  {
    title: 'App',
    from: 'sm',
    cell: ({ integration_id: id }) => (id === null ? '–' : nameOf(id)),
  },
  { title: 'Workers ended', from: 'md', isFigure: true, cell: ({ deaths }) => toNumber(deaths) },
  { title: 'Parked', from: 'sm', cell: ({ parked_at: at }) => (at === null ? '–' : <Instant at={at} />) },
  { title: 'Decision', cell: (work) => <RetryWork work={work} /> },
];

function Subject({ work: { kind, subject_id: id, job } }: { work: Work }) {
  switch (kind) {
    case 'pull':
      return (
        <>
          <RouterLink to="/sync-runs/$syncRunId" params={{ syncRunId: id }} fw={600}>
            Sync run
          </RouterLink>
          {job !== null && <Text size="xs">{toWords(job)}</Text>}
        </>
      );
    case 'overview':
      return (
        <RouterLink to="/overviews/$overviewId" params={{ overviewId: id }} fw={600}>
          Sync Overview
        </RouterLink>
      );
    case 'webhook_delivery':
      return (
        <RouterLink to="/webhooks/$endpointId" params={{ endpointId: id }} fw={600}>
          All deliveries of a webhook endpoint
        </RouterLink>
      );
    default:
      return (
        <RouterLink to="/integrations/$integrationId" params={{ integrationId: id }} fw={600}>
          {kind === 'push' ? 'All pushes of an integration' : 'Connection check of an integration'}
        </RouterLink>
      );
  }
}
