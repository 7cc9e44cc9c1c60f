/** How many deliveries go to one endpoint at the same time (WEBHOOK_DELIVERIES). */
import type { ServerResponse } from 'node:http';
import { emitEvents } from '../../../db/webhooks/events';
import { PushEnvironment } from '../../support/environments/push-environment';
import { createEndpoint, type Receiver, startReceiver } from '../../support/fakes/webhooks';
import { until } from '../../support/until';

let environment: PushEnvironment;
let receiver: Receiver;

beforeAll(async () => {
  environment = await PushEnvironment.create({ webhookTimeoutMs: 60_000 });
});
afterAll(() => environment.end());
beforeEach(async () => {
  receiver = await startReceiver();
});
afterEach(() => receiver.close());

/** More than the width would come within this time. */
const PATIENCE_MS = 200;

/** Answers the first event, and the others when so many wait, or no further one comes. */
function holdUntil(waiting: number, events: number): { most: number } {
  const held: ServerResponse[] = [];
  const seen = { most: 0 };
  const release = (): void => {
    for (const each of held.splice(0)) each.writeHead(204).end();
  };
  receiver.answer = (response) => {
    held.push(response);
    seen.most = Math.max(seen.most, held.length);
    const { length: received } = receiver.received;
    if (received === 1) release();
    else if (held.length === waiting || received === events) setTimeout(release, PATIENCE_MS);
  };
  return seen;
}

it.each([1, 3, 30])('%i deliveries go to an endpoint at the same time, and no more', async (width) => {
  environment.dependencies.delivering.atOnce = width;
  const { tenantId } = await environment.tenant();
  await createEndpoint(environment, { tenantId, url: receiver.url });
  const events = 1 + 3 * width;
  const seen = holdUntil(width, events);

  await environment.database.withTenant(tenantId, (work) =>
    emitEvents(
      work,
      Array.from({ length: events }, () => ({ type: 'TEST', integrationId: null, data: { message: '' } })),
    ),
  );
  await environment.dispatch();
  await until('all have arrived', () => receiver.received.length === events);

  expect(seen.most).toBe(width);
});
