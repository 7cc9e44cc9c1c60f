import type { Schemas } from '../../api/client';
import { StatusBadge } from '../../common/StatusBadge';
import type { ENDPOINT_STATES } from '../../search';

type State = (typeof ENDPOINT_STATES)[number];

export const ENDPOINT_LABELS: Record<State, string> = {
  enabled: 'Enabled',
  failing: 'Failing',
  disabled: 'Disabled',
};
const STATUSES: Record<State, string> = { enabled: 'enabled', failing: 'retrying', disabled: 'disabled' };

/** A failing endpoint is enabled: deliveries go on until they have failed for five days. */
export const endpointStateOf = ({ state, failing_since: since }: Schemas['WebhookEndpoint']): State =>
  state === 'enabled' && since !== null ? 'failing' : state;

export function EndpointState({
  endpoint,
  size = 'md',
}: {
  endpoint: Schemas['WebhookEndpoint'];
  size?: string;
}) {
  const state = endpointStateOf(endpoint);
  return <StatusBadge status={STATUSES[state]} label={ENDPOINT_LABELS[state]} size={size} />;
}
