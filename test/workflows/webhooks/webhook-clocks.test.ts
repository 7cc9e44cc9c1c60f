/** The wait before a repeated delivery where the clocks of Temporal and PostgreSQL differ (rules.md 44). */
import { MockActivityEnvironment } from '@temporalio/testing';
import { createWebhookActivities } from '../../../activities/webhooks/webhook-deliveries';
import type { DeliveryReport } from '../../../contract/webhook-endpoint';
import { emitEvents } from '../../../db/webhooks/events';
import { MINUTE, PushEnvironment } from '../../support/environments/push-environment';
import { createEndpoint, startReceiver } from '../../support/fakes/webhooks';

let environment: PushEnvironment;

beforeAll(async () => {
  environment = await PushEnvironment.create();
});
afterAll(() => environment.end());

it.each([10 * MINUTE, -10 * MINUTE])(
  'rule 44: a receiver that failed is not asked again too early by a clock of Temporal that is %i ms off',
  async (offByMs) => {
    const tenant = await environment.tenant();
    const receiver = await startReceiver();
    receiver.answer = (response) => void response.writeHead(500).end();
    const endpointId = await createEndpoint(environment, {
      tenantId: tenant.tenantId,
      url: receiver.url,
    });
    await environment.database.withTenant(tenant.tenantId, (work) =>
      emitEvents(work, [{ type: 'TEST', integrationId: null, data: { message: 'hello' } }]),
    );
    const { deliverDueWebhooks } = createWebhookActivities(environment.dependencies);
    const execute = async (byMs: number) => {
      const firedAt = (await environment.now()) + byMs;
      const report = await new MockActivityEnvironment().run(deliverDueWebhooks, {
        endpointId,
        firedAt,
        recentFailures: [],
      });
      return { firedAt, ...(report as DeliveryReport) };
    };
    await execute(0);
    const received = receiver.received.length;

    const { firedAt, nextDueAt } = await execute(offByMs);

    expect(received).toBe(1);
    expect(receiver.received).toHaveLength(1);
    expect(nextDueAt).toBeGreaterThan(firedAt);
    await receiver.close();
  },
);
