/** The time limit of an attempt, lived through: rules.md 44, S10. */
import { createWebhookSender } from '../../egress/webhook-sender';
import { newWebhookSecret } from '../support/fakes/webhooks';
import { OddReceivers } from '../support/servers/odd-receivers';

it('gives a receiver 15 s by default', async () => {
  const receivers = new OddReceivers();
  const sender = createWebhookSender({ policy: { allowCidrs: ['127.0.0.0/8'], allowHttp: true } });
  const port = await receivers.speaking(() => undefined);

  const send = sender.to(
    { url: `http://127.0.0.1:${port}/hooks`, secrets: [newWebhookSecret()] },
    new AbortController().signal,
  );

  const answer = await send({ id: 'evt_1', at: new Date(), body: '{"type":"TEST"}' });
  await sender.close();
  await receivers.close();

  expect(answer).toMatchObject({
    isTimeout: true,
    error: 'The receiver did not respond completely within 15 s.',
  });
});
