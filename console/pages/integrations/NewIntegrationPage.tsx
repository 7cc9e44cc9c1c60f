/** Connects an app: choose a connector, enter settings and credentials, check the connection, start. */
import { Card, SimpleGrid, Text, UnstyledButton } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useState } from 'react';
import type { Schemas } from '../../api/client';
import { connectorQuery, connectorsQuery } from '../../api/queries';
import { Page } from '../../common/Page';
import { Read } from '../../common/States';
import { ConnectForm } from './ConnectForm';
import { ConnectionCheck } from './ConnectionCheck';

const route = getRouteApi('/shell/integrations/new');

export function NewIntegrationPage() {
  const { connector } = route.useSearch();
  const connectors = useQuery(connectorsQuery);
  const chosen = useQuery({ ...connectorQuery(connector ?? ''), enabled: connector !== undefined });
  return (
    <Page
      title="Connect an app"
      subtitle="Nothing is pushed or imported before the connection check succeeds."
    >
      <Read query={connectors} rows={3}>
        {(all) => (
          <SimpleGrid cols={{ base: 1, sm: 3 }} role="group" aria-label="Connector">
            {all.map((one) => (
              <ConnectorButton key={one.kind} connector={one} isChosen={one.kind === connector} />
            ))}
          </SimpleGrid>
        )}
      </Read>
      {connector !== undefined && (
        <Read query={chosen}>{(shown) => <Steps key={shown.kind} connector={shown} />}</Read>
      )}
    </Page>
  );
}

interface ConnectorButtonProps {
  connector: { kind: string; title: string; description: string };
  isChosen: boolean;
}

function ConnectorButton({ connector: { kind, title, description }, isChosen }: ConnectorButtonProps) {
  const navigate = route.useNavigate();
  return (
    <UnstyledButton
      aria-pressed={isChosen}
      onClick={() => void navigate({ search: { connector: kind }, replace: true })}
    >
      <Card
        withBorder
        h="100%"
        {...(isChosen
          ? { style: { borderColor: 'var(--mantine-primary-color-filled)', borderWidth: 2 } }
          : {})}
      >
        <Text fw={600}>{title}</Text>
        <Text size="sm" c="dimmed">
          {description}
        </Text>
      </Card>
    </UnstyledButton>
  );
}

function Steps({ connector }: { connector: Schemas['Connector'] }) {
  const [connected, setConnected] = useState<Schemas['Integration']>();
  return connected === undefined ? (
    <ConnectForm connector={connector} onConnected={setConnected} />
  ) : (
    <ConnectionCheck integration={connected} />
  );
}
