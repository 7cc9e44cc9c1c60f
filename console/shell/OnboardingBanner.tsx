import { Alert, Group, Progress, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { TriangleAlert } from 'lucide-react';
import { onboardingQuery } from '../api/queries';
import type { Schemas } from '../api/client';
import { plural, toNumber, toWords } from '../common/formatting';
import { RouterLink } from '../common/RouterLink';
import { statusLabel } from '../common/StatusBadge';
import { Instant } from '../common/Time';

type Onboarding = Schemas['OnboardingOfIntegration'];

/** Shown on every page until all initial syncs are complete (rules.md 33). Cannot be closed. */
export function OnboardingBanner() {
  const { data = [] } = useQuery(onboardingQuery);
  return (
    <Stack gap={0} aria-live="polite">
      {data.map((onboarding) => (
        <Banner key={onboarding.integration_id} onboarding={onboarding} />
      ))}
    </Stack>
  );
}

function Banner({ onboarding }: { onboarding: Onboarding }) {
  const { app, account_name: account, state, message } = onboarding;
  const hasFailed = state === 'failed';
  const name = `${app} (${account})`;
  return (
    <Alert
      color="red"
      variant="filled"
      radius={0}
      icon={<TriangleAlert aria-hidden />}
      title={hasFailed ? `The initial sync of ${name} failed` : `${name}: initial sync in progress`}
    >
      <Stack gap={6}>
        <Text size="sm">
          {hasFailed
            ? (message ?? 'No records could be read. Check the connection of the integration.')
            : 'Its records are read-only until the sync is complete, which can take a while ' +
              'for large databases. You will be notified by e-mail.'}
        </Text>
        {!hasFailed && <InitialProgress onboarding={onboarding} />}
        <Details onboarding={onboarding} />
      </Stack>
    </Alert>
  );
}

function InitialProgress({ onboarding: { app, datasets } }: { onboarding: Onboarding }) {
  const read = datasets.reduce((sum, { records_read: count }) => sum + count, 0);
  const expected = datasets.reduce<number | null>(
    (sum, { expected_records: count }) => (sum === null || count === null ? null : sum + count),
    0,
  );
  if (expected === null || expected === 0) return null;
  return (
    <Progress
      value={Math.min(100, (100 * read) / expected)}
      color="white"
      bg="red.4"
      aria-label={`${app}: ${toNumber(read)} of ${toNumber(expected)} records`}
    />
  );
}

function Details({ onboarding }: { onboarding: Onboarding }) {
  const {
    datasets,
    started_at: startedAt,
    integration_id: integrationId,
    sync_run_id: syncRunId,
  } = onboarding;
  const link = { c: 'inherit', underline: 'always', size: 'sm' } as const;
  return (
    <Group gap="md">
      {datasets.map((dataset) => (
        <Text size="sm" key={dataset.record_type}>
          {toWords(dataset.record_type)}: {toNumber(dataset.records_read)}
          {dataset.expected_records === null ? '' : ` of ${plural(dataset.expected_records, 'record')}`} (
          {statusLabel(dataset.state).toLowerCase()})
        </Text>
      ))}
      <Text size="sm">
        Started <Instant at={startedAt} relative />
      </Text>
      {syncRunId === null ? (
        <RouterLink {...link} to="/integrations/$integrationId" params={{ integrationId }}>
          Go to integration
        </RouterLink>
      ) : (
        <RouterLink {...link} to="/sync-runs/$syncRunId" params={{ syncRunId }}>
          Sync Log
        </RouterLink>
      )}
    </Group>
  );
}
