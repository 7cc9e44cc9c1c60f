/** The sample tenant's webhook endpoint: everything that happens there is posted to the receiver beside it. */
import type { Client } from './sample-client';
import { tellReceiver } from '../companions/webhook-receiver';

/** @returns the new endpoint's id. */
export async function createEndpoint(client: Client, url: string): Promise<string> {
  const { id, secret } = await client.mustCall('POST', '/webhook-endpoints', {
    url,
    description: 'The receiver of npm start',
  });
  tellReceiver(secret as string);
  return id as string;
}

/** The receiver may listen on another port than last time. An endpoint that the reader has deleted stays deleted. */
export async function followReceiver(client: Client, id: string, url: string): Promise<void> {
  const response = await client.call('GET', `/webhook-endpoints/${id}`);
  if (response.status !== 200 || ((await response.json()) as { url: string }).url === url) return;
  await client.mustCall(
    'PATCH',
    `/webhook-endpoints/${id}`,
    { url },
    { 'if-match': response.headers.get('etag') ?? '' },
  );
}
