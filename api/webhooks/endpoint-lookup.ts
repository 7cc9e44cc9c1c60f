/** Finds the webhook endpoint that a request names. */
import type { z } from 'zod';
import type { TenantWork } from '../../db/database';
import { toTypeId } from '../../db/sql/ids';
import { type Endpoint, lockEndpoint } from '../../db/webhooks/endpoints';
import { HttpError } from '../http/http-error';
import type { endpointParams } from './webhook-schema';

export type EndpointParams = z.output<typeof endpointParams>;

export const endpointIdOf = ({ params }: { params: EndpointParams }) => ({ endpointId: params.endpoint_id });

export async function lockExistingEndpoint(
  work: TenantWork,
  input: { params: EndpointParams },
): Promise<Endpoint> {
  const found = await lockEndpoint(work, endpointIdOf(input));
  if (found === undefined) throw new HttpError('endpoint_not_found');
  return found;
}

/** Returns the endpoint if deliveries can be sent to it. */
export function requireEnabled(endpoint: Endpoint): Endpoint {
  if (endpoint.disabledAt !== null) throw new HttpError('endpoint_disabled');
  return endpoint;
}

export const auditOfEndpoint = ({ webhookEndpointId, url }: Endpoint) => ({
  target: toTypeId('whe', webhookEndpointId),
  detail: { host: new URL(url).host },
});
