import { useNavigate } from '@tanstack/react-router';
import { answerOf, api, type Schemas } from '../../api/client';
import { ActionButton } from '../../common/ActionButton';
import { useConfirm } from '../../common/Confirm';
import { useAction } from '../../common/use-action';
import { plural } from '../../common/formatting';
import { useRefusal } from '../../session/session';

const changes = ['webhooks'];
/** The API takes 14 days at most; a minute less, for clocks that differ. */
const RECOVERABLE_MS = 14 * 86_400_000 - 60_000;
const recoverableSince = (): string => new Date(Date.now() - RECOVERABLE_MS).toISOString();

/** What can be done with an endpoint. */
export function EndpointActions({
  endpoint,
  onSecret,
}: {
  endpoint: Schemas['WebhookEndpoint'];
  onSecret: (secret: string) => void;
}) {
  const navigate = useNavigate();
  const { ask, dialogue } = useConfirm();
  const asOperator = useRefusal('operator');
  const asAdmin = useRefusal('admin');
  const isEnabled = endpoint.state === 'enabled';
  const sendable = isEnabled ? undefined : 'It is disabled. Enable it first.';
  const params = { path: { endpoint_id: endpoint.id } };

  const test = useAction({
    run: () => answerOf(api.POST('/v1/webhook-endpoints/{endpoint_id}/test', { params })),
    done: 'The test event is on its way.',
    changes,
    onDone: ({ delivery_id: deliveryId }) =>
      navigate({ to: '/webhook-deliveries/$deliveryId', params: { deliveryId } }),
  });
  const recover = useAction({
    run: () =>
      answerOf(
        api.POST('/v1/webhook-endpoints/{endpoint_id}/recover', {
          params,
          body: { since: recoverableSince() },
        }),
      ),
    done: ({ recovered }) =>
      recovered === 0
        ? 'It has missed nothing.'
        : `${plural(recovered, 'delivery', 'deliveries')} are sent again.`,
    changes,
  });
  const disable = useAction({
    run: () => answerOf(api.POST('/v1/webhook-endpoints/{endpoint_id}/disable', { params })),
    done: 'It is disabled.',
    changes,
  });
  const enable = useAction({
    run: (since: string | undefined) =>
      answerOf(
        api.POST('/v1/webhook-endpoints/{endpoint_id}/enable', {
          params,
          body: since === undefined ? {} : { recover_since: since },
        }),
      ),
    done: ({ recovered }) =>
      recovered === 0
        ? 'It is enabled.'
        : `It is enabled; ${plural(recovered, 'delivery', 'deliveries')} are sent again.`,
    changes,
  });
  const rotate = useAction({
    run: () => answerOf(api.POST('/v1/webhook-endpoints/{endpoint_id}/rotate-secret', { params })),
    changes,
    onDone: ({ secret }) => onSecret(secret),
  });
  const remove = useAction({
    run: () => answerOf(api.DELETE('/v1/webhook-endpoints/{endpoint_id}', { params })),
    done: 'The endpoint is deleted.',
    changes,
    onDone: () => navigate({ to: '/webhooks' }),
  });

  return (
    <>
      <ActionButton refusal={asOperator ?? sendable} loading={test.isPending} onClick={() => test.mutate()}>
        Send a test event
      </ActionButton>
      <ActionButton
        variant="default"
        refusal={asOperator ?? sendable}
        loading={recover.isPending}
        onClick={() =>
          ask({
            title: 'Send again what it missed?',
            body: 'All of the last 14 days that neither got through nor is on its way. Events keep their ids, so that your program can tell what it knows already.',
            confirm: 'Send again',
            act: () => recover.mutate(),
          })
        }
      >
        Recover
      </ActionButton>
      {isEnabled ? (
        <ActionButton
          variant="default"
          refusal={asAdmin}
          loading={disable.isPending}
          onClick={() =>
            ask({
              title: 'Disable this endpoint?',
              body: 'Nothing is sent there until it is enabled again. What happens meanwhile is kept and can be recovered for 14 days.',
              confirm: 'Disable',
              act: () => disable.mutate(),
            })
          }
        >
          Disable
        </ActionButton>
      ) : (
        <ActionButton
          variant="default"
          refusal={asAdmin}
          loading={enable.isPending}
          onClick={() =>
            ask({
              title: 'Enable this endpoint?',
              body: 'What happens from now on is sent there, and what it missed while it was disabled.',
              confirm: 'Enable',
              act: () => enable.mutate(laterOf(endpoint.disabled_at, recoverableSince())),
            })
          }
        >
          Enable
        </ActionButton>
      )}
      <ActionButton
        variant="default"
        refusal={asAdmin}
        loading={rotate.isPending}
        onClick={() =>
          ask({
            title: 'Make a new secret?',
            body: 'It is shown once. For 24 hours the present one signs too, so that your program can be changed in peace.',
            confirm: 'Make a new secret',
            act: () => rotate.mutate(),
          })
        }
      >
        New secret
      </ActionButton>
      <ActionButton
        variant="default"
        refusal={asAdmin}
        loading={remove.isPending}
        onClick={() =>
          ask({
            title: 'Delete this endpoint?',
            body: 'What waits for it is not sent any more. This cannot be undone.',
            confirm: 'Delete',
            isDangerous: true,
            act: () => remove.mutate(),
          })
        }
      >
        Delete
      </ActionButton>
      {dialogue}
    </>
  );
}

/** Instants as the API writes them, in UTC, are in order as text. */
const laterOf = (disabledAt: string | null, oldest: string): string =>
  disabledAt !== null && disabledAt > oldest ? disabledAt : oldest;
