import { SimpleGrid } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { Plus } from 'lucide-react';
import type { Schemas } from '../../api/client';
import { integrationsQuery } from '../../api/queries';
import { ActionButton } from '../../common/ActionButton';
import { CopyAsCurl } from '../../common/CopyAsCurl';
import { FilterSelect } from '../../common/FilterSelect';
import { Page } from '../../common/Page';
import { Empty, Read } from '../../common/States';
import { statusLabel } from '../../common/StatusBadge';
import { INTEGRATION_STATES } from '../../search';
import { useRefusal } from '../../session/session';
import { IntegrationCard } from './IntegrationCard';

const route = getRouteApi('/shell/integrations');
const STATE_CHOICES = INTEGRATION_STATES.map((value) => ({ value, label: statusLabel(value) }));

export function IntegrationsPage() {
  const integrations = useQuery(integrationsQuery);
  return (
    <Page
      title="Integrations"
      subtitle="The apps that your records are kept in sync with."
      actions={
        <>
          <CopyAsCurl path="/integrations" />
          <ConnectButton />
        </>
      }
    >
      <Read query={integrations}>
        {(all) =>
          all.length === 0 ? (
            <Empty title="No app is connected yet" action={<ConnectButton />}>
              Connect an app to push your records to it, or to import its records.
            </Empty>
          ) : (
            <IntegrationList integrations={all} />
          )
        }
      </Read>
    </Page>
  );
}

function ConnectButton() {
  const navigate = route.useNavigate();
  return (
    <ActionButton
      leftSection={<Plus size={16} aria-hidden />}
      refusal={useRefusal('admin')}
      onClick={() => void navigate({ to: '/integrations/new' })}
    >
      Connect an app
    </ActionButton>
  );
}

function IntegrationList({ integrations }: { integrations: readonly Schemas['Integration'][] }) {
  const { state } = route.useSearch();
  const navigate = route.useNavigate();
  const shown = integrations.filter((one) => state === undefined || one.state === state);
  return (
    <>
      <FilterSelect
        label="State"
        choices={STATE_CHOICES}
        value={state}
        onChange={(chosen) => void navigate({ search: { state: chosen }, replace: true })}
      />
      {shown.length === 0 && <Empty title="No matching integrations" />}
      <SimpleGrid cols={{ base: 1, md: 2 }} component="ul" p={0} m={0} style={{ listStyle: 'none' }}>
        {shown.map((integration) => (
          <IntegrationCard key={integration.id} integration={integration} />
        ))}
      </SimpleGrid>
    </>
  );
}
