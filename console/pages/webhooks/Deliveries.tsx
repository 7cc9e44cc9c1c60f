import { Group, Text } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import type { Schemas } from '../../api/client';
import { webhookDeliveriesQuery } from '../../api/queries';
import { FilterSelect } from '../../common/FilterSelect';
import { type Column, ListTable } from '../../common/ListTable';
import { RouterLink } from '../../common/RouterLink';
import { Empty } from '../../common/States';
import { Instant } from '../../common/Time';
import { toWords } from '../../common/formatting';
import { DELIVERY_STATES } from '../../search';
import { DELIVERY_LABELS, DeliveryState } from './DeliveryState';

type Delivery = Schemas['WebhookDelivery'];
const STATE_CHOICES = DELIVERY_STATES.map((value) => ({ value, label: DELIVERY_LABELS[value] }));
const route = getRouteApi('/shell/webhooks/$endpointId');

const columns: Column<Delivery>[] = [
  {
    title: 'Event',
    cell: (delivery) => (
      <>
        <RouterLink to="/webhook-deliveries/$deliveryId" params={{ deliveryId: delivery.id }} fw={600}>
          {delivery.event_type}
        </RouterLink>
        {delivery.trigger !== 'event' && (
          <Text size="xs" c="dimmed">
            {toWords(delivery.trigger)}
          </Text>
        )}
      </>
    ),
  },
  { title: 'State', cell: ({ state }) => <DeliveryState state={state} /> },
  { title: 'Response', from: 'sm', cell: (delivery) => delivery.last_status ?? delivery.last_error ?? '–' },
  { title: 'Attempts', from: 'md', isFigure: true, cell: ({ attempts }) => attempts },
  { title: 'Next attempt', from: 'lg', cell: (delivery) => <Instant at={delivery.next_attempt_at} /> },
  { title: 'Created', from: 'sm', cell: (delivery) => <Instant at={delivery.created_at} /> },
];

export function Deliveries({ endpointId }: { endpointId: string }) {
  const { state } = route.useSearch();
  const navigate = route.useNavigate();
  const deliveries = useInfiniteQuery(webhookDeliveriesQuery({ endpoint_id: endpointId, state }));
  return (
    <>
      <Group align="flex-end" role="search">
        <FilterSelect
          label="State"
          choices={STATE_CHOICES}
          value={state}
          onChange={(chosen) => void navigate({ search: { state: chosen }, replace: true })}
        />
      </Group>
      <ListTable
        label="Deliveries to this endpoint"
        query={deliveries}
        columns={columns}
        rowKey={(delivery) => delivery.id}
        empty={
          <Empty title={state === undefined ? 'No deliveries yet' : 'No matching deliveries'}>
            Send a test event to check that the endpoint is reachable.
          </Empty>
        }
      />
    </>
  );
}
