import { Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import type { Schemas } from '../../api/client';
import { syncJobsQuery, syncRunQuery } from '../../api/queries';
import { CopyAsCurl } from '../../common/CopyAsCurl';
import { RUN_KINDS, toActor } from '../../common/formatting';
import { Page } from '../../common/Page';
import { RouterLink } from '../../common/RouterLink';
import { Read } from '../../common/States';
import { Instant } from '../../common/Time';
import { syncRunsWorkflowId } from '../../common/workflow-ids';
import { WorkflowLinks } from '../../common/WorkflowLinks';
import { useIntegrationNames } from '../integrations/use-integration-names';
import { CancelRun } from './CancelRun';
import { Jobs } from './Jobs';
import { DeletionsToReview, RecordErrors, RunChanges } from './RunDetails';
import { RunFigures } from './RunFigures';
import { RunNotes } from './RunNotes';
import { RunState } from './SyncRunTable';

type SyncRun = Schemas['SyncRun'];
const route = getRouteApi('/shell/sync-runs/$syncRunId');
const SCOPES: Record<string, string> = {
  modified: 'modified records',
  last_day: 'records modified in the last day',
  full: 'all records, including deletions',
};

export function SyncLogPage() {
  const { syncRunId } = route.useParams();
  const run = useQuery(syncRunQuery(syncRunId));
  const { data } = run;
  return (
    <Page
      title={data === undefined ? 'Sync Log' : (RUN_KINDS[data.kind] ?? data.kind)}
      badge={data && <RunState run={data} size="lg" />}
      subtitle={data && <Subtitle run={data} />}
      actions={
        <>
          <CopyAsCurl path={`/sync-runs/${syncRunId}`} />
          {data && <RunActions run={data} />}
        </>
      }
    >
      <Read query={run}>{(shown) => <Content run={shown} />}</Read>
    </Page>
  );
}

function Subtitle({ run }: { run: SyncRun }) {
  const { nameOf } = useIntegrationNames();
  return (
    <>
      <RouterLink
        to="/integrations/$integrationId"
        params={{ integrationId: run.integration_id }}
        inherit
        underline="always"
      >
        {nameOf(run.integration_id)}
      </RouterLink>{' '}
      · {SCOPES[run.scope]} · requested by {toActor(run.started_by)} <Instant at={run.requested_at} />
    </>
  );
}

function RunActions({ run }: { run: SyncRun }) {
  const workflowId = syncRunsWorkflowId(run.integration_id);
  return (
    <>
      <WorkflowLinks of={[{ title: 'Sync runs of the integration', workflowId }]} />
      <CancelRun run={run} />
    </>
  );
}

function Content({ run }: { run: SyncRun }) {
  const jobs = useQuery(syncJobsQuery(run.id));
  return (
    <Stack gap="lg">
      <RunNotes run={run} />
      <RunFigures run={run} />
      <Read query={jobs} rows={4}>
        {(shown) => <Jobs jobs={shown} />}
      </Read>
      <DeletionsToReview runId={run.id} integrationId={run.integration_id} />
      <RecordErrors runId={run.id} />
      <RunChanges runId={run.id} />
      <Text size="xs" c="dimmed">
        {run.id}
      </Text>
    </Stack>
  );
}
