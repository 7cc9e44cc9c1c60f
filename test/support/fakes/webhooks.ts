/**
 * A receiver of webhooks that notes what it got and answers as a test says, and endpoints made without the
 * API.
 */
import { createHmac, randomBytes } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Database } from '../../../db/database';
import { newUuid } from '../../../db/sql/ids';
import type { Encryption } from '../../../db/platform/encryption';
import { webhookSecretsLocation } from '../../../db/webhooks/endpoint-queue';
import type { EventType } from '../../../domain/event-catalogue';

export interface ReceivedWebhook {
  id: string;
  timestamp: number;
  signatures: string[];
  headers: IncomingHttpHeaders;
  body: string;
}

export interface Receiver {
  url: string;
  received: ReceivedWebhook[];
  /** 204 by default. */
  answer: (response: ServerResponse, webhook: ReceivedWebhook) => void;
  close(): Promise<void>;
}

export async function startReceiver(): Promise<Receiver> {
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const { headers } = request;
      const webhook = {
        id: String(headers['webhook-id']),
        timestamp: Number(headers['webhook-timestamp']),
        signatures: String(headers['webhook-signature']).split(' '),
        headers,
        body,
      };
      receiver.received.push(webhook);
      receiver.answer(response, webhook);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const receiver: Receiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hooks`,
    received: [],
    answer: (response) => void response.writeHead(204).end(),
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
  return receiver;
}

export const newWebhookSecret = (): string => `whsec_${randomBytes(32).toString('base64')}`;

/** As a receiver would check it (Standard Webhooks), written apart from what signs. */
export function isSignedBy(secret: string, { id, timestamp, body, signatures }: ReceivedWebhook): boolean {
  const key = Buffer.from(secret.split('_')[1] as string, 'base64');
  return signatures.includes(
    `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`,
  );
}

export interface EndpointOptions {
  tenantId: string;
  url: string;
  eventTypes?: EventType[];
  ratePerSecond?: number;
  /** The newest first. */
  secrets?: { secret: string; expiresAt: string | null }[];
}

/** @returns the endpoint's id. */
export async function createEndpoint(
  { database, encryption }: { database: Database; encryption: Encryption },
  options: EndpointOptions,
): Promise<string> {
  const endpointId = newUuid();
  await database.withTenant(options.tenantId, async (work) => {
    const secrets: { encrypted: string; expiresAt: string | null }[] = [];
    for (const { secret, expiresAt } of options.secrets ?? [
      { secret: newWebhookSecret(), expiresAt: null },
    ]) {
      secrets.push({
        encrypted: await encryption.encrypt(work, webhookSecretsLocation(endpointId), secret),
        expiresAt,
      });
    }
    await work.trx
      .insertInto('webhookEndpoints')
      .values({
        tenantId: options.tenantId,
        webhookEndpointId: endpointId,
        url: options.url,
        description: '',
        eventTypes: options.eventTypes ?? null,
        integrationIds: null,
        ratePerSecond: options.ratePerSecond ?? null,
        secrets: JSON.stringify(secrets),
        disabledAt: null,
        disabledReason: null,
        failingSince: null,
        warnedAt: null,
        blockedUntil: null,
        createdAt: work.now,
        updatedAt: work.now,
        deletedAt: null,
      })
      .execute();
  });
  return endpointId;
}
