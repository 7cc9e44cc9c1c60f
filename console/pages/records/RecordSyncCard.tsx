import { Alert, Card, Group, Stack, Text } from '@mantine/core';
import type { Schemas } from '../../api/client';
import { RESULTS, STARTED_BECAUSE } from '../../common/formatting';
import { RouterLink } from '../../common/RouterLink';
import { StatusBadge } from '../../common/StatusBadge';
import { Instant } from '../../common/Time';
import { RecordSyncActions } from './RecordSyncActions';
import { RecordSyncOutlook } from './RecordSyncOutlook';
import { SyncErrorText } from './SyncErrorText';

type RecordSync = Schemas['RecordSyncOfRecord'];

/** The status of a record at one integration, what happens next, and the actions (rules.md 9). */
export function RecordSyncCard({ record, sync }: { record: Schemas['Record']; sync: RecordSync }) {
  const errors = sync.errors.filter(({ field }) => field === null);
  return (
    <Card withBorder padding="md" component="article" aria-label={`${sync.app} (${sync.account_name})`}>
      <Stack gap="sm">
        <Heading sync={sync} />
        <Text size="sm" component="div">
          <RecordSyncOutlook sync={sync} />
        </Text>
        {errors.length > 0 && (
          <Alert color="red" variant="light" p="xs">
            {errors.map((error) => (
              <SyncErrorText key={error.code + error.message} error={error} />
            ))}
          </Alert>
        )}
        <Unverified sync={sync} />
        <Drifts drifts={sync.drifts} />
        <RecordSyncActions record={record} sync={sync} />
        <LastPush push={sync.last_push} />
      </Stack>
    </Card>
  );
}

function Heading({ sync }: { sync: RecordSync }) {
  return (
    <Group justify="space-between" wrap="nowrap" align="flex-start">
      <div>
        <RouterLink
          to="/integrations/$integrationId"
          params={{ integrationId: sync.integration_id }}
          fw={600}
        >
          {sync.app}
        </RouterLink>
        <Text size="xs" c="dimmed">
          {sync.account_name}
        </Text>
      </div>
      <Group gap={6} justify="flex-end">
        {sync.status === null ? (
          <Text size="sm">Not synced</Text>
        ) : (
          <StatusBadge status={sync.status} size="lg" />
        )}
        {sync.unverified_since !== null && <StatusBadge status="unverified" />}
        {sync.is_paused && <StatusBadge status="paused" />}
      </Group>
    </Group>
  );
}

/** The database of Syncline was restored from a backup (rules.md 54). */
function Unverified({ sync }: { sync: RecordSync }) {
  if (sync.unverified_since === null) return null;
  return (
    <Alert color="orange" variant="light" p="xs" title="Not verified">
      Syncline found on <Instant at={sync.unverified_since} /> that its database had been restored from a
      backup. {sync.app} may hold a newer value until a full run has compared the record.
    </Alert>
  );
}

/** What was changed in the app after it was pushed (rules.md 54). */
function Drifts({ drifts }: { drifts: RecordSync['drifts'] }) {
  if (drifts.length === 0) return null;
  return (
    <Alert color="yellow" variant="light" p="xs" title="Changed there since">
      {drifts.map(({ place, expected, found, found_at: foundAt }) => (
        <Text size="sm" component="div" key={place ?? ''}>
          {place === null
            ? 'The app no longer has the record'
            : `${place}: ${JSON.stringify(found)} instead of ${JSON.stringify(expected)}`}
          , found <Instant at={foundAt} relative />.
        </Text>
      ))}
    </Alert>
  );
}

function LastPush({ push }: { push: RecordSync['last_push'] }) {
  if (push === null) return null;
  const result = (RESULTS[push.result ?? ''] ?? 'in progress').toLowerCase();
  const effect = push.effect === null || push.effect === 'none' ? '' : `, ${push.effect}`;
  const reason = STARTED_BECAUSE[push.started_because] ?? push.started_because;
  return (
    <Text size="xs" c="dimmed" component="div">
      Last push <Instant at={push.finished_at ?? push.started_at} relative />: {result}
      {effect}; {reason}.{push.remote_id === null ? '' : ` Id in the app: ${push.remote_id}.`}
    </Text>
  );
}
