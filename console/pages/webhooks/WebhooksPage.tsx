import { Modal, Text } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { Plus } from 'lucide-react';
import { useState } from 'react';
import type { Schemas } from '../../api/client';
import { webhookEndpointsQuery } from '../../api/queries';
import { ActionButton } from '../../common/ActionButton';
import { CopyAsCurl } from '../../common/CopyAsCurl';
import { type Column, ListTable } from '../../common/ListTable';
import { Page } from '../../common/Page';
import { RouterLink } from '../../common/RouterLink';
import { Empty } from '../../common/States';
import { Instant } from '../../common/Time';
import { useRefusal } from '../../session/session';
import { EndpointState } from './EndpointState';
import { NewEndpoint } from './NewEndpoint';

type Endpoint = Schemas['WebhookEndpoint'];

const columns: Column<Endpoint>[] = [
  {
    title: 'Endpoint',
    cell: (endpoint) => (
      <>
        <RouterLink
          to="/webhooks/$endpointId"
          params={{ endpointId: endpoint.id }}
          fw={600}
          style={{ overflowWrap: 'anywhere' }}
        >
          {endpoint.url}
        </RouterLink>
        <Text size="xs" c="dimmed">
          {endpoint.description}
        </Text>
      </>
    ),
  },
  { title: 'State', cell: (endpoint) => <EndpointState endpoint={endpoint} /> },
  {
    title: 'Events',
    from: 'sm',
    cell: ({ event_types: types }) => (types === null ? 'All' : types.join(', ')),
  },
  { title: 'Made', from: 'md', cell: (endpoint) => <Instant at={endpoint.created_at} /> },
];

export function WebhooksPage() {
  const endpoints = useInfiniteQuery(webhookEndpointsQuery);
  const refusal = useRefusal('admin');
  const [isOpen, setOpen] = useState(false);
  return (
    <Page
      title="Webhooks"
      subtitle="Programs of yours that are told what happens: signed, sent again until they answer, with a log of every attempt."
      actions={
        <>
          <CopyAsCurl path="/webhook-endpoints" />
          <ActionButton
            leftSection={<Plus size={16} aria-hidden />}
            refusal={refusal}
            onClick={() => setOpen(true)}
          >
            Add an endpoint
          </ActionButton>
        </>
      }
    >
      <ListTable
        label="Webhook endpoints"
        query={endpoints}
        columns={columns}
        rowKey={(endpoint) => endpoint.id}
        empty={<Empty title="No endpoint yet">Add the address of a program that should be told.</Empty>}
      />
      <Modal
        opened={isOpen}
        onClose={() => setOpen(false)}
        title="Add a webhook endpoint"
        closeOnClickOutside={false}
        size="lg"
      >
        <NewEndpoint onClose={() => setOpen(false)} />
      </Modal>
    </Page>
  );
}
