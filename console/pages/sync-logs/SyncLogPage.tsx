import { Alert, Select, SimpleGrid, Stack, Text } from '@mantine/core';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { Ban, Clock } from 'lucide-react';
import { useState } from 'react';
import { answerOf, api, type Schemas } from '../../api/client';
import {
  deletionReviewsQuery,
  syncJobsQuery,
  syncRunChangesQuery,
  syncRunErrorsQuery,
  syncRunQuery,
} from '../../api/queries';
import { ActionButton } from '../../common/ActionButton';
import { useConfirm } from '../../common/Confirm';
import { CopyAsCurl } from '../../common/CopyAsCurl';
import { type Column, ListTable } from '../../common/ListTable';
import { Page } from '../../common/Page';
import { Section } from '../../common/Section';
import { Empty, Read } from '../../common/States';
import { Countdown, Instant } from '../../common/Time';
import { useAction } from '../../common/use-action';
import { plural, RUN_KINDS, toActor, toNumber, toShortId, toWords } from '../../common/formatting';
import { WorkflowLinks } from '../../common/WorkflowLinks';
import { syncRunsWorkflowId } from '../../common/workflow-ids';
import { useRefusal } from '../../session/session';
import { useIntegrationNames } from '../integrations/use-integration-names';
import { Jobs } from './Jobs';
import { RunState, RunTime } from './SyncRunTable';
import { RouterLink } from '../../common/RouterLink';

const route = getRouteApi('/shell/sync-runs/$syncRunId');
const SCOPES: Record<string, string> = {
  modified: 'modified records',
  last_day: 'records modified in the past day',
  full: 'all records, deleted ones noticed',
};

export function SyncLogPage() {
  const { syncRunId } = route.useParams();
  const run = useQuery(syncRunQuery(syncRunId));
  const jobsOfRun = useQuery(syncJobsQuery(syncRunId));
  const { nameOf } = useIntegrationNames();
  const { data } = run;
  return (
    <Page
      title={data === undefined ? 'Sync Log' : (RUN_KINDS[data.kind] ?? data.kind)}
      badge={data && <RunState run={data} size="lg" />}
      subtitle={
        data && (
          <>
            <RouterLink
              to="/integrations/$integrationId"
              params={{ integrationId: data.integration_id }}
              inherit
              underline="always"
            >
              {nameOf(data.integration_id)}
            </RouterLink>{' '}
            · {SCOPES[data.scope]} · asked for by {toActor(data.started_by)}{' '}
            <Instant at={data.requested_at} />
          </>
        )
      }
      actions={
        <>
          <CopyAsCurl path={`/sync-runs/${syncRunId}`} />
          {data && (
            <WorkflowLinks
              of={[
                {
                  title: 'Sync runs of the integration',
                  workflowId: syncRunsWorkflowId(data.integration_id),
                },
              ]}
            />
          )}
          {data && <CancelRun run={data} />}
        </>
      }
    >
      <Read query={run}>
        {(shown) => (
          <Stack gap="lg">
            <Notes run={shown} />
            <Figures run={shown} />
            <Read query={jobsOfRun} rows={4}>
              {(jobs) => <Jobs jobs={jobs} />}
            </Read>
            <ParkedDeletions runId={shown.id} integrationId={shown.integration_id} />
            <RecordErrors runId={shown.id} />
            <Changes runId={shown.id} />
            <Text size="xs" c="dimmed">
              {shown.id}
            </Text>
          </Stack>
        )}
      </Read>
    </Page>
  );
}

function CancelRun({ run }: { run: Schemas['SyncRun'] }) {
  const { ask, dialogue } = useConfirm();
  const refusal = useRefusal('operator');
  const cancel = useAction({
    run: () =>
      answerOf(api.POST('/v1/sync-runs/{sync_run_id}/cancel', { params: { path: { sync_run_id: run.id } } })),
    done: 'The run is being canceled. What it has read stays.',
    changes: ['sync-runs'],
  });
  const why =
    refusal ??
    (run.is_sync_finished
      ? 'The run has ended.'
      : run.cancel_requested_at === null
        ? undefined
        : 'It is being canceled.');
  return (
    <>
      <ActionButton
        variant="default"
        leftSection={<Ban size={16} aria-hidden />}
        refusal={why}
        loading={cancel.isPending}
        onClick={() =>
          ask({
            title: 'Cancel this run?',
            body: `It has read ${plural(run.progress.records_read, 'record')} so far; what it has written stays. Deletions are noticed by the next full sync.`,
            confirm: 'Cancel the run',
            isDangerous: true,
            act: () => cancel.mutate(),
          })
        }
      >
        Cancel run
      </ActionButton>
      {dialogue}
    </>
  );
}

function Notes({ run }: { run: Schemas['SyncRun'] }) {
  return (
    <>
      {run.cancel_requested_at !== null && (
        <Alert variant="light" color="gray" icon={<Ban aria-hidden />}>
          {run.is_sync_finished ? 'Canceled' : 'Being canceled'} by {toActor(run.canceled_by ?? '')}, asked{' '}
          <Instant at={run.cancel_requested_at} />.
        </Alert>
      )}
      {run.state === 'waiting' && (
        <Alert variant="light" color="yellow" icon={<Clock aria-hidden />}>
          It waits and goes on by itself; the jobs below say for what.
        </Alert>
      )}
      {run.follows_sync_run_id !== null && (
        <Text size="sm">
          It follows{' '}
          <RouterLink
            to="/sync-runs/$syncRunId"
            params={{ syncRunId: run.follows_sync_run_id }}
            underline="always"
          >
            another run
          </RouterLink>
          , which was under way when more was asked for.
        </Text>
      )}
    </>
  );
}

