/** What the home page of the console shows first. */
import { sql } from 'kysely';
import { markDatasetSucceeded } from '../../../db/sync-runs/sync-datasets';
import { COUNTED_MAX } from '../../../db/sync-runs/sync-summary';
import { givenOnboarded, givenPulled } from '../support/simulated-worker';
import { givenRunHistory } from '../support/run-history';
import { givenIntegration, type GivenTenant, type Service, startService } from '../support/service';

let service: Service;
let tenant: GivenTenant;
beforeAll(async () => {
  service = await startService();
});
beforeEach(async () => {
  tenant = await service.givenTenant();
});
afterAll(() => service.close());

const readSummary = async (of = tenant) => (await of.viewer.get('/v1/sync-summary').expect(200)).body;
const putEmployee = (id: string) =>
  tenant.operator.put(`/v1/records/employees/${id}`, { fields: { email: `${id}@example.org` } }).expect(202);

it('counts a pending record once, however many integrations it waits for', async () => {
  await givenIntegration(tenant, { is_paused: false });
  await givenIntegration(tenant, { is_paused: false });
  await putEmployee('e-1');
  await putEmployee('e-2');

  const { records } = await readSummary();

  expect(records).toEqual([
    { record_type: 'employees', status: 'sync_pending', records: 2, is_lower_bound: false },
  ]);
});

it('does not count deleted records, which the list of records does not show either', async () => {
  await givenIntegration(tenant, { is_paused: false });
  await putEmployee('e-1');
  await service.database.withTenant(tenant.uuid, ({ trx, tenantId }) =>
    sql`update records set deleted_at = now() where tenant_id = ${tenantId}`.execute(trx),
  );

  expect((await readSummary()).records).toEqual([]);
});

it('returns a lower bound above the number that it counts', async () => {
  await givenIntegration(tenant, { is_paused: false });
  const changes = Array.from({ length: COUNTED_MAX + 1 }, (_, index) => ({
    operation: 'put',
    record_type: 'employees',
    external_id: `e-${index}`,
    fields: { email: `e-${index}@example.org` },
  }));
  for (let at = 0; at < changes.length; at += 500)
    await tenant.operator.post('/v1/records/batch', { records: changes.slice(at, at + 500) }).expect(202);

  const [{ records, is_lower_bound: isLowerBound }] = (await readSummary()).records;

  expect(records).toBeGreaterThanOrEqual(COUNTED_MAX);
  expect(isLowerBound).toBe(true);
});

it('shows when an integration was last read, when it is read next, and the difference of both sides', async () => {
  const worker = await givenOnboarded(service, tenant);
  const place = { integrationId: worker.integration.uuid, isFull: true, watermark: null };
  for (const recordType of ['contacts', 'deals'])
    await worker.work((work) =>
      markDatasetSucceeded(work, { ...place, recordType, counted: { local: 12, remote: 10 } }),
    );
  await tenant.operator
    .post(`/v1/integrations/${worker.integration.id}/sync-runs`, { kind: 'full' })
    .expect(202);
  await worker.run();

  expect((await readSummary()).integrations).toEqual([
    {
      integration_id: worker.integration.id,
      is_pulled: true,
      last_succeeded_at: expect.any(String),
      next_run: { schedule: expect.stringMatching(/^(hourly|nightly)$/), at: expect.any(String) },
      difference: 4,
    },
  ]);
});

it('shows no last or next run for an integration that was never read, or is paused', async () => {
  const { id } = await givenPulled(tenant);
  await tenant.operator.post(`/v1/integrations/${id}/pause`).expect(200);

  expect((await readSummary()).integrations).toEqual([
    { integration_id: id, is_pulled: true, last_succeeded_at: null, next_run: null, difference: null },
  ]);
});

it('counts deletion reviews that wait for a decision, and webhook endpoints that are disabled', async () => {
  await givenRunHistory(service, tenant);
  const { body: endpoint } = await tenant.admin
    .post('/v1/webhook-endpoints', { url: 'https://a.example.com/1' })
    .expect(201);
  await tenant.admin.post(`/v1/webhook-endpoints/${endpoint.id}/disable`).expect(200);

  expect(await readSummary()).toMatchObject({
    pending_deletion_reviews: 1,
    failing_webhook_endpoints: 0,
    disabled_webhook_endpoints: 1,
  });
});

it('contains nothing of another tenant', async () => {
  await givenIntegration(tenant, { is_paused: false });
  await putEmployee('e-1');
  await givenRunHistory(service, tenant);

  const other = await readSummary(await service.givenTenant('Other'));

  expect(other).toEqual({
    as_of: expect.any(String),
    records: [],
    integrations: [],
    open_conflicts: 0,
    pending_deletion_reviews: 0,
    failing_webhook_endpoints: 0,
    disabled_webhook_endpoints: 0,
  });
});
