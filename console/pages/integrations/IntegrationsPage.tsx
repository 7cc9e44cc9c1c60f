import { Card, Group, SimpleGrid, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { Plus } from 'lucide-react';
import type { Schemas } from '../../api/client';
import { integrationsQuery } from '../../api/queries';
import { ActionButton } from '../../common/ActionButton';
import { CopyAsCurl } from '../../common/CopyAsCurl';
import { Page } from '../../common/Page';
import { Empty, Read } from '../../common/States';
import { StatusBadge } from '../../common/StatusBadge';
import { Instant } from '../../common/Time';
import { toWords } from '../../common/formatting';
import { useRefusal } from '../../session/session';
import { DIRECTIONS, troubleOf } from './health';
import { RouterLink } from '../../common/RouterLink';

export function IntegrationsPage() {
  const integrations = useQuery(integrationsQuery);
  const navigate = useNavigate();
  const refusal = useRefusal('admin');
  const link = (
    <ActionButton
      leftSection={<Plus size={16} aria-hidden />}
      refusal={refusal}
      onClick={() => void navigate({ to: '/integrations/new' })}
    >
      Link a third party
    </ActionButton>
  );
  return (
    <Page
      title="Integrations"
      subtitle="The third-party accounts that your records are kept in step with."
      actions={
        <>
          <CopyAsCurl path="/integrations" />
          {link}
        </>
      }
    >
      <Read query={integrations}>
        {(all) =>
          all.length === 0 ? (
            <Empty title="Nothing is linked yet" action={link}>
              Link an app, and your records go there, or its records come here.
            </Empty>
          ) : (
            <SimpleGrid cols={{ base: 1, md: 2 }} component="ul" p={0} m={0} style={{ listStyle: 'none' }}>
              {all.map((integration) => (
                <IntegrationCard key={integration.id} integration={integration} />
              ))}
            </SimpleGrid>
          )
        }
      </Read>
    </Page>
  );
}

function IntegrationCard({ integration }: { integration: Schemas['Integration'] }) {
  const {
    id,
    app,
    account_name: account,
    state,
    record_types: types,
    onboarding,
    last_check: check,
  } = integration;
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
          <Group gap={6}>
            <StatusBadge status={state} size="lg" />
            {onboarding.state === 'in_progress' && (
              <StatusBadge status="running" label="Onboarding" size="lg" />
            )}
            {onboarding.state === 'failed' && (
              <StatusBadge status="failed" label="Onboarding failed" size="lg" />
            )}
          </Group>
        </Group>
        {Object.entries(types).map(([name, mapping]) => (
          <Text size="sm" key={name}>
            {toWords(name)}: {DIRECTIONS[mapping.direction ?? 'push']}, {mapping.fields?.length ?? 0} fields
          </Text>
        ))}
        {trouble !== undefined && <Text size="sm">{trouble}</Text>}
        <Text size="xs" c="dimmed">
          {check === null ? (
            'Nobody has checked the connection yet'
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
