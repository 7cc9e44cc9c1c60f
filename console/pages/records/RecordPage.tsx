import { Alert, SimpleGrid, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { Info, Trash2 } from 'lucide-react';
import { recordQuery } from '../../api/queries';
import { CopyAsCurl } from '../../common/CopyAsCurl';
import { Page } from '../../common/Page';
import { Section } from '../../common/Section';
import { Empty, Read } from '../../common/States';
import { RecordBadge } from '../../common/StatusBadge';
import { Instant } from '../../common/Time';
import { toActor } from '../../common/words';
import { useRecordTypeLabel } from '../../shell/record-types';
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
  return (
    <Page
      title={data === undefined ? externalId : toRecordName(data)}
      badge={data && <RecordBadge badge={data.badge} isWhole />}
      subtitle={
        data && (
          <>
            {label} · {data.external_id} · version {data.version} · changed <Instant at={data.changed_at} relative /> by {toActor(data.changed_by)}
          </>
        )
      }
      actions={<CopyAsCurl path={`/records/${recordType}/${encodeURIComponent(externalId)}`} />}
    >
      <Read query={record}>
        {(shown) => (
          <Stack gap="lg">
            {shown.is_deleted && (
              <Alert color="orange" variant="light" icon={<Trash2 aria-hidden />} title="This record is deleted">
                What becomes of it at a third party is set in its mapping. It comes back when your product sends it again.
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
