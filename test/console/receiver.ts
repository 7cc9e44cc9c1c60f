/**
 * A customer's program that receives webhooks. It answers 204, or 400 to what is not signed with its
 * secret.
 */
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';

export interface Receiver {
  url: string;
  events: { id: string; type: string }[];
  verifyWith(secret: string): void;
  close(): Promise<void>;
}

export async function startReceiver(): Promise<Receiver> {
  const events: Receiver['events'] = [];
  let webhook: Webhook | undefined;
  async function take(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    try {
      if (webhook === undefined) throw new Error('The receiver has no secret yet.');
      events.push(
        webhook.verify(
          Buffer.concat(chunks).toString(),
          request.headers as Record<string, string>,
        ) as Receiver['events'][number],
      );
      response.writeHead(204).end();
    } catch (error) {
      response.writeHead(400).end((error as Error).message);
    }
  }
  const server = http.createServer((request, response) => void take(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/events`,
    events,
    verifyWith(secret) {
      webhook = new Webhook(secret);
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
