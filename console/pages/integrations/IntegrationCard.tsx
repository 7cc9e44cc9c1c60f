import { Card, Group, Stack, Text } from '@mantine/core';
import type { Schemas } from '../../api/client';
import { plural, toWords } from '../../common/formatting';
import { RouterLink } from '../../common/RouterLink';
import { StatusBadge } from '../../common/StatusBadge';
import { Instant } from '../../common/Time';
import { DIRECTIONS, troubleOf } from './health';

type Integration = Schemas['Integration'];

export function IntegrationCard({ integration }: { integration: Integration }) {
  const { id, app, account_name: account, record_types: types, last_check: check } = integration;
  const trouble = troubleOf(integration);
  return (
    <Card withBorder component="li" padding="md">
      <Stack gap="xs">
        <Group justify="space-between" align="flex-start">
          <div>
            <RouterLink to="/integrations/$integrationId" params={{ integrationId: id }} fw={600}>
              {app}
            </RouterLink>
            <Text size="sm" c="dimmed">
              {account}
            </Text>
          </div>
          <States integration={integration} />
        </Group>
        {Object.entries(types).map(([name, mapping]) => (
          <Text size="sm" key={name}>
            {toWords(name)}: {DIRECTIONS[mapping.direction ?? 'push']},{' '}
            {plural(mapping.fields?.length ?? 0, 'field')}
          </Text>
        ))}
        {trouble !== undefined && <Text size="sm">{trouble}</Text>}
        <Text size="xs" c="dimmed">
          {check === null ? (
            'Connection not checked yet'
          ) : (
            <>
              Checked <Instant at={check.at} relative />
            </>
          )}
        </Text>
      </Stack>
    </Card>
  );
}

function States({ integration: { state, onboarding } }: { integration: Integration }) {
  return (
    <Group gap={6}>
      <StatusBadge status={state} size="lg" />
      {onboarding.state === 'in_progress' && <StatusBadge status="running" label="Initial sync" size="lg" />}
      {onboarding.state === 'failed' && <StatusBadge status="failed" label="Initial sync failed" size="lg" />}
    </Group>
  );
}
