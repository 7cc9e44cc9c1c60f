/** Signatures, as the published libraries of receivers see them (S14, rules.md 44). */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { newUuid, toTypeId } from '../../db/sql/ids';
import { createWebhookSender } from '../../egress/webhook-sender';
import { signingKeys, signWebhook } from '../../egress/webhook-signature';
import { ensurePythonPackages } from '../support/servers/python-packages';
import { ALL_VERIFIERS, type SignedWebhook, verifiersThatTake } from '../support/fakes/webhook-verifiers';
import { newWebhookSecret } from '../support/fakes/webhooks';

const MINUTE = 60_000;
const sender = createWebhookSender({ policy: { allowCidrs: ['127.0.0.0/8'], allowHttp: true } });
let server: Server;
let received: Omit<SignedWebhook, 'secret'>[] = [];

beforeAll(async () => {
  await ensurePythonPackages();
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      received.push({
        body: Buffer.concat(chunks).toString(),
        headers: request.headers as unknown as SignedWebhook['headers'],
      });
      response.writeHead(204).end();
    });
  });
  // Between two deliveries the other languages take their time; a connection that ends meanwhile would be a
  // fault of the receiver.
  server.keepAliveTimeout = 600_000;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
}, 120_000);
beforeEach(() => {
  received = [];
});
afterAll(async () => {
  await sender.close();
  await new Promise((resolve) => server.close(resolve));
});

/** Sends one as the queue of an endpoint does, and returns what arrived. */
async function deliver({
  secrets,
  body = '{"type":"TEST"}',
  at = new Date(),
}: {
  secrets: string[];
  body?: string;
  at?: Date;
}): Promise<Omit<SignedWebhook, 'secret'>> {
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const send = sender.to({ url, secrets }, new AbortController().signal);
  const { error } = await send({ id: toTypeId('evt', newUuid()), at, body });
  if (error !== null) throw new Error(error);
  return received.at(-1) as Omit<SignedWebhook, 'secret'>;
}

it('signs the test vector of Standard Webhooks identically', () => {
  const message = {
    id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    timestamp: 1_614_265_330,
    body: '{"test": 2432232314}',
  };

  expect(signWebhook(signingKeys(['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw']), message)).toBe(
    'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  );
});

it('is accepted by the libraries of receivers, whatever the body contains', async () => {
  const secret = newWebhookSecret();
  const bodies = [
    '{"type":"TEST"}',
    '{"name":"häß 🙂 日本"}',
    '{"spaces":  "kept" ,"number":1.50}',
    `{"long":"${'x'.repeat(20_000)}"}`,
  ];
  const webhooks: SignedWebhook[] = [];
  for (const body of bodies) webhooks.push({ secret, ...(await deliver({ secrets: [secret], body })) });

  expect(webhooks.map(({ body }) => body)).toEqual(bodies);
  expect(await verifiersThatTake(webhooks)).toEqual(bodies.map(() => ALL_VERIFIERS));
});

it('is refused by the libraries if id, time or body were changed, or with another secret', async () => {
  const secret = newWebhookSecret();
  const { body, headers } = await deliver({ secrets: [secret] });
  const later = String(Number(headers['webhook-timestamp']) + 1);

  const verdicts = await verifiersThatTake([
    { secret, body, headers },
    { secret, body, headers: { ...headers, 'webhook-id': toTypeId('evt', newUuid()) } },
    { secret, body, headers: { ...headers, 'webhook-timestamp': later } },
    { secret, body: body.replace('TEST', 'DATA_NEW'), headers },
    { secret: newWebhookSecret(), body, headers },
  ]);

  expect(verdicts).toEqual([ALL_VERIFIERS, [], [], [], []]);
});

it('is accepted for five minutes, then refused as a replay', async () => {
  const secret = newWebhookSecret();
  const fresh = await deliver({ secrets: [secret], at: new Date(Date.now() - 4 * MINUTE) });
  const stale = await deliver({ secrets: [secret], at: new Date(Date.now() - 6 * MINUTE) });
  const early = await deliver({ secrets: [secret], at: new Date(Date.now() + 6 * MINUTE) });

  const verdicts = await verifiersThatTake([fresh, stale, early].map((webhook) => ({ secret, ...webhook })));

  expect(verdicts).toEqual([ALL_VERIFIERS, [], []]);
});

it('is accepted with the new and with the former secret while both sign', async () => {
  const [newest, former] = [newWebhookSecret(), newWebhookSecret()];
  const both = await deliver({ secrets: [newest, former] });
  const one = await deliver({ secrets: [newest] });

  const verdicts = await verifiersThatTake(
    [both, one].flatMap((webhook) => [newest, former].map((secret) => ({ secret, ...webhook }))),
  );

  expect(verdicts).toEqual([ALL_VERIFIERS, ALL_VERIFIERS, ALL_VERIFIERS, []]);
});

it('has an id without a full stop, which would make its end ambiguous', async () => {
  const { headers } = await deliver({ secrets: [newWebhookSecret()] });

  expect(headers['webhook-id']).toMatch(/^evt_[0-9a-z]+$/);
});
