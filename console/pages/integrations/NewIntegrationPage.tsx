/**
 * Connects an app: choose a product or a connector, enter settings and credentials, check the connection,
 * start.
 */
import { Card, SimpleGrid, Text, UnstyledButton } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useState } from 'react';
import type { Schemas } from '../../api/client';
import {
  connectorQuery,
  connectorsQuery,
  definitionQuery,
  definitionsQuery,
} from '../../api/catalogue-queries';
import { Page } from '../../common/Page';
import { Read } from '../../common/States';
import { Catalogue } from './catalogue/Catalogue';
import { DefinitionForm } from './catalogue/DefinitionForm';
import { ConnectForm } from './ConnectForm';
import { ConnectionCheck } from './ConnectionCheck';

const route = getRouteApi('/shell/integrations/new');

export function NewIntegrationPage() {
  const { connector, definition } = route.useSearch();
  const navigate = route.useNavigate();
  const products = useQuery(definitionsQuery);
  const connectors = useQuery(connectorsQuery);
  return (
    <Page
      title="Connect an app"
      subtitle="Nothing is pushed or imported before the connection check succeeds."
    >
      <Read query={products} rows={3}>
        {(all) =>
          all.length > 0 && (
            <Catalogue
              products={all}
              chosen={definition}
              onChoose={(key) => void navigate({ search: { definition: key }, replace: true })}
            />
          )
        }
      </Read>
      {definition !== undefined && <ProductSteps key={definition} definitionKey={definition} />}
      <Text size="sm" c="dimmed">
        Another product? Choose a connector and describe it.
      </Text>
      <Read query={connectors} rows={3}>
        {(all) => (
          <SimpleGrid cols={{ base: 1, sm: 3 }} role="group" aria-label="Connector">
            {all.map((one) => (
              <ConnectorButton key={one.kind} connector={one} isChosen={one.kind === connector} />
            ))}
          </SimpleGrid>
        )}
      </Read>
      {connector !== undefined && <ConnectorSteps key={connector} kind={connector} />}
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

function ProductSteps({ definitionKey }: { definitionKey: string }) {
  const definition = useQuery(definitionQuery(definitionKey));
  const [connected, setConnected] = useState<Schemas['Integration']>();
  if (connected !== undefined) return <ConnectionCheck integration={connected} />;
  return (
    <Read query={definition}>
      {(shown) => <DefinitionForm definition={shown} onConnected={setConnected} />}
    </Read>
  );
}

function ConnectorSteps({ kind }: { kind: string }) {
  const connector = useQuery(connectorQuery(kind));
  const [connected, setConnected] = useState<Schemas['Integration']>();
  if (connected !== undefined) return <ConnectionCheck integration={connected} />;
  return (
    <Read query={connector}>{(shown) => <ConnectForm connector={shown} onConnected={setConnected} />}</Read>
  );
}
