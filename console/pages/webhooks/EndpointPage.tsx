import { Alert, Modal } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useState } from 'react';
import type { Schemas } from '../../api/client';
import { webhookEndpointQuery } from '../../api/queries';
import { CopyAsCurl } from '../../common/CopyAsCurl';
import { Page } from '../../common/Page';
import { Section, SettingsSection } from '../../common/Section';
import { Read } from '../../common/States';
import { Instant } from '../../common/Time';
import { toNumber } from '../../common/formatting';
import { WorkflowLinks } from '../../common/WorkflowLinks';
import { deliveriesWorkflowId } from '../../common/workflow-ids';
import { useIntegrationNames } from '../integrations/use-integration-names';
import { Deliveries } from './Deliveries';
import { EditEndpoint } from './EditEndpoint';
import { EndpointActions } from './EndpointActions';
import { EndpointState } from './EndpointState';
import { SecretOnce } from './SecretOnce';

type Endpoint = Schemas['WebhookEndpoint'];
const route = getRouteApi('/shell/webhooks/$endpointId');
const DISABLED_REASONS: Record<string, string> = {
  manual: 'It was disabled manually.',
  gone: 'It was disabled because it responded with 410 Gone.',
  failing: 'It was disabled because all deliveries failed for five days.',
};

export function EndpointPage() {
  const { endpointId } = route.useParams();
  const endpoint = useQuery(webhookEndpointQuery(endpointId));
  const [secret, setSecret] = useState<string>();
  const { body: data, etag } = endpoint.data ?? {};
  return (
    <Page
      title="Webhook endpoint"
      badge={data && <EndpointState endpoint={data} size="lg" />}
      subtitle={data && <span style={{ overflowWrap: 'anywhere' }}>{data.url}</span>}
      actions={
        <>
          <CopyAsCurl path={`/webhook-endpoints/${endpointId}`} />
          <WorkflowLinks
            of={[{ title: 'Deliveries to this endpoint', workflowId: deliveriesWorkflowId(endpointId) }]}
          />
          {data && etag !== undefined && <EditEndpoint endpoint={data} etag={etag} />}
          {data && <EndpointActions endpoint={data} onSecret={setSecret} />}
        </>
      }
    >
      <Read query={endpoint}>
        {({ body: shown }) => (
          <>
            <Trouble endpoint={shown} />
            <Settings endpoint={shown} />
          </>
        )}
      </Read>
      <Section title="Deliveries" hint="Events sent to this endpoint, newest first.">
        <Deliveries endpointId={endpointId} />
      </Section>
      <Modal
        opened={secret !== undefined}
        onClose={() => setSecret(undefined)}
        title="New secret"
        closeOnClickOutside={false}
      >
        <SecretOnce secret={secret ?? ''} onClose={() => setSecret(undefined)} />
      </Modal>
    </Page>
  );
}

function Trouble({ endpoint }: { endpoint: Endpoint }) {
  if (endpoint.disabled_reason !== null)
    return (
      <Alert color="orange" variant="light" title="The endpoint is disabled">
        {DISABLED_REASONS[endpoint.disabled_reason]} Missed events can be recovered for 14 days.
      </Alert>
    );
  if (endpoint.failing_since === null) return null;
  return (
    <Alert color="orange" variant="light" title="The endpoint is failing">
      No delivery has succeeded since <Instant at={endpoint.failing_since} />. After five days of failures the
      endpoint is disabled.
    </Alert>
  );
}

function Settings({ endpoint }: { endpoint: Endpoint }) {
  const { nameOf } = useIntegrationNames();
  const rows: [string, React.ReactNode][] = [
    ['Description', endpoint.description || 'none'],
    ['Events', endpoint.event_types?.join(', ') ?? 'All, including future ones'],
    ['Integrations', endpoint.integration_ids?.map(nameOf).join(', ') ?? 'All'],
    [
      'Requests per second',
      endpoint.rate_per_second === null ? 'No limit' : `At most ${toNumber(endpoint.rate_per_second)}`,
    ],
    ['Created', <Instant key="created" at={endpoint.created_at} />],
  ];
  const [former] = endpoint.former_secrets_expire_at;
  if (former !== undefined) rows.push(['Previous secret valid until', <Instant key="former" at={former} />]);
  return <SettingsSection rows={rows} />;
}
