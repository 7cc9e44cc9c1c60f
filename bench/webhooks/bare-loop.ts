/**
 * The limits: signed POSTs, as many at once as the product has in progress, and nothing else. One loop uses
 * the product's own client, the other one the client that an ordinary program would use.
 */
import { createHmac, randomBytes } from 'node:crypto';
import { Agent, request } from 'undici';
import { DELIVERING_LIMITS } from '../../activities/dependencies';
import { newUuid, toTypeId } from '../../db/sql/ids';
import { createWebhookSender } from '../../egress/webhook-sender';
import { envelope } from '../../domain/event-catalogue';
import { eachOf } from '../measure';

interface Message {
  uuid: string;
  id: string;
  body: string;
}

/** @returns POSTs per second. */
export async function postInALoop(url: string, count: number): Promise<number> {
  const sender = createWebhookSender({ policy: { allowCidrs: ['127.0.0.0/8'], allowHttp: true } });
  const secrets = [`whsec_${randomBytes(32).toString('base64')}`];
  const send = sender.to({ url, secrets }, new AbortController().signal);
  const perSecond = await postEach(count, async ({ id, body }) => {
    const { error } = await send({ id, at: new Date(), body });
    if (error !== null) throw new Error(error);
  });
  await sender.close();
  return perSecond;
}

/** By undici's `request`, the fastest of the usual clients of Node.js. @returns POSTs per second. */
export async function postByOrdinaryClient(url: string, count: number): Promise<number> {
  const dispatcher = new Agent({ headersTimeout: 15_000, bodyTimeout: 15_000 });
  const key = randomBytes(32);
  const perSecond = await postEach(count, async ({ id, body }) => {
    const timestamp = String(Math.floor(Date.now() / 1_000));
    const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
    const headers = {
      'content-type': 'application/json',
      'user-agent': 'bench',
      'webhook-id': id,
      'webhook-timestamp': timestamp,
      'webhook-signature': `v1,${signature}`,
    };
    const response = await request(url, { method: 'POST', headers, body, dispatcher });
    await response.body.text();
    if (response.statusCode !== 204) throw new Error(`The receiver answered ${response.statusCode}.`);
  });
  await dispatcher.close();
  return perSecond;
}

async function postEach(count: number, post: (message: Message) => Promise<void>): Promise<number> {
  const messages = messagesOf(count);
  const startedAt = performance.now();
  await eachOf(messages, DELIVERING_LIMITS.atOnce, post);
  return count / ((performance.now() - startedAt) / 1_000);
}

export function messagesOf(count: number): Message[] {
  const tenantId = toTypeId('ten', newUuid());
  const data = { message: 'of the size of most: ids, counts and states' };
  return Array.from({ length: count }, (_, sequence) => {
    const uuid = newUuid();
    const id = toTypeId('evt', uuid);
    return {
      uuid,
      id,
      body: JSON.stringify(envelope({ id, type: 'TEST', tenantId, sequence, at: new Date(), data })),
    };
  });
}
