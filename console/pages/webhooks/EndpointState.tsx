import type { Schemas } from '../../api/client';
import { StatusBadge } from '../../common/StatusBadge';

/** An endpoint that fails is still sent to, until it has failed for five days. */
export function EndpointState({
  endpoint,
  size = 'md',
}: {
  endpoint: Schemas['WebhookEndpoint'];
  size?: string;
}) {
  if (endpoint.state === 'enabled' && endpoint.failing_since !== null)
    return <StatusBadge status="retrying" label="Failing" size={size} />;
  return <StatusBadge status={endpoint.state} size={size} />;
}
