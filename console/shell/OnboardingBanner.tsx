import { Alert, Group, Progress, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { TriangleAlert } from 'lucide-react';
import { onboardingQuery } from '../api/queries';
import type { Schemas } from '../api/client';
import { Instant } from '../common/Time';
import { statusLabel } from '../common/StatusBadge';
import { plural, toNumber, toWords } from '../common/formatting';
import { RouterLink } from '../common/RouterLink';

/** Red, across the top of every page, until the data of each linked app is fully onboarded (rules.md 33). It cannot be dismissed. */
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

function Banner({ onboarding }: { onboarding: Schemas['OnboardingOfIntegration'] }) {
  const {
    app,
    account_name: account,
    datasets,
    state,
    started_at: startedAt,
    message,
    integration_id: integrationId,
    sync_run_id: runId,
  } = onboarding;
  const hasFailed = state === 'failed';
  const read = datasets.reduce((sum, { records_read: count }) => sum + count, 0);
  const expected = datasets.reduce<number | null>(
    (sum, { expected_records: count }) => (sum === null || count === null ? null : sum + count),
    0,
  );
  return (
    <Alert
      color="red"
      variant="filled"
      radius={0}
      icon={<TriangleAlert aria-hidden />}
      title={
        hasFailed ? `${app} (${account}) could not be onboarded` : `${app} (${account}) is being onboarded`
      }
    >
      <Stack gap={6}>
        <Text size="sm">
          {hasFailed
            ? (message ?? 'None of its data could be read.')
            : 'You can look at its records, but not change them until all of its data is here. Large databases take a while; you will be notified by e-mail.'}
        </Text>
        {!hasFailed && expected !== null && expected > 0 && (
          <Progress
            value={Math.min(100, (100 * read) / expected)}
            color="white"
            bg="red.4"
            aria-label={`${app}: ${toNumber(read)} of ${toNumber(expected)} records`}
          />
        )}
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
          {runId === null ? (
            <RouterLink
              c="inherit"
              underline="always"
              size="sm"
              to="/integrations/$integrationId"
              params={{ integrationId }}
            >
              To the integration
            </RouterLink>
          ) : (
            <RouterLink
              c="inherit"
              underline="always"
              size="sm"
              to="/sync-runs/$syncRunId"
              params={{ syncRunId: runId }}
            >
              Sync Log
            </RouterLink>
          )}
        </Group>
      </Stack>
    </Alert>
  );
}
