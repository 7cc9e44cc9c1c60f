import { useNavigate } from '@tanstack/react-router';
import { answerOf, api, type Schemas } from '../../api/client';
import { ActionButton } from '../../common/ActionButton';
import { ConfirmedAction } from '../../common/ConfirmedAction';
import { useAction } from '../../common/use-action';
import { useRefusal } from '../../session/session';
import { EnableOrDisable } from './EnableOrDisable';
import { recoverableSince, recoveredText } from './recoverable-since';

type Endpoint = Schemas['WebhookEndpoint'];
interface ActionProps {
  endpoint: Endpoint;
}

const changes = ['webhooks', 'sync-summary'];
const pathOf = ({ id }: Endpoint) => ({ path: { endpoint_id: id } });

interface EndpointActionsProps extends ActionProps {
  onSecret: (secret: string) => void;
}

/** Test, recover, enable or disable, rotate the secret, and delete. */
export function EndpointActions({ endpoint, onSecret }: EndpointActionsProps) {
  return (
    <>
      <SendTest endpoint={endpoint} />
      <Recover endpoint={endpoint} />
      <EnableOrDisable endpoint={endpoint} />
      <RotateSecret endpoint={endpoint} onSecret={onSecret} />
      <Delete endpoint={endpoint} />
    </>
  );
}

/** Why nothing can be sent to the endpoint now, or undefined. */
function useSendRefusal({ state }: Endpoint): string | undefined {
  const refusal = useRefusal('operator');
  return refusal ?? (state === 'enabled' ? undefined : 'The endpoint is disabled. Enable it first.');
}

function SendTest({ endpoint }: ActionProps) {
  const navigate = useNavigate();
  const test = useAction({
    run: () => answerOf(api.POST('/v1/webhook-endpoints/{endpoint_id}/test', { params: pathOf(endpoint) })),
    done: 'Test event sent.',
    changes,
    onDone: ({ delivery_id: deliveryId }) =>
      navigate({ to: '/webhook-deliveries/$deliveryId', params: { deliveryId } }),
  });
  return (
    <ActionButton refusal={useSendRefusal(endpoint)} loading={test.isPending} onClick={() => test.mutate()}>
      Send test event
    </ActionButton>
  );
}

function Recover({ endpoint }: ActionProps) {
  const recover = useAction({
    run: () =>
      answerOf(
        api.POST('/v1/webhook-endpoints/{endpoint_id}/recover', {
          params: pathOf(endpoint),
          body: { since: recoverableSince() },
        }),
      ),
    done: (result) => recoveredText(result) || 'No missed deliveries to send.',
    changes,
  });
  return (
    <ConfirmedAction
      variant="default"
      refusal={useSendRefusal(endpoint)}
      loading={recover.isPending}
      title="Recover missed deliveries?"
      body={
        'Sends all events of the last 14 days that were not delivered. ' +
        'Events keep their ids, so your receiver can ignore those it already has.'
      }
      confirm="Send again"
      onConfirm={() => recover.mutate()}
    >
      Recover missed
    </ConfirmedAction>
  );
}

function RotateSecret({ endpoint, onSecret }: EndpointActionsProps) {
  const rotate = useAction({
    run: () =>
      answerOf(api.POST('/v1/webhook-endpoints/{endpoint_id}/rotate-secret', { params: pathOf(endpoint) })),
    changes,
    onDone: ({ secret }) => onSecret(secret),
  });
  return (
    <ConfirmedAction
      variant="default"
      refusal={useRefusal('admin')}
      loading={rotate.isPending}
      title="Rotate the secret?"
      body={
        'The new secret is shown once. Both secrets sign for 24 hours, ' +
        'so you can update your receiver without downtime.'
      }
      confirm="Rotate secret"
      onConfirm={() => rotate.mutate()}
    >
      Rotate secret
    </ConfirmedAction>
  );
}

function Delete({ endpoint }: ActionProps) {
  const navigate = useNavigate();
  const remove = useAction({
    run: () => answerOf(api.DELETE('/v1/webhook-endpoints/{endpoint_id}', { params: pathOf(endpoint) })),
    done: 'Endpoint deleted.',
    changes,
    onDone: () => navigate({ to: '/webhooks' }),
  });
  return (
    <ConfirmedAction
      variant="default"
      refusal={useRefusal('admin')}
      loading={remove.isPending}
      title="Delete this endpoint?"
      body="Pending deliveries are no longer sent. This cannot be undone."
      confirm="Delete"
      isDangerous
      onConfirm={() => remove.mutate()}
    >
      Delete
    </ConfirmedAction>
  );
}
