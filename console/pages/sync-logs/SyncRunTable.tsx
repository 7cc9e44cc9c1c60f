import { Progress, Text } from '@mantine/core';
import type { UseInfiniteQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import type { Schemas } from '../../api/client';
import { type Column, ListTable } from '../../common/ListTable';
import { StatusBadge } from '../../common/StatusBadge';
import { Instant } from '../../common/Time';
import { toClock, toDuration, useNow } from '../../common/time';
import { RUN_KINDS, toActor, toNumber } from '../../common/formatting';
import { useIntegrationNames } from '../integrations/use-integration-names';
import { RouterLink } from '../../common/RouterLink';

type Run = Schemas['SyncRun'];

interface SyncRunTableProps {
  query: UseInfiniteQueryResult<{ pages: { data: Run[]; next_cursor: string | null }[] }>;
  withApp?: boolean;
  empty: ReactNode;
}

/** One row per run: what it was, who asked for it, what became of it. */
export function SyncRunTable({ query, withApp = true, empty }: SyncRunTableProps) {
  const { nameOf } = useIntegrationNames();
  const columns: Column<Run>[] = [
    {
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
    },
    ...(withApp
      ? [{ title: 'App', from: 'sm', cell: (run: Run) => nameOf(run.integration_id) } satisfies Column<Run>]
      : []),
    { title: 'State', cell: (run) => <RunState run={run} /> },
    { title: 'Asked for', from: 'sm', cell: (run) => <Instant at={run.requested_at} /> },
    { title: 'Took', from: 'lg', isFigure: true, cell: (run) => <RunTime run={run} /> },
    { title: 'Read', from: 'md', isFigure: true, cell: ({ progress }) => toNumber(progress.records_read) },
    {
      title: 'New · changed · deleted',
      from: 'lg',
      isFigure: true,
      cell: ({ progress }) =>
        `${toNumber(progress.records_new)} · ${toNumber(progress.records_changed)} · ${toNumber(progress.records_deleted)}`,
    },
    {
      title: 'Failed',
      from: 'md',
      isFigure: true,
      cell: ({ progress }) => toNumber(progress.records_failed),
    },
  ];
  return (
    <ListTable label="Sync runs" query={query} columns={columns} rowKey={(run) => run.id} empty={empty} />
  );
}

export function RunState({ run, size }: { run: Run; size?: string }) {
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

export function RunTime({ run }: { run: Run }) {
  if (run.started_at === null) return <>–</>;
  if (run.finished_at === null) return <Running since={run.started_at} />;
  return <>{toDuration(Date.parse(run.finished_at) - Date.parse(run.started_at))}</>;
}

function Running({ since }: { since: string }) {
  return <>{toClock(useNow() - Date.parse(since))}</>;
}
