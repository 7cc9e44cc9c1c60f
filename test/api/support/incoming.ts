/** An integration whose app sends webhooks that are signed like those of GitHub. */
import { createHmac } from 'node:crypto';
import type { Express } from 'express';
import supertest from 'supertest';
import { listIntegration } from '../../support/servers/list-server';
import type { GivenTenant } from './service';

const SIGNATURE = 'X-Hub-Signature-256';
export const WEBHOOK_SECRET = 'canary-webhook-secret';

export const WEBHOOKS = {
  verify: { type: 'hmac', header: SIGNATURE, prefix: 'sha256=' },
  handshake: { type: 'header', header: 'X-Challenge' },
  events: [{ items: '/events', record_type: 'contacts', id: '/id' }],
};

/** The settings of an integration with webhooks, and a call that reads a record alone. */
export function withWebhooks(url: string): Record<string, unknown> {
  const given = listIntegration(url, ['contacts', 'companies']);
  const config = given['config'] as Record<string, unknown>;
  const types = config['record_types'] as Record<string, object>;
  return {
    ...given,
    is_paused: true, // without an onboarding lock
    config: {
      ...config,
      webhooks: WEBHOOKS,
      record_types: { ...types, contacts: { ...types['contacts'], read: { path: '/contacts/{remote_id}' } } },
    },
  };
}

export interface Incoming {
  id: string;
  /** Its path, without the origin. */
  path: string;
}

export async function givenIncoming(tenant: GivenTenant): Promise<Incoming> {
  const { body } = await tenant.admin
    .post('/v1/integrations', withWebhooks('https://crm.example.com'))
    .expect(201);
  const { body: made } = await tenant.admin
    .post(`/v1/integrations/${body.id}/incoming-webhooks/address`)
    .expect(201);
  await tenant.admin
    .put(`/v1/integrations/${body.id}/incoming-webhooks/secret`, { secret: WEBHOOK_SECRET })
    .expect(200);
  return { id: body.id, path: new URL(made.address).pathname };
}

export const signatureOf = (body: string, secret = WEBHOOK_SECRET): Record<string, string> => ({
  [SIGNATURE]: `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
});

export function callIncoming(
  app: Express,
  path: string,
  body: string,
  headers: Record<string, string> = signatureOf(body),
): supertest.Test {
  return supertest(app).post(path).set('content-type', 'application/json').set(headers).send(body);
}
