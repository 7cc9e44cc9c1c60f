import { answerOf, api, type Schemas } from '../../api/client';
import { ConfirmedAction } from '../../common/ConfirmedAction';
import { useAction } from '../../common/use-action';
import { useRefusal } from '../../session/session';
import { recoverableSince, recoveredText } from './recoverable-since';

type Endpoint = Schemas['WebhookEndpoint'];
const changes = ['webhooks', 'sync-summary'];

export function EnableOrDisable({ endpoint }: { endpoint: Endpoint }) {
  return endpoint.state === 'enabled' ? <Disable endpoint={endpoint} /> : <Enable endpoint={endpoint} />;
}

function Disable({ endpoint }: { endpoint: Endpoint }) {
  const params = { path: { endpoint_id: endpoint.id } };
  const disable = useAction({
    run: () => answerOf(api.POST('/v1/webhook-endpoints/{endpoint_id}/disable', { params })),
    done: 'Endpoint disabled.',
    changes,
  });
  return (
    <ConfirmedAction
      variant="default"
      refusal={useRefusal('admin')}
      loading={disable.isPending}
      title="Disable this endpoint?"
      body="No events are sent until the endpoint is enabled again. Missed events can be recovered for 14 days."
      confirm="Disable"
      onConfirm={() => disable.mutate()}
    >
      Disable
    </ConfirmedAction>
  );
}

function Enable({ endpoint }: { endpoint: Endpoint }) {
  const params = { path: { endpoint_id: endpoint.id } };
  const enable = useAction({
    run: () =>
      answerOf(
        api.POST('/v1/webhook-endpoints/{endpoint_id}/enable', {
          params,
          body: { recover_since: laterOf(endpoint.disabled_at, recoverableSince()) },
        }),
      ),
    done: (result) => `Endpoint enabled. ${recoveredText(result)}`.trimEnd(),
    changes,
  });
  return (
    <ConfirmedAction
      variant="default"
      refusal={useRefusal('admin')}
      loading={enable.isPending}
      title="Enable this endpoint?"
      body="Events are sent from now on, including those of the last 14 days missed while the endpoint was disabled."
      confirm="Enable"
      onConfirm={() => enable.mutate()}
    >
      Enable
    </ConfirmedAction>
  );
}

/** The API formats instants in UTC, so their order is that of the texts. */
const laterOf = (disabledAt: string | null, oldest: string): string =>
  disabledAt !== null && disabledAt > oldest ? disabledAt : oldest;
