import { Modal, Text } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { Plus } from 'lucide-react';
import { useState } from 'react';
import type { Schemas } from '../../api/client';
import { webhookEndpointsQuery } from '../../api/queries';
import { ActionButton } from '../../common/ActionButton';
import { CopyAsCurl } from '../../common/CopyAsCurl';
import { FilterSelect } from '../../common/FilterSelect';
import { type Column, ListTable } from '../../common/ListTable';
import { Page } from '../../common/Page';
import { RouterLink } from '../../common/RouterLink';
import { Empty } from '../../common/States';
import { Instant } from '../../common/Time';
import { ENDPOINT_STATES } from '../../search';
import { useRefusal } from '../../session/session';
import { ENDPOINT_LABELS, EndpointState, endpointStateOf } from './EndpointState';
import { NewEndpoint } from './NewEndpoint';

type Endpoint = Schemas['WebhookEndpoint'];
const route = getRouteApi('/shell/webhooks');
const STATE_CHOICES = ENDPOINT_STATES.map((value) => ({ value, label: ENDPOINT_LABELS[value] }));

export function WebhooksPage() {
  const [isOpen, setOpen] = useState(false);
  return (
    <Page
      title="Webhooks"
      subtitle="Sends signed events to your programs and retries until they respond. Every attempt is logged."
      actions={
        <>
          <CopyAsCurl path="/webhook-endpoints" />
          <ActionButton
            leftSection={<Plus size={16} aria-hidden />}
            refusal={useRefusal('admin')}
            onClick={() => setOpen(true)}
          >
            Add endpoint
          </ActionButton>
        </>
      }
    >
      <EndpointList />
      <Modal
        opened={isOpen}
        onClose={() => setOpen(false)}
        title="Add webhook endpoint"
        closeOnClickOutside={false}
        size="lg"
      >
        <NewEndpoint onClose={() => setOpen(false)} />
      </Modal>
    </Page>
  );
}

/** A tenant has at most 50 endpoints, which is one page, so they are filtered here. */
function EndpointList() {
  const { state } = route.useSearch();
  const navigate = route.useNavigate();
  const endpoints = useInfiniteQuery({
    ...webhookEndpointsQuery,
    select: ({ pages, pageParams }) => ({
      pageParams,
      pages: pages.map((page) => ({
        ...page,
        data: page.data.filter((one) => state === undefined || endpointStateOf(one) === state),
      })),
    }),
  });
  return (
    <>
      <FilterSelect
        label="State"
        choices={STATE_CHOICES}
        value={state}
        onChange={(chosen) => void navigate({ search: { state: chosen }, replace: true })}
      />
      <ListTable
        label="Webhook endpoints"
        query={endpoints}
        columns={columns}
        rowKey={(endpoint) => endpoint.id}
        empty={
          state === undefined ? (
            <Empty title="No endpoints yet">Add the URL of a program that should receive events.</Empty>
          ) : (
            <Empty title="No matching endpoints" />
          )
        }
      />
    </>
  );
}

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
  { title: 'Created', from: 'md', cell: (endpoint) => <Instant at={endpoint.created_at} /> },
];
