import { Alert, Stack, Table, Text } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { TriangleAlert } from 'lucide-react';
import type { Schemas } from '../../api/client';
import { syncRunsQuery } from '../../api/queries';
import { Section } from '../../common/Section';
import { Empty } from '../../common/States';
import { Instant } from '../../common/Time';
import { toWords } from '../../common/formatting';
import { SyncRunTable } from '../sync-logs/SyncRunTable';
import { SyncNowButtons } from '../sync-status/SyncNowButtons';
import { DIRECTIONS, troubleOf } from './health';
import { Reauthorize } from './Reauthorize';
import { RouterLink } from '../../common/RouterLink';

export function IntegrationHealth({ integration }: { integration: Schemas['Integration'] }) {
  const runs = useInfiniteQuery(syncRunsQuery({ integration_id: integration.id }));
  const trouble = troubleOf(integration);
  const isRead = Object.values(integration.record_types).some(
    ({ direction }) => direction === 'pull' || direction === 'both',
  );
  return (
    <Stack>
      {trouble !== undefined && (
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
      )}
      <Section title="State">
        <Table variant="vertical" layout="fixed" aria-label="State">
          <Table.Tbody>
            <Fact name="Syncs">
              {Object.entries(integration.record_types).map(([name, mapping]) => (
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
              ))}
            </Fact>
            <Fact name="Onboarding">
              {integration.onboarding.state === 'not_needed'
                ? 'Not needed: nothing is read from it'
                : toWords(integration.onboarding.state)}
              {integration.onboarding.completed_at !== null && (
                <>
                  {' '}
                  <Instant at={integration.onboarding.completed_at} />
                </>
              )}
            </Fact>
            <Fact name="Last check">
              {integration.last_check === null ? (
                'Nobody has checked the connection yet'
              ) : (
                <>
                  <Instant at={integration.last_check.at} relative />: {integration.last_check.message}
                </>
              )}
            </Fact>
            <Fact name="Credentials">
              {integration.has_credentials ? (
                <>
                  given <Instant at={integration.credentials_updated_at} />
                </>
              ) : (
                'none'
              )}
            </Fact>
            <Fact name="Linked">
              <Instant at={integration.created_at} />
            </Fact>
          </Table.Tbody>
        </Table>
        {integration.state !== 'needs_reauthorization' && <Reauthorize integration={integration} />}
      </Section>
      {isRead && (
        <Section title="Sync Logs" actions={<SyncNowButtons integration={integration} />}>
          <SyncRunTable
            query={runs}
            withApp={false}
            empty={<Empty title="No run yet">The first one begins when it is linked.</Empty>}
          />
        </Section>
      )}
      <Text size="xs" c="dimmed">
        {integration.id}
      </Text>
    </Stack>
  );
}

function Fact({ name, children }: { name: string; children: React.ReactNode }) {
  return (
    <Table.Tr>
      <Table.Th w={160} scope="row">
        {name}
      </Table.Th>
      <Table.Td>{children}</Table.Td>
    </Table.Tr>
  );
}
