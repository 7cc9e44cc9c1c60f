import { Progress, Text } from '@mantine/core';
import type { UseInfiniteQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import type { Schemas } from '../../api/client';
import { RUN_KINDS, toActor, toNumber } from '../../common/formatting';
import { type Column, ListTable } from '../../common/ListTable';
import { RouterLink } from '../../common/RouterLink';
import { RowsTable } from '../../common/RowsTable';
import { Empty } from '../../common/States';
import { StatusBadge } from '../../common/StatusBadge';
import { Instant } from '../../common/Time';
import { toClock, toDuration, useNow } from '../../common/time';
import { useIntegrationNames } from '../integrations/use-integration-names';

type SyncRun = Schemas['SyncRun'];

const NO_RUNS = (
  <Empty title="No sync runs yet">
    Sync runs start when an app with records to import is connected, then hourly and nightly.
  </Empty>
);
const idOf = (run: SyncRun): string => run.id;

interface SyncRunTableProps {
  query: UseInfiniteQueryResult<{ pages: { data: SyncRun[]; next_cursor: string | null }[] }>;
  withApp?: boolean;
  empty?: ReactNode;
}

/** A row per run: its kind, who requested it, and its result. */
export function SyncRunTable({ query, withApp = true, empty = NO_RUNS }: SyncRunTableProps) {
  const { nameOf } = useIntegrationNames();
  const columns = withApp ? [KIND, appColumn(nameOf), ...RESULT] : [KIND, ...RESULT];
  return <ListTable label="Sync runs" query={query} columns={columns} rowKey={idOf} empty={empty} />;
}

/** The newest runs, without paging. */
export function RecentSyncRuns({ runs }: { runs: readonly SyncRun[] }) {
  const { nameOf } = useIntegrationNames();
  if (runs.length === 0) return NO_RUNS;
  const columns = [KIND, appColumn(nameOf), ...RESULT];
  return <RowsTable label="Sync runs" columns={columns} rows={runs} rowKey={idOf} />;
}

const KIND: Column<SyncRun> = {
  title: 'Run',
  cell: (run) => (
    <>
      <RouterLink to="/sync-runs/$syncRunId" params={{ syncRunId: run.id }} fw={600}>
        {RUN_KINDS[run.kind] ?? run.kind}
      </RouterLink>
      <Text size="xs" c="dimmed">
        by {toActor(run.started_by)}
      </Text>
    </>
  ),
};

const appColumn = (nameOf: (integrationId: string) => string): Column<SyncRun> => ({
  title: 'App',
  from: 'sm',
  cell: (run) => nameOf(run.integration_id),
});

const RESULT: Column<SyncRun>[] = [
  { title: 'State', cell: (run) => <RunState run={run} /> },
  { title: 'Requested', from: 'sm', cell: (run) => <Instant at={run.requested_at} /> },
  { title: 'Duration', from: 'lg', isFigure: true, cell: (run) => <RunTime run={run} /> },
  { title: 'Read', from: 'md', isFigure: true, cell: ({ progress }) => toNumber(progress.records_read) },
  {
    title: 'New · changed · deleted',
    from: 'lg',
    isFigure: true,
    cell: ({ progress: { records_new: created, records_changed: changed, records_deleted: deleted } }) =>
      [created, changed, deleted].map(toNumber).join(' · '),
  },
  { title: 'Failed', from: 'md', isFigure: true, cell: ({ progress }) => toNumber(progress.records_failed) },
];

export function RunState({ run, size }: { run: SyncRun; size?: string }) {
  const { records_read: read, expected_records: expected } = run.progress;
  return (
    <>
      <StatusBadge status={run.state} {...(size === undefined ? {} : { size })} />
      {run.state === 'running' && expected !== null && expected > 0 && (
        <Progress
          mt={4}
          w={120}
          size="sm"
          value={Math.min(100, (100 * read) / expected)}
          aria-label={`${toNumber(read)} of ${toNumber(expected)} records`}
        />
      )}
    </>
  );
}

export function RunTime({ run }: { run: SyncRun }) {
  if (run.started_at === null) return <>–</>;
  if (run.finished_at === null) return <ElapsedTime since={run.started_at} />;
  return <>{toDuration(Date.parse(run.finished_at) - Date.parse(run.started_at))}</>;
}

function ElapsedTime({ since }: { since: string }) {
  return <>{toClock(useNow() - Date.parse(since))}</>;
}
