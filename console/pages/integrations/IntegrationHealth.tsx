import { Alert, Stack, Table, Text } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { TriangleAlert } from 'lucide-react';
import type { ReactNode } from 'react';
import type { Schemas } from '../../api/client';
import { syncRunsQuery } from '../../api/queries';
import { toWords } from '../../common/formatting';
import { RouterLink } from '../../common/RouterLink';
import { Section } from '../../common/Section';
import { Instant } from '../../common/Time';
import { SyncRunTable } from '../sync-logs/SyncRunTable';
import { SyncNowButtons } from '../sync-status/SyncNowButtons';
import { BackgroundTasks } from './BackgroundTasks';
import { DIRECTIONS, isImporting, troubleOf } from './health';
import { Reauthorize } from './Reauthorize';

type Integration = Schemas['Integration'];

export function IntegrationHealth({ integration }: { integration: Integration }) {
  const runs = useInfiniteQuery(syncRunsQuery({ integration_id: integration.id }));
  return (
    <Stack>
      <Trouble integration={integration} />
      <BackgroundTasks integrationId={integration.id} />
      <Section title="State">
        <Facts integration={integration} />
        {integration.state !== 'needs_reauthorization' && <Reauthorize integration={integration} />}
      </Section>
      {isImporting(integration) && (
        <Section title="Sync Logs" actions={<SyncNowButtons integration={integration} />}>
          <SyncRunTable query={runs} withApp={false} />
        </Section>
      )}
      <Text size="xs" c="dimmed">
        {integration.id}
      </Text>
    </Stack>
  );
}

function Trouble({ integration }: { integration: Integration }) {
  const trouble = troubleOf(integration);
  if (trouble === undefined) return null;
  return (
    <Alert
      variant="light"
      color={integration.state === 'paused' ? 'gray' : 'red'}
      icon={<TriangleAlert aria-hidden />}
    >
      <Stack gap="xs" align="flex-start">
        {trouble}
        {integration.state === 'needs_reauthorization' && <Reauthorize integration={integration} />}
      </Stack>
    </Alert>
  );
}

function Facts({ integration }: { integration: Integration }) {
  const { onboarding, last_check: check } = integration;
  return (
    <Table variant="vertical" layout="fixed" aria-label="State">
      <Table.Tbody>
        <Fact name="Record types">
          <RecordTypes integration={integration} />
        </Fact>
        <Fact name="Initial sync">
          {onboarding.state === 'not_needed' ? 'Not needed: nothing is imported' : toWords(onboarding.state)}
          {onboarding.completed_at !== null && (
            <>
              {' '}
              <Instant at={onboarding.completed_at} />
            </>
          )}
        </Fact>
        <Fact name="Last check">
          {check === null ? (
            'Connection not checked yet'
          ) : (
            <>
              <Instant at={check.at} relative />: {check.message}
            </>
          )}
        </Fact>
        <Fact name="Credentials">
          {integration.has_credentials ? (
            <>
              updated <Instant at={integration.credentials_updated_at} />
            </>
          ) : (
            'none'
          )}
        </Fact>
        <Fact name="Connected">
          <Instant at={integration.created_at} />
        </Fact>
      </Table.Tbody>
    </Table>
  );
}

function RecordTypes({ integration }: { integration: Integration }) {
  return Object.entries(integration.record_types).map(([name, mapping]) => (
    <div key={name}>
      <RouterLink
        to="/records/$recordType"
        params={{ recordType: name }}
        search={{ integration_id: integration.id }}
        underline="always"
      >
        {toWords(name)}
      </RouterLink>
      : {DIRECTIONS[mapping.direction ?? 'push']}
    </div>
  ));
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <Table.Tr>
      <Table.Th w={160} scope="row">
        {name}
      </Table.Th>
      <Table.Td>{children}</Table.Td>
    </Table.Tr>
  );
}
