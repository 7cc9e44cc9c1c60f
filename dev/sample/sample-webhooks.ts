/**
 * The sample tenant's webhook endpoint: every event of the tenant is posted to the receiver of `npm start`.
 */
import type { Client } from './sample-client';
import { hasReceiverSecret, setReceiverSecret } from '../companions/webhook-receiver';

/** By which a start that has lost `.syncline/sample.json` finds the endpoint. */
export const RECEIVER_DESCRIPTION = 'The receiver of npm start';

/** @returns the new endpoint's id. */
export async function createEndpoint(client: Client, url: string): Promise<string> {
  const { id, secret } = await client.mustCall('POST', '/webhook-endpoints', {
    url,
    description: RECEIVER_DESCRIPTION,
  });
  setReceiverSecret(secret as string);
  return id as string;
}

/** The receiver's port can differ from the last start's. An endpoint that was deleted stays deleted. */
export async function updateEndpointUrl(client: Client, id: string, url: string): Promise<void> {
  const response = await client.call('GET', `/webhook-endpoints/${id}`);
  if (response.status !== 200) return;
  if (!hasReceiverSecret()) {
    const { secret } = await client.mustCall('POST', `/webhook-endpoints/${id}/rotate-secret`);
    setReceiverSecret(secret as string);
    return updateEndpointUrl(client, id, url);
  }
  if (((await response.json()) as { url: string }).url === url) return;
  await client.mustCall(
    'PATCH',
    `/webhook-endpoints/${id}`,
    { url },
    { 'if-match': response.headers.get('etag') ?? '' },
  );
}
