import { Stack } from '@mantine/core';
import { useQuery, type UseQueryResult } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useState } from 'react';
import { asProblem, type Schemas } from '../../api/client';
import { overviewQuery } from '../../api/queries';
import { CopyAsCurl } from '../../common/CopyAsCurl';
import { toActor } from '../../common/formatting';
import { Page } from '../../common/Page';
import { Empty, Read } from '../../common/States';
import { Instant } from '../../common/Time';
import { overviewWorkflowId } from '../../common/workflow-ids';
import { WorkflowLinks } from '../../common/WorkflowLinks';
import { useIntegrationNames } from '../integrations/use-integration-names';
import { ApplyOverview } from './ApplyOverview';
import { InvalidOverview } from './InvalidOverview';
import { OperationModal, type RequestedOperation } from './OperationModal';
import { OverviewCounts } from './OverviewCounts';
import { OverviewItems } from './OverviewItems';
import { OverviewState } from './OverviewState';

type Overview = Schemas['SyncOverview'];
const route = getRouteApi('/shell/overviews/$overviewId');

export function OverviewPage() {
  const { overviewId } = route.useParams();
  const overview = useQuery(overviewQuery(overviewId));
  const [requested, setRequested] = useState<RequestedOperation>();
  const isGone = overview.error !== null && asProblem(overview.error).status === 410;
  return (
    <>
      {isGone ? (
        <InvalidOverview overviewId={overviewId} detail={asProblem(overview.error).detail} />
      ) : (
        <ValidOverview overview={overview} onApply={setRequested} />
      )}
      {/* Outside of both: a Sync Now makes the overview invalid shortly before its response arrives. */}
      {requested !== undefined && (
        <OperationModal requested={requested} onClose={() => setRequested(undefined)} />
      )}
    </>
  );
}

interface ValidOverviewProps {
  overview: UseQueryResult<Overview>;
  onApply: (requested: RequestedOperation) => void;
}

function ValidOverview({ overview, onApply }: ValidOverviewProps) {
  const { overviewId } = route.useParams();
  const { data } = overview;
  return (
    <Page
      title="Sync Overview"
      badge={data && <OverviewState overview={data} size="lg" />}
      subtitle={data && <Subtitle overview={data} />}
      actions={
        <>
          <CopyAsCurl path={`/overviews/${overviewId}`} />
          <WorkflowLinks of={[{ title: 'This overview', workflowId: overviewWorkflowId(overviewId) }]} />
          {data && <ApplyOverview overview={data} onApply={onApply} />}
        </>
      }
    >
      <Read query={overview}>
        {(shown) => (
          <Stack gap="lg">
            <OverviewCounts overview={shown} />
            {shown.state === 'ready' ? (
              <OverviewItems overviewId={shown.id} />
            ) : (
              <NotReady state={shown.state} />
            )}
          </Stack>
        )}
      </Read>
    </Page>
  );
}

function Subtitle({ overview }: { overview: Overview }) {
  const { nameOf } = useIntegrationNames();
  const { generated_at: generatedAt, expires_at: expiresAt } = overview;
  return (
    <>
      {nameOf(overview.integration_id)} · requested by {toActor(overview.requested_by)}{' '}
      <Instant at={overview.requested_at} />
      {generatedAt !== null && (
        <>
          {' '}
          · as of <Instant at={generatedAt} />
        </>
      )}
      {expiresAt !== null && (
        <>
          {' '}
          · valid until the next overview or sync, or until <Instant at={expiresAt} />
        </>
      )}
    </>
  );
}

function NotReady({ state }: { state: Overview['state'] }) {
  if (state === 'failed')
    return (
      <Empty title="The overview failed">
        The errors are listed above. An overview needs all records of both sides, so no result is shown.
      </Empty>
    );
  if (state === 'canceled') return <Empty title="The overview was canceled" />;
  return <Empty title="The overview is in progress">This page updates automatically.</Empty>;
}
