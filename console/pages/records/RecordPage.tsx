import { Alert, SimpleGrid, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { Info, Trash2 } from 'lucide-react';
import { asProblem, type Schemas } from '../../api/client';
import { recordQuery } from '../../api/queries';
import { CopyAsCurl } from '../../common/CopyAsCurl';
import { toActor, toShortId } from '../../common/formatting';
import { Page } from '../../common/Page';
import { RecordBadge } from '../../common/RecordBadge';
import { RouterLink } from '../../common/RouterLink';
import { Section } from '../../common/Section';
import { Empty, Read } from '../../common/States';
import { Instant } from '../../common/Time';
import { useRecordTypeLabel } from '../../shell/record-types';
import { useIntegrationNames } from '../integrations/use-integration-names';
import { EraseRecord } from '../erasures/EraseRecord';
import { PushHistory } from './PushHistory';
import { RecordFields } from './RecordFields';
import { toRecordName } from './record-name';
import { RecordSyncCard } from './RecordSyncCard';

type RecordView = Schemas['Record'];
const route = getRouteApi('/shell/records/$recordType/$externalId');

export function RecordPage() {
  const { recordType, externalId } = route.useParams();
  const record = useQuery(recordQuery(recordType, externalId));
  const { data } = record;
  if (record.error && data === undefined && asProblem(record.error).status === 404) return <RecordNotFound />;
  return (
    <Page
      title={data === undefined ? toShortId(externalId) : toRecordName(data)}
      badge={data && <RecordBadge badge={data.badge} isImported={importedFrom(data) !== undefined} isWhole />}
      subtitle={data && <Subtitle record={data} />}
      actions={
        <>
          <CopyAsCurl path={`/records/${recordType}/${encodeURIComponent(externalId)}`} />
          {data && <EraseRecord record={data} />}
        </>
      }
    >
      <Read query={record}>
        {(shown) => (
          <Stack gap="lg">
            <Notes record={shown} />
            <RecordSyncs record={shown} />
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

function RecordNotFound() {
  const { recordType, externalId } = route.useParams();
  const label = useRecordTypeLabel(recordType);
  return (
    <Page title={toShortId(externalId)}>
      <Empty
        title="Record not found"
        action={
          <RouterLink to="/records/$recordType" params={{ recordType }} underline="always">
            All {label.toLowerCase()}
          </RouterLink>
        }
      >
        The address may contain a typing error, or the record has not been received yet.
      </Empty>
    </Page>
  );
}

/** The id of the integration that made the last change. */
const importedFrom = (record: RecordView): string | undefined =>
  /^integration:(.+)/.exec(record.changed_by)?.[1];

function Subtitle({ record }: { record: RecordView }) {
  const label = useRecordTypeLabel(record.record_type);
  const { nameOf } = useIntegrationNames();
  const integrationId = importedFrom(record);
  return (
    <>
      {label} · {toShortId(record.external_id)} · version {record.version} · changed{' '}
      <Instant at={record.changed_at} relative />{' '}
      {integrationId === undefined ? `by ${toActor(record.changed_by)}` : `in ${nameOf(integrationId)}`}
    </>
  );
}

function Notes({ record }: { record: RecordView }) {
  return (
    <>
      {record.is_deleted && (
        <Alert color="orange" variant="light" icon={<Trash2 aria-hidden />} title="This record is deleted">
          The mapping decides what happens to it in each app. The record is restored when your product sends
          it again.
        </Alert>
      )}
      {record.is_partial && (
        <Alert color="blue" variant="light" icon={<Info aria-hidden />}>
          The initial sync of these records is in progress. They are read-only until it is complete.
        </Alert>
      )}
    </>
  );
}

function RecordSyncs({ record }: { record: RecordView }) {
  return (
    <Section title="Sync status" hint="Each integration has its own status for this record.">
      {record.syncs.length === 0 ? (
        <Empty title="Not pushed to any app">No integration pushes this type of record.</Empty>
      ) : (
        <SimpleGrid cols={{ base: 1, lg: 2 }}>
          {record.syncs.map((sync) => (
            <RecordSyncCard key={sync.integration_id} record={record} sync={sync} />
          ))}
        </SimpleGrid>
      )}
    </Section>
  );
}
