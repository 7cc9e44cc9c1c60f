import { Code, Paper, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { answerOf, api, type Schemas } from '../../api/client';
import { webhookDeliveryQuery, webhookEndpointQuery } from '../../api/queries';
import { ActionButton } from '../../common/ActionButton';
import { CopyAsCurl } from '../../common/CopyAsCurl';
import { Page } from '../../common/Page';
import { RouterLink } from '../../common/RouterLink';
import { Section } from '../../common/Section';
import { Empty, Read } from '../../common/States';
import { StatusBadge } from '../../common/StatusBadge';
import { Countdown, Instant } from '../../common/Time';
import { useAction } from '../../common/use-action';
import { toNumber } from '../../common/formatting';
import { useRefusal } from '../../session/session';
import { DeliveryState } from './DeliveryState';

type Delivery = Schemas['WebhookDeliveryWithAttempts'];
const route = getRouteApi('/shell/webhook-deliveries/$deliveryId');

export function DeliveryPage() {
  const { deliveryId } = route.useParams();
  const delivery = useQuery(webhookDeliveryQuery(deliveryId));
  const { data } = delivery;
  return (
    <Page
      title={data?.event_type ?? 'Delivery'}
      badge={data && <DeliveryState state={data.state} size="lg" />}
      subtitle={
        data && (
          <>
            <RouterLink
              to="/webhooks/$endpointId"
              params={{ endpointId: data.endpoint_id }}
              underline="always"
            >
              Endpoint
            </RouterLink>
            {' · '}
            <Instant at={data.created_at} /> · webhook-id {data.event_id}
          </>
        )
      }
      actions={
        <>
          <CopyAsCurl path={`/webhook-deliveries/${deliveryId}`} />
          {data && <Resend delivery={data} />}
        </>
      }
    >
      <Read query={delivery}>
        {(shown) => (
          <Stack gap="lg">
            <Attempts delivery={shown} />
            <Section title="Payload" hint="The body of the request, the same for each attempt.">
              <Json label="Payload" value={shown.payload} />
            </Section>
          </Stack>
        )}
      </Read>
    </Page>
  );
}

function Resend({ delivery }: { delivery: Delivery }) {
  const navigate = route.useNavigate();
  const endpoint = useQuery(webhookEndpointQuery(delivery.endpoint_id));
  const refusal =
    useRefusal('operator') ??
    (endpoint.data?.body.state === 'disabled' ? 'The endpoint is disabled. Enable it first.' : undefined);
  const resend = useAction({
    run: () =>
      answerOf(
        api.POST('/v1/webhook-deliveries/{delivery_id}/resend', {
          params: { path: { delivery_id: delivery.id } },
        }),
      ),
    done: 'Sending the event again.',
    changes: ['webhooks'],
    onDone: ({ delivery_id: deliveryId }) =>
      navigate({ to: '/webhook-deliveries/$deliveryId', params: { deliveryId } }),
  });
  return (
    <ActionButton refusal={refusal} loading={resend.isPending} onClick={() => resend.mutate()}>
      Resend
    </ActionButton>
  );
}

function Attempts({ delivery }: { delivery: Delivery }) {
  return (
    <Section
      title="Attempts"
      hint={
        delivery.next_attempt_at !== null && (
          <>
            Next attempt in <Countdown to={delivery.next_attempt_at} />.
          </>
        )
      }
    >
      {delivery.log.length === 0 && <Empty title="No attempts yet" />}
      {delivery.log.map((attempt) => (
        <Paper
          withBorder
          p="sm"
          key={attempt.attempt}
          component="article"
          aria-label={`Attempt ${attempt.attempt}`}
        >
          <Stack gap="xs">
            <Text size="sm" component="div">
              <StatusBadge
                status={isSuccess(attempt.status) ? 'delivered' : 'failed'}
                label={attempt.status === null ? 'No response' : `Status ${attempt.status}`}
              />{' '}
              Attempt {attempt.attempt}, <Instant at={attempt.at} />, {toNumber(attempt.duration_ms)} ms
            </Text>
            {attempt.error !== null && <Text size="sm">{attempt.error}</Text>}
            <Json label="Request headers" value={attempt.request_headers} />
            {attempt.response_headers !== null && (
              <Json label="Response headers" value={attempt.response_headers} />
            )}
            {attempt.response_body !== null && attempt.response_body !== '' && (
              <CodeBlock label="Response body" text={attempt.response_body} />
            )}
          </Stack>
        </Paper>
      ))}
    </Section>
  );
}

const isSuccess = (status: number | null): boolean => status !== null && status >= 200 && status < 300;

const Json = ({ label, value }: { label: string; value: object }) => (
  <CodeBlock label={label} text={JSON.stringify(value, null, 2)} />
);

function CodeBlock({ label, text }: { label: string; text: string }) {
  return (
    <div>
      <Text size="xs" c="dimmed">
        {label}
      </Text>
      {/* Focusable, so that keyboard users can scroll it. */}
      <Code block tabIndex={0} role="region" aria-label={label}>
        {text}
      </Code>
    </div>
  );
}
