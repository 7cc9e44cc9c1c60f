import { Alert, Group, Select, Stack, Table, Text, TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { useInfiniteQuery, useQuery, type UseQueryResult } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { History, Search, Zap } from 'lucide-react';
import { useState } from 'react';
import { asProblem, type Schemas } from '../../api/client';
import { integrationsQuery, overviewItemsQuery, overviewQuery, overviewsQuery } from '../../api/queries';
import { ActionButton } from '../../common/ActionButton';
import { useConfirm } from '../../common/Confirm';
import { CopyAsCurl } from '../../common/CopyAsCurl';
import { type Column, ListTable } from '../../common/ListTable';
import { Page } from '../../common/Page';
import { RouterLink } from '../../common/RouterLink';
import { Section } from '../../common/Section';
import { Empty, Read } from '../../common/States';
import { StatusBadge } from '../../common/StatusBadge';
import { Instant } from '../../common/Time';
import { plural, toActor, toNumber, toShortId, toText, toWords } from '../../common/formatting';
import { WorkflowLinks } from '../../common/WorkflowLinks';
import { overviewWorkflowId } from '../../common/workflow-ids';
import { OVERVIEW_ACTIONS } from '../../search';
import { useIntegrationNames } from '../integrations/use-integration-names';
import { OperationModal, type Work } from './OperationModal';
import { OverviewState } from './OverviewsPage';
import { StartButtons, useSyncRefusal } from './StartButtons';

type Overview = Schemas['SyncOverview'];
type Item = Schemas['OverviewItem'];
const route = getRouteApi('/shell/overviews/$overviewId');
const ACTIONS: Record<string, string> = {
  create: 'Create',
  update: 'Update',
  delete: 'Delete',
  not_possible: 'Not possible',
};

export function OverviewPage() {
  const { overviewId } = route.useParams();
  const overview = useQuery(overviewQuery(overviewId));
  const [work, setWork] = useState<Work>();
  const isGone = overview.error !== null && asProblem(overview.error).status === 410;
  return (
    <>
      {isGone ? (
        <NoLongerValid overviewId={overviewId} detail={asProblem(overview.error).detail} />
      ) : (
        <Valid overview={overview} onApply={setWork} />
      )}
      {/* Beside both: the sync that ends makes the overview invalid, and its answer comes a moment after that. */}
      {work !== undefined && <OperationModal work={work} onClose={() => setWork(undefined)} />}
    </>
  );
}

function Valid({ overview, onApply }: { overview: UseQueryResult<Overview>; onApply: (work: Work) => void }) {
  const { overviewId } = route.useParams();
  const { nameOf } = useIntegrationNames();
  const { data } = overview;
  return (
    <Page
      title="Sync Overview"
      badge={data && <OverviewState overview={data} size="lg" />}
      subtitle={
        data && (
          <>
            {nameOf(data.integration_id)} · asked for by {toActor(data.requested_by)}{' '}
            <Instant at={data.requested_at} />
            {data.generated_at !== null && (
              <>
                {' '}
                · as of <Instant at={data.generated_at} />
              </>
            )}
            {data.expires_at !== null && (
              <>
                {' '}
                · valid until another is made or a sync runs, and <Instant at={data.expires_at} /> at the
                latest
              </>
            )}
          </>
        )
      }
      actions={
        <>
          <CopyAsCurl path={`/overviews/${overviewId}`} />
          <WorkflowLinks of={[{ title: 'This overview', workflowId: overviewWorkflowId(overviewId) }]} />
          {data && <Apply overview={data} onApply={onApply} />}
        </>
      }
    >
      <Read query={overview}>
        {(shown) => (
          <Stack gap="lg">
            <Counts overview={shown} />
            {shown.state === 'ready' ? (
              <Items overviewId={shown.id} />
            ) : (
              <Empty
                title={
                  shown.state === 'failed' || shown.state === 'canceled'
                    ? 'It could not be made'
                    : 'It is being made'
                }
              >
                {shown.state === 'failed'
                  ? 'What could not be read is named above. An overview that cannot see everything shows nothing.'
                  : 'This page follows it.'}
              </Empty>
            )}
          </Stack>
        )}
      </Read>
    </Page>
  );
}

function Apply({ overview, onApply }: { overview: Overview; onApply: (work: Work) => void }) {
  const { data: integrations = [] } = useQuery(integrationsQuery);
  const integration = integrations.find(({ id }) => id === overview.integration_id);
  const refusal =
    useSyncRefusal(integration) ?? (overview.state === 'ready' ? undefined : 'It is not ready.');
  const { ask, dialogue } = useConfirm();
  const total = overview.datasets.reduce(
    (sum, { creates, updates, deletes }) => sum + creates + updates + deletes,
    0,
  );
  return (
    <>
      <ActionButton
        leftSection={<Zap size={16} aria-hidden />}
        refusal={refusal ?? (total === 0 ? 'Both sides hold the same already.' : undefined)}
        onClick={() =>
          ask({
            title: 'Sync Now from this overview?',
            body: `Exactly what it shows is done: ${plural(total, 'record')}. What has changed since is skipped and listed in the Sync Log.`,
            confirm: 'Sync Now',
            act: () => integration && onApply({ kind: 'sync_now', integration, overviewId: overview.id }),
          })
        }
      >
        Sync Now
      </ActionButton>
      {dialogue}
    </>
  );
}

const COUNTS = ['creates', 'updates', 'deletes', 'not_possible', 'unchanged'] as const;
const WAYS: Record<string, string> = { pull: 'read from there', push: 'sent there' };

function Counts({ overview }: { overview: Overview }) {
  return (
    <Table.ScrollContainer minWidth={300} type="native" tabIndex={0} role="region" aria-label="Counts">
      <Table aria-label="Counts">
        <Table.Thead>
          <Table.Tr>
            <Table.Th scope="col">Records</Table.Th>
            <Table.Th scope="col">State</Table.Th>
            {COUNTS.map((name) => (
              <Table.Th key={name} scope="col" className="figures">
                {toWords(name)}
              </Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {overview.datasets.map((dataset) => (
            <Table.Tr key={dataset.record_type + dataset.direction}>
              <Table.Td>
                <Text size="sm" fw={600}>
                  {toWords(dataset.record_type)}
                </Text>
                <Text size="xs" c="dimmed">
                  {WAYS[dataset.direction]}
                  {dataset.compared_with === 'last_push'
                    ? '; compared with what was pushed last, for this app cannot be read'
                    : ''}
                </Text>
                {dataset.error !== null && (
                  <Text size="sm" c="var(--mantine-color-error)">
                    {dataset.error.message}
                  </Text>
                )}
              </Table.Td>
              <Table.Td>
                <StatusBadge status={dataset.state} />
              </Table.Td>
              {COUNTS.map((name) => (
                <Table.Td
                  key={name}
                  className="figures"
                  {...(name === 'unchanged' || dataset[name] === 0 ? {} : { fw: 700 })}
                >
                  {toNumber(dataset[name])}
                </Table.Td>
              ))}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

function Items({ overviewId }: { overviewId: string }) {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const items = useInfiniteQuery(overviewItemsQuery(overviewId, search));
  const [words, setWords] = useState(search.q ?? '');
  const filter = (change: Partial<typeof search>) =>
    void navigate({ search: (before) => ({ ...before, ...change }), replace: true });
  const look = useDebouncedCallback((q: string) => filter({ q: q === '' ? undefined : q }), 250);
  const columns: Column<Item>[] = [
    {
      title: 'Record',
      cell: (item) => (
        <>
          {item.external_id === null || item.record_id === null ? (
            <Text size="sm">{toShortId(item.external_id ?? item.remote_id ?? '')}</Text>
          ) : (
            <RouterLink
              to="/records/$recordType/$externalId"
              params={{ recordType: item.record_type, externalId: item.external_id }}
            >
              {toShortId(item.external_id)}
            </RouterLink>
          )}
          <Text size="xs" c="dimmed">
            {toWords(item.record_type)}, {WAYS[item.direction]}
          </Text>
        </>
      ),
    },
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
  return (
    <Section title="Record by record">
      <Group align="flex-end" role="search">
        <TextInput
          label="Search"
          type="search"
          leftSection={<Search size={14} aria-hidden />}
          value={words}
          onChange={(event) => {
            setWords(event.currentTarget.value);
            look(event.currentTarget.value.trim());
          }}
        />
        <Select
          label="Action"
          placeholder="Any"
          clearable
          w={170}
          data={OVERVIEW_ACTIONS.map((value) => ({ value, label: ACTIONS[value] ?? value }))}
          value={search.action ?? null}
          onChange={(action) => filter({ action: action ?? undefined })}
          clearButtonProps={{ 'aria-label': 'Any action' }}
        />
      </Group>
      <ListTable
        label="What Sync Now would do"
        query={items}
        columns={columns}
        rowKey={(item) => item.id}
        empty={<Empty title="Nothing to do">Both sides hold the same, or no record fits the filter.</Empty>}
      />
    </Section>
  );
}

function Difference({ item }: { item: Item }) {
  const names = [...new Set([...Object.keys(item.before ?? {}), ...Object.keys(item.after ?? {})])];
  return (
    <Stack gap={2}>
      {item.reason !== null && <Text size="sm">{item.reason}</Text>}
      {names.map((name) => (
        <Text key={name} size="sm">
          {toWords(name)}: {item.action !== 'create' && <del>{toText(item.before?.[name]) || 'nothing'}</del>}
          {item.action !== 'create' && item.action !== 'delete' && ' → '}
          {item.action !== 'delete' && <ins>{toText(item.after?.[name]) || 'nothing'}</ins>}
        </Text>
      ))}
    </Stack>
  );
}

/** Why the snapshot is gone, and the way on (rules.md 20). */
function NoLongerValid({ overviewId, detail }: { overviewId: string; detail: string }) {
  const { data } = useInfiniteQuery(overviewsQuery({}));
  const { data: integrations = [] } = useQuery(integrationsQuery);
  const row = data?.pages.flatMap((page) => page.data).find(({ id }) => id === overviewId);
  const integration = integrations.find(({ id }) => id === row?.integration_id);
  const invalid = row?.invalid;
  return (
    <Page title="Sync Overview data no longer valid">
      <Alert color="orange" variant="light" icon={<History aria-hidden />}>
        <Stack gap="xs">
          <Text size="sm">{invalid?.message ?? detail}</Text>
          {invalid !== undefined && invalid !== null && (
            <Text size="sm" component="div">
              <Instant at={invalid.at} />
              {invalid.by === null ? '' : `, by ${toActor(invalid.by)}`}
            </Text>
          )}
          <Group>
            {invalid?.overview_id != null && (
              <RouterLink
                to="/overviews/$overviewId"
                params={{ overviewId: invalid.overview_id }}
                underline="always"
              >
                The overview that replaced it
              </RouterLink>
            )}
            {invalid?.sync_run_id != null && (
              <RouterLink
                to="/sync-runs/$syncRunId"
                params={{ syncRunId: invalid.sync_run_id }}
                underline="always"
              >
                The Sync Log
              </RouterLink>
            )}
            <RouterLink to="/overviews" underline="always">
              All overviews
            </RouterLink>
          </Group>
        </Stack>
      </Alert>
      {integration !== undefined && (
        <Section title="Run a new Sync Overview" hint="To see what Sync Now would do as things are now.">
          <Group>
            <StartButtons integration={integration} />
          </Group>
        </Section>
      )}
    </Page>
  );
}
