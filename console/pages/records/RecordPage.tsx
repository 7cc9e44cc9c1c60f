import { Alert, SimpleGrid, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { Info, Trash2 } from 'lucide-react';
import { asProblem } from '../../api/client';
import { recordQuery } from '../../api/queries';
import { CopyAsCurl } from '../../common/CopyAsCurl';
import { Page } from '../../common/Page';
import { RouterLink } from '../../common/RouterLink';
import { Section } from '../../common/Section';
import { Empty, Read } from '../../common/States';
import { RecordBadge } from '../../common/StatusBadge';
import { Instant } from '../../common/Time';
import { toActor, toShortId } from '../../common/formatting';
import { useRecordTypeLabel } from '../../shell/record-types';
import { useIntegrationNames } from '../integrations/use-integration-names';
import { PushHistory } from './PushHistory';
import { RecordFields } from './RecordFields';
import { RecordSyncCard } from './RecordSyncCard';
import { toRecordName } from './record-name';

const route = getRouteApi('/shell/records/$recordType/$externalId');

export function RecordPage() {
  const { recordType, externalId } = route.useParams();
  const label = useRecordTypeLabel(recordType);
  const record = useQuery(recordQuery(recordType, externalId));
  const { data } = record;
  const { nameOf } = useIntegrationNames();
  const integrationId = /^integration:(.+)/.exec(data?.changed_by ?? '')?.[1];
  if (record.error && data === undefined && asProblem(record.error).status === 404)
    return (
      <Page title={toShortId(externalId)}>
        <Empty
          title="There is no such record"
          action={
            <RouterLink to="/records/$recordType" params={{ recordType }} underline="always">
              All {label.toLowerCase()}
            </RouterLink>
          }
        >
          The address may be mistyped, or it never came here.
        </Empty>
      </Page>
    );
  return (
    <Page
      title={data === undefined ? toShortId(externalId) : toRecordName(data)}
      badge={data && <RecordBadge badge={data.badge} isRead={integrationId !== undefined} isWhole />}
      subtitle={
        data && (
          <>
            {label} · {toShortId(data.external_id)} · version {data.version} · changed{' '}
            <Instant at={data.changed_at} relative />{' '}
            {integrationId === undefined ? `by ${toActor(data.changed_by)}` : `in ${nameOf(integrationId)}`}
          </>
        )
      }
      actions={<CopyAsCurl path={`/records/${recordType}/${encodeURIComponent(externalId)}`} />}
    >
      <Read query={record}>
        {(shown) => (
          <Stack gap="lg">
            {shown.is_deleted && (
              <Alert
                color="orange"
                variant="light"
                icon={<Trash2 aria-hidden />}
                title="This record is deleted"
              >
                What becomes of it at a third party is set in its mapping. It comes back when your product
                sends it again.
              </Alert>
            )}
            {shown.is_partial && (
              <Alert color="blue" variant="light" icon={<Info aria-hidden />}>
                These records are being onboarded and cannot be changed until all of them are here.
              </Alert>
            )}
            <Section title="Third parties" hint="Each third party has its own status for this record.">
              {shown.syncs.length === 0 ? (
                <Empty title="Synced to no third party">No integration maps this type of record.</Empty>
              ) : (
                <SimpleGrid cols={{ base: 1, lg: 2 }}>
                  {shown.syncs.map((sync) => (
                    <RecordSyncCard key={sync.integration_id} record={shown} sync={sync} />
                  ))}
                </SimpleGrid>
              )}
            </Section>
            <RecordFields key={shown.id} record={shown} />
            <PushHistory recordType={recordType} externalId={externalId} />
            <Text size="xs" c="dimmed">
              {shown.id} · created <Instant at={shown.created_at} />
            </Text>
          </Stack>
        )}
      </Read>
    </Page>
  );
}
