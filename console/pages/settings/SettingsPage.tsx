import { Table, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { tenantQuery } from '../../api/queries';
import { CopyAsCurl } from '../../common/CopyAsCurl';
import { Page } from '../../common/Page';
import { Section } from '../../common/Section';
import { Read } from '../../common/States';
import { Instant } from '../../common/Time';
import { useNow } from '../../common/time';
import { NotificationSettings } from './NotificationSettings';

const POLICIES = {
  all_datasets: 'Once all datasets of what was linked are complete, and one at least succeeded',
  first_dataset: 'After the first dataset that succeeded (deprecated)',
};

export function SettingsPage() {
  const tenant = useQuery(tenantQuery);
  return (
    <Page title="Settings" actions={<CopyAsCurl path="/tenant" />}>
      <Read query={tenant}>
        {({ id, name, time_zone: zone, contact_email: contact, company_synchronized_policy: policy, created_at: createdAt }) => (
          <Section title="Company" hint="The team that runs Syncline changes these.">
            <Table variant="vertical" aria-label="Company" style={{ overflowWrap: 'anywhere' }}>
              <Table.Tbody>
                <Table.Tr>
                  <Table.Th w={{ base: 120, sm: 200 }} scope="row">
                    Name
                  </Table.Th>
                  <Table.Td>{name}</Table.Td>
                </Table.Tr>
                <Table.Tr>
                  <Table.Th scope="row">Time zone</Table.Th>
                  <Table.Td>
                    {zone}
                    <Text size="xs" c="dimmed" component="div">
                      Nightly syncs follow it, and all times here are shown in it. It is <Clock zone={zone} /> there.
                    </Text>
                  </Table.Td>
                </Table.Tr>
                <Table.Tr>
                  <Table.Th scope="row">Contact</Table.Th>
                  <Table.Td>{contact ?? 'none'}</Table.Td>
                </Table.Tr>
                <Table.Tr>
                  <Table.Th scope="row">Company synchronized</Table.Th>
                  <Table.Td>
                    {POLICIES[policy]}
                    <Text size="xs" c="dimmed" component="div">
                      When COMPANY_SYNCHRONIZED is told to webhooks. It counts for what is linked from now on.
                      {policy === 'first_dataset' && ' This one goes away; the API names the date. Change over early by asking the team that runs Syncline.'}
                    </Text>
                  </Table.Td>
                </Table.Tr>
                <Table.Tr>
                  <Table.Th scope="row">With us since</Table.Th>
                  <Table.Td>
                    <Instant at={createdAt} />
                  </Table.Td>
                </Table.Tr>
                <Table.Tr>
                  <Table.Th scope="row">Id</Table.Th>
                  <Table.Td>{id}</Table.Td>
                </Table.Tr>
              </Table.Tbody>
            </Table>
          </Section>
        )}
      </Read>
      <NotificationSettings />
    </Page>
  );
}

function Clock({ zone }: { zone: string }) {
  return <>{new Intl.DateTimeFormat('en-GB', { timeZone: zone, timeStyle: 'short' }).format(useNow())}</>;
}