function Figures({ run }: { run: Schemas['SyncRun'] }) {
  const { progress } = run;
  const figures: [string, React.ReactNode][] = [
    [
      'Read',
      progress.expected_records === null || run.is_sync_finished
        ? toNumber(progress.records_read)
        : `${toNumber(progress.records_read)} of ${toNumber(progress.expected_records)}`,
    ],
    ['New', toNumber(progress.records_new)],
    ['Changed', toNumber(progress.records_changed)],
    ['Deleted', toNumber(progress.records_deleted)],
    ['Unchanged', toNumber(progress.records_unchanged)],
    ['Failed', toNumber(progress.records_failed)],
    ['Took', <RunTime key="took" run={run} />],
    [
      'Ended',
      run.finished_at === null ? (
        progress.estimated_end_at === null ? (
          'not yet'
        ) : (
          <>
            about <Countdown to={progress.estimated_end_at} /> left
          </>
        )
      ) : (
        <Instant key="ended" at={run.finished_at} />
      ),
    ],
  ];
  return (
    <SimpleGrid cols={{ base: 2, sm: 4 }} component="dl" m={0}>
      {figures.map(([name, figure]) => (
        <div key={name}>
          <Text size="sm" c="dimmed" component="dt">
            {name}
          </Text>
          <Text fw={600} size="lg" component="dd" m={0}>
            {figure}
          </Text>
        </div>
      ))}
    </SimpleGrid>
  );
}

function ParkedDeletions({ runId, integrationId }: { runId: string; integrationId: string }) {
  const { data } = useInfiniteQuery(deletionReviewsQuery({ integration_id: integrationId }));
  const reviews =
    data?.pages.flatMap((page) => page.data).filter((review) => review.sync_run_id === runId) ?? [];
  return reviews.map((review) => (
    <Alert
      key={review.id}
      variant="light"
      color="orange"
      title={`${plural(review.records_parked, 'deletion')} of ${toWords(review.record_type).toLowerCase()} parked`}
    >
      So many at once may be a mistake there.{' '}
      <RouterLink
        to="/deletion-reviews/$deletionReviewId"
        params={{ deletionReviewId: review.id }}
        inherit
        underline="always"
      >
        {review.state === 'pending' ? 'Look at them and decide' : 'See what was decided'}
      </RouterLink>
    </Alert>
  ));
}

function RecordErrors({ runId }: { runId: string }) {
  const errors = useInfiniteQuery(syncRunErrorsQuery(runId));
  if (errors.data?.pages[0]?.data.length === 0) return null;
  const columns: Column<Schemas['SyncRecordError']>[] = [
    { title: 'Record', cell: (error) => `${toWords(error.record_type)} ${error.remote_id ?? ''}` },
    { title: 'What is wrong', cell: (error) => error.message },
    { title: 'When', from: 'sm', cell: (error) => <Instant at={error.at} /> },
  ];
  return (
    <Section title="Records that could not be kept as they are">
      <ListTable label="Errors" query={errors} columns={columns} rowKey={(error) => error.id} empty={null} />
    </Section>
  );
}

function Changes({ runId }: { runId: string }) {
  const [change, setChange] = useState<'created' | 'updated' | 'deleted'>();
  const changes = useInfiniteQuery(syncRunChangesQuery(runId, { change }));
  const columns: Column<Schemas['SyncRunChange']>[] = [
    {
      title: 'Record',
      cell: (row) => (
        <RouterLink
          to="/records/$recordType/$externalId"
          params={{ recordType: row.record_type, externalId: row.external_id }}
        >
          {toWords(row.record_type)} {toShortId(row.external_id)}
        </RouterLink>
      ),
    },
    {
      title: 'Change',
      cell: (row) => (row.was_deleted && row.change !== 'deleted' ? 'Came back' : toWords(row.change)),
    },
    { title: 'Fields', from: 'sm', cell: (row) => row.fields.map(toWords).join(', ') },
    { title: 'When', from: 'md', cell: (row) => <Instant at={row.at} /> },
  ];
  return (
    <Section
      title="Changes"
      hint="What this run wrote here."
      actions={
        <Select
          aria-label="Kind of change"
          placeholder="All changes"
          clearable
          w={160}
          data={['created', 'updated', 'deleted'].map((value) => ({ value, label: toWords(value) }))}
          value={change ?? null}
          onChange={(value) => setChange((value as typeof change) ?? undefined)}
          clearButtonProps={{ 'aria-label': 'All changes' }}
        />
      }
    >
      <ListTable
        label="Changes"
        query={changes}
        columns={columns}
        rowKey={(row) => row.record_id + row.at + row.change}
        empty={<Empty title="Nothing was different">Both sides held the same already.</Empty>}
      />
    </Section>
  );
}
