/** How attempts are recorded: the log is complete, and a lost claim changes nothing (rules.md 44, 45). */
import { newUuid } from '../../../db/sql/ids';
import { PLATFORM_TENANT_ID } from '../../../db/tables/tenants';
import { claimDueDeliveries, type ClaimedDelivery } from '../../../db/webhooks/claim-deliveries';
import type { FinishedDelivery } from '../../../db/webhooks/finished-delivery';
import { recordDeliveryAttempts } from '../../../db/webhooks/record-attempts';
import { openTestDb, type TestDb } from '../given';

let db: TestDb;
const endpointId = newUuid();
const claimId = newUuid();
const now = new Date();

beforeAll(async () => {
  db = await openTestDb();
  await db.superuser(`insert into webhook_endpoints (tenant_id, webhook_endpoint_id, url, description, secrets, version,
      failing_since, failed_attempts, created_at, updated_at)
    values ('${PLATFORM_TENANT_ID}', '${endpointId}', 'https://example.com', '', '[]', 1, now(), 3, now(), now())`);
});
afterAll(() => db.end());

async function claimed(count: number): Promise<ClaimedDelivery[]> {
  await db.superuser(`insert into webhook_deliveries (tenant_id, webhook_delivery_id, webhook_endpoint_id, event_id,
      state, trigger, next_attempt_at, created_at)
    select gen_random_uuid(), uuidv7(), '${endpointId}', uuidv7(), 'pending', 'event', now() - interval '1 minute', now()
    from generate_series(1, ${count})`);
  const leaseUntil = new Date(now.getTime() + 60_000);
  const claim = { endpoint: { endpointId, version: 1 }, claimId, now, leaseUntil, limit: count };
  return (await db.database.withWebhooksRole((work) => claimDueDeliveries(work, claim))).deliveries;
}

const finish = (
  delivery: ClaimedDelivery,
  status: number,
  outcome: FinishedDelivery['outcome'] = { kind: 'delivered' },
): FinishedDelivery => ({
  delivery,
  outcome,
  attempt: {
    at: now,
    durationMs: 5,
    status,
    error: outcome.kind === 'delivered' ? null : 'no',
    requestHeaders: { 'webhook-id': 'evt_1' },
    responseHeaders: {},
    responseBody: '\0',
  },
});

const record = (finished: FinishedDelivery[]) =>
  db.database.withWebhooksRole((work) =>
    recordDeliveryAttempts(work, {
      endpoint: { endpointId, tenantId: PLATFORM_TENANT_ID },
      claimId,
      finished,
      now,
    }),
  );

it('each delivery of several tenants has its own answer, also of those whose claim was lost', async () => {
  const [ok, noContent, refused, taken, takenAndRefused] = (await claimed(5)) as [
    ClaimedDelivery,
    ClaimedDelivery,
    ClaimedDelivery,
    ClaimedDelivery,
    ClaimedDelivery,
  ];
  const lost = [taken.deliveryId, takenAndRefused.deliveryId];
  await db.superuser(
    `update webhook_deliveries set claim_id = gen_random_uuid() where webhook_delivery_id = any($1)`,
    [lost],
  );

  await record([
    finish(ok, 200),
    finish(noContent, 204),
    finish(refused, 500, { kind: 'retrying', nextAttemptAt: now }),
    finish(taken, 200),
    finish(takenAndRefused, 410, { kind: 'disabled' }),
  ]);

  const rows = await db.superuser(`
    select webhook_delivery_id, state, delivery.attempts, last_status, last_error, claim_id is null as is_free,
      next_attempt_at is null as is_over, finished_at is not null as is_finished, attempt.status, response_body
    from webhook_deliveries delivery left join webhook_attempts attempt using (tenant_id, webhook_delivery_id)`);
  const delivered = { state: 'delivered', attempts: 1, last_error: null, is_free: true, is_over: true };
  const kept = {
    state: 'pending',
    attempts: 0,
    last_status: null,
    is_free: false,
    is_over: false,
    status: null,
  };
  expect(new Map(rows.map((row) => [row.webhook_delivery_id, row]))).toEqual(
    new Map<unknown, unknown>([
      [
        ok.deliveryId,
        expect.objectContaining({
          ...delivered,
          last_status: 200,
          status: 200,
          is_finished: true,
          response_body: '␀',
        }),
      ],
      [noContent.deliveryId, expect.objectContaining({ ...delivered, last_status: 204, status: 204 })],
      [
        refused.deliveryId,
        expect.objectContaining({
          state: 'retrying',
          attempts: 1,
          last_status: 500,
          last_error: 'no',
          status: 500,
        }),
      ],
      [taken.deliveryId, expect.objectContaining(kept)],
      [takenAndRefused.deliveryId, expect.objectContaining(kept)],
    ]),
  );
  const [endpoint] = await db.superuser('select failing_since, failed_attempts from webhook_endpoints');
  expect(endpoint).toEqual({ failing_since: null, failed_attempts: 0 });
});
