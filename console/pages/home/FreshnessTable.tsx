import { useQuery } from '@tanstack/react-query';
import type { Schemas } from '../../api/client';
import { integrationsQuery } from '../../api/queries';
import { toSigned } from '../../common/formatting';
import { RouterLink } from '../../common/RouterLink';
import { type Column, RowsTable } from '../../common/RowsTable';
import { StatusBadge } from '../../common/StatusBadge';
import { Instant } from '../../common/Time';

type Freshness = Schemas['SyncSummary']['integrations'][number];
interface Row extends Freshness {
  integration: Schemas['Integration'];
}

const columns: Column<Row>[] = [
  {
    title: 'App',
    cell: ({ integration: { id, app, account_name: account } }) => (
      <RouterLink to="/integrations/$integrationId" params={{ integrationId: id }} fw={600}>
        {app} ({account})
      </RouterLink>
    ),
  },
  { title: 'State', from: 'sm', cell: ({ integration }) => <StatusBadge status={integration.state} /> },
  { title: 'Last successful sync', cell: (row) => <LastSync row={row} /> },
  { title: 'Next run', from: 'sm', cell: (row) => <NextRun row={row} /> },
  { title: 'Difference', from: 'md', isFigure: true, cell: (row) => <Difference row={row} /> },
];

/** A row per integration: state, last successful sync, next run, and the difference in records. */
export function FreshnessTable({ summary }: { summary: Schemas['SyncSummary'] }) {
  const { data: integrations = [] } = useQuery(integrationsQuery);
  const rows = summary.integrations.flatMap((freshness): Row[] => {
    const integration = integrations.find(({ id }) => id === freshness.integration_id);
    return integration === undefined ? [] : [{ ...freshness, integration }];
  });
  return (
    <RowsTable label="Integrations" columns={columns} rows={rows} rowKey={(row) => row.integration_id} />
  );
}

function LastSync({ row }: { row: Row }) {
  if (!row.is_pulled) return <>Push only</>;
  return (
    <RouterLink to="/sync-runs" search={{ integration_id: row.integration_id }}>
      <Instant at={row.last_succeeded_at} relative none="never" />
    </RouterLink>
  );
}

function NextRun({ row }: { row: Row }) {
  if (!row.is_pulled) return <>–</>;
  if (row.next_run === null) return <>none scheduled</>;
  return (
    <>
      <Instant at={row.next_run.at} relative /> ({row.next_run.schedule})
    </>
  );
}

function Difference({ row }: { row: Row }) {
  if (!row.is_pulled) return <>–</>;
  return (
    <RouterLink to="/sync-status" search={{ integration_id: row.integration_id }}>
      {toSigned(row.difference)}
    </RouterLink>
  );
}
