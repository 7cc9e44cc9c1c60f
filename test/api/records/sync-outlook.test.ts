/**
 * When a record sync is retried: the time shown must hold, also while its integration is blocked, paused or
 * without good credentials.
 */
import { sql } from 'kysely';
import { fromTypeId } from '../../../db/sql/ids';
import { givenIntegration, type GivenTenant, type Service, startService } from '../support/service';

const RETRY_AT = '2026-11-21T12:00:00.000Z';
const EARLIER = '2026-11-21T11:00:00.000Z';
const LATER = '2026-11-21T13:00:00.000Z';

let service: Service;
let tenant: GivenTenant;
let integrationId: string;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service.close());

beforeEach(async () => {
  tenant = await service.givenTenant();
  integrationId = (await givenIntegration(tenant, { is_paused: false, initial_push: 'none' })).id;
  await tenant.operator.put('/v1/records/employees/e-1', { fields: { email: 'a@example.org' } }).expect(202);
  await update(
    sql`update record_syncs set window_opened_at = null, due_at = null, push_id = gen_random_uuid(), is_push_failing = true, next_attempt_at = ${RETRY_AT}`,
  );
});

const update = (statement: ReturnType<typeof sql>) =>
  service.database.withTenant(tenant.uuid, ({ trx }) =>
    sql`${statement} where tenant_id = ${tenant.uuid} and integration_id = ${fromTypeId('int', integrationId)}`.execute(
      trx,
    ),
  );

/** The outlook of the record sync in both views. */
async function shown() {
  const { body: record } = await tenant.viewer.get('/v1/records/employees/e-1').expect(200);
  const { body: list } = await tenant.viewer.get('/v1/record-syncs').expect(200);
  const of = ({
    next_attempt_at,
    blocked_until,
    blocked_reason,
    is_paused,
    needs_reauthorization,
  }: Record<string, unknown>) => ({
    next_attempt_at,
    blocked_until,
    blocked_reason,
    is_paused,
    needs_reauthorization,
  });
  expect(of(list.data[0])).toEqual(of(record.syncs[0]));
  return of(record.syncs[0]);
}

it('is the due time of the record sync while its integration works', async () => {
  expect(await shown()).toEqual({
    next_attempt_at: RETRY_AT,
    blocked_until: null,
    blocked_reason: null,
    is_paused: false,
    needs_reauthorization: false,
  });
});

it.each([
  [LATER, LATER],
  [EARLIER, RETRY_AT],
])(
  'is not before the integration is no longer blocked, and not before its own time: blocked until %s',
  async (blockedUntil, expected) => {
    await update(sql`update integrations set blocked_reason = 'outage', blocked_until = ${blockedUntil}`);

    expect(await shown()).toMatchObject({
      next_attempt_at: expected,
      blocked_until: blockedUntil,
      blocked_reason: 'outage',
      is_paused: false,
    });
  },
);

it('is unknown while the integration is paused', async () => {
  await tenant.operator.post(`/v1/integrations/${integrationId}/pause`).expect(200);

  expect(await shown()).toMatchObject({ next_attempt_at: null, is_paused: true });
});

it('is unknown while the integration needs new credentials', async () => {
  await update(sql`update integrations set needs_reauthorization_at = now()`);

  expect(await shown()).toMatchObject({ next_attempt_at: null, needs_reauthorization: true });
});

it('is due_at while a newer change waits', async () => {
  await tenant.operator.put('/v1/records/employees/e-1', { fields: { email: 'b@example.org' } }).expect(202);

  const { body } = await tenant.viewer.get('/v1/records/employees/e-1').expect(200);

  expect(body.syncs[0]).toMatchObject({
    status: 'sync_pending',
    due_at: expect.any(String),
    next_attempt_at: null,
  });
});

it('X12: Synced of a record is not verified after a restore, until it is pushed again', async () => {
  const restoredAt = new Date();
  const synced = (at: Date) =>
    update(
      sql`update record_syncs set result_status = 'synced', push_id = null, is_push_failing = false, next_attempt_at = null, last_synced_at = ${at}`,
    );
  await synced(new Date(restoredAt.getTime() - 600_000));
  await update(
    sql`update integrations set unverified_types = ${JSON.stringify({ employees: restoredAt, contacts: restoredAt })}`,
  );
  const seen = async () => {
    const { body: record } = await tenant.viewer.get('/v1/records/employees/e-1').expect(200);
    const { body: records } = await tenant.viewer.get('/v1/records/employees').expect(200);
    const { body: list } = await tenant.viewer.get('/v1/record-syncs').expect(200);
    expect(records.data[0].badge).toEqual(record.badge);
    expect(list.data[0].unverified_since).toBe(record.syncs[0].unverified_since);
    const { status, is_unverified } = record.badge;
    return { status, is_unverified, since: record.syncs[0].unverified_since };
  };
  expect(await seen()).toEqual({ status: 'synced', is_unverified: true, since: restoredAt.toISOString() });
  const { body } = await tenant.viewer.get(`/v1/integrations/${integrationId}`).expect(200);
  expect(body.unverified_types.employees).toBe(restoredAt.toISOString());

  await synced(restoredAt);
  expect(await seen()).toEqual({ status: 'synced', is_unverified: false, since: null });
});
