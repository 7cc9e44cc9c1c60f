/** Approving the new records of an app that suddenly has many times its records (rules.md 60). */
import { parkGrowth } from '../../../db/pull/growth';
import { newUuid } from '../../../db/sql/ids';
import { type GivenTenant, type Service, startService } from '../support/service';
import { givenOnboarded, type SimulatedWorker } from '../support/simulated-worker';

let service: Service;
let tenant: GivenTenant;
beforeAll(async () => {
  service = await startService();
});
beforeEach(async () => {
  tenant = await service.givenTenant();
});
afterAll(() => service.close());

async function givenReview(): Promise<{ id: string; integration: string; worker: SimulatedWorker }> {
  const worker = await givenOnboarded(service, tenant);
  const { integration } = worker;
  const pass = { integrationId: integration.uuid, syncRunId: newUuid(), recordType: 'contacts' };
  await service.database.withTenant(tenant.uuid, (work) =>
    parkGrowth(work, pass, { grown: 20_000, before: 1_000 }),
  );
  const { body } = await tenant.viewer.get('/v1/deletion-reviews').expect(200);
  expect(body.data).toMatchObject([{ kind: 'grow', records_missing: 20_000, records_before: 1_000 }]);
  return { id: body.data[0].id, integration: integration.id, worker };
}

it('rule 60: approved new records are read again at once (X5)', async () => {
  const { id, integration } = await givenReview();
  const records = await tenant.viewer.get(`/v1/deletion-reviews/${id}/records`).expect(200);
  const { body } = await tenant.admin.post(`/v1/deletion-reviews/${id}/approve`).expect(200);
  const runs = await tenant.viewer.get(`/v1/sync-runs?integration_id=${integration}`).expect(200);

  expect(records.body.data).toEqual([]);
  expect(body).toMatchObject({ state: 'approved', records_deleted: 0 });
  expect(runs.body.data[0]).toMatchObject({ kind: 'full', state: 'queued' });
});

it('reads approved new records again after the run that held them back and has not ended', async () => {
  const { id, integration, worker } = await givenReview();
  await tenant.operator.post(`/v1/integrations/${integration}/sync-runs`, { kind: 'full' }).expect(202);
  await worker.begin();
  await tenant.admin.post(`/v1/deletion-reviews/${id}/approve`).expect(200);
  const runs = await tenant.viewer.get(`/v1/sync-runs?integration_id=${integration}`).expect(200);

  expect(runs.body.data.slice(0, 2)).toMatchObject([
    { kind: 'full', state: 'queued' },
    { kind: 'full', state: 'running' },
  ]);
});

it('reads nothing if the new records are discarded', async () => {
  const { id, integration } = await givenReview();
  const before = await tenant.viewer.get(`/v1/sync-runs?integration_id=${integration}`).expect(200);
  await tenant.admin.post(`/v1/deletion-reviews/${id}/discard`).expect(200);
  const after = await tenant.viewer.get(`/v1/sync-runs?integration_id=${integration}`).expect(200);

  expect(after.body.data).toHaveLength(before.body.data.length);
});
