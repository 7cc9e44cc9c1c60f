/**
 * The limit: signed POSTs by the product's own client, as many at once as it has under way, and nothing else.
 */
import { randomBytes } from 'node:crypto';
import { DELIVERING_LIMITS } from '../../activities/dependencies';
import { newUuid, toTypeId } from '../../db/sql/ids';
import { createWebhookSender } from '../../egress/webhook-sender';
import { envelope } from '../../domain/event-catalogue';
import { eachOf } from '../measure';

/** @returns POSTs per second. */
export async function postInALoop(url: string, count: number): Promise<number> {
  const sender = createWebhookSender({ policy: { allowCidrs: ['127.0.0.0/8'], allowHttp: true } });
  const secrets = [`whsec_${randomBytes(32).toString('base64')}`];
  const send = sender.to({ url, secrets }, new AbortController().signal);
  const tenantId = toTypeId('ten', newUuid());
  const messages = Array.from({ length: count }, (_, sequence) => {
    const id = toTypeId('evt', newUuid());
    return {
      id,
      body: JSON.stringify(
        envelope({
          id,
          type: 'TEST',
          tenantId,
          sequence,
          at: new Date(),
          data: { message: 'of the size of most: ids, counts and states' },
        }),
      ),
    };
  });
  const startedAt = performance.now();
  await eachOf(messages, DELIVERING_LIMITS.atOnce, async ({ id, body }) => {
    const { error } = await send({ id, at: new Date(), body });
    if (error !== null) throw new Error(error);
  });
  const seconds = (performance.now() - startedAt) / 1_000;
  await sender.close();
  return count / seconds;
}
