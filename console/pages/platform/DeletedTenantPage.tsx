import { Alert, Button, Loader, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Download } from 'lucide-react';
import type { Schemas } from '../../api/client';
import { tenantDeletionQuery } from '../../api/platform-queries';
import { CopyAsCurl } from '../../common/CopyAsCurl';
import { plural } from '../../common/formatting';
import { Page } from '../../common/Page';
import { Section } from '../../common/Section';
import { Read } from '../../common/States';
import { StatusBadge } from '../../common/StatusBadge';
import { Instant } from '../../common/Time';
import { useIsInUse } from '../../session/use-is-in-use';
import { RowCounts } from '../erasures/RowCounts';

type Deletion = Schemas['TenantDeletion'];

const READ_AGAIN_MS = 2_000;
const PROGRESS: Record<Exclude<Deletion['state'], 'done'>, string> = {
  ending: 'The work of the tenant is ending. Its rows are deleted from half a minute after the request on.',
  removing:
    'Rows are being deleted. The last pass begins 15 minutes after the request. You can leave this page; the ' +
    'work continues.',
};

/** The progress of the deletion of a tenant, then its receipt (rules.md 62). */
export function DeletedTenantPage({ tenantId }: { tenantId: string }) {
  const isInUse = useIsInUse();
  const deletion = useQuery({
    ...tenantDeletionQuery(tenantId),
    refetchInterval: ({ state: { data } }) => isInUse && data?.state !== 'done' && READ_AGAIN_MS,
  });
  const { data } = deletion;
  return (
    <Page
      title="Deleted tenant"
      subtitle={tenantId}
      badge={data && <DeletionBadge state={data.state} />}
      actions={
        <>
          <CopyAsCurl path={`/tenants/${tenantId}/deletion`} keyVariable="PLATFORM_KEY" />
          {data?.state === 'done' && <DownloadReceipt tenantId={tenantId} />}
        </>
      }
    >
      <Read query={deletion}>
        {(shown) => (
          <>
            {shown.state !== 'done' && (
              <Alert variant="light" color="blue" icon={<Loader size="xs" aria-hidden />} role="status">
                {PROGRESS[shown.state]}
              </Alert>
            )}
            <Section title="Receipt" hint={<Subtitle deletion={shown} />}>
              <Subscriptions ended={shown.webhook_subscriptions} />
              <RowCounts counts={shown.deleted_rows} figure="Deleted" />
            </Section>
          </>
        )}
      </Read>
    </Page>
  );
}

function DeletionBadge({ state }: Pick<Deletion, 'state'>) {
  return state === 'done' ? (
    <StatusBadge status="succeeded" size="lg" label="Deleted" />
  ) : (
    <StatusBadge status="running" size="lg" label={state === 'ending' ? 'Ending' : 'Deleting'} />
  );
}

function Subtitle({ deletion }: { deletion: Deletion }) {
  const { requested_at: requestedAt, finished_at: finishedAt, request_id: requestId } = deletion;
  return (
    <>
      Requested <Instant at={requestedAt} />, request {requestId}.
      {finishedAt !== null && (
        <>
          {' '}
          Completed <Instant at={finishedAt} />.
        </>
      )}
    </>
  );
}

function Subscriptions({ ended }: { ended: Deletion['webhook_subscriptions'] }) {
  if (ended === null || ended.canceled + ended.left === 0) return null;
  const of = (count: number): string => plural(count, 'integration');
  return (
    <Text size="sm">
      Webhook subscriptions of {of(ended.canceled)} were canceled at the apps.
      {ended.left > 0 &&
        ` Those of ${of(ended.left)} are left: they end by themselves, or an admin of the app removes them.`}
    </Text>
  );
}

function DownloadReceipt({ tenantId }: { tenantId: string }) {
  return (
    <Button
      component="a"
      href={`/console/v1/tenants/${tenantId}/deletion`}
      download={`deletion-receipt-${tenantId}.json`}
      variant="default"
      leftSection={<Download size={16} aria-hidden />}
    >
      Download receipt
    </Button>
  );
}
