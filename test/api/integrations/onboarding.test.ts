import { toTypeId } from '../../../db/sql/ids';
import {
  givenOnboarded,
  givenPulled,
  PULLED_INTEGRATION,
  remote,
  SimulatedWorker,
} from '../support/simulated-worker';
import {
  expectProblem,
  givenIntegration,
  type GivenTenant,
  type Service,
  startService,
} from '../support/service';

let service: Service;
let tenant: GivenTenant;
beforeAll(async () => {
  service = await startService();
});
beforeEach(async () => {
  tenant = await service.givenTenant();
});
afterAll(() => service.close());

const CONTACT = '/v1/records/contacts/c-1';

describe('the onboarding lock (rules.md 33)', () => {
  it('refuses changes of pulled record types, and of no others', async () => {
    const { id } = await givenPulled(tenant);

    const put = await tenant.operator.put(CONTACT, { fields: { name: 'Ada' } });
    expectProblem(put, 409, 'onboarding_in_progress');
    expect(JSON.parse(put.text).detail).toContain(id);
    expectProblem(
      await tenant.operator.patch(CONTACT, { fields: { name: 'Ada' } }),
      409,
      'onboarding_in_progress',
    );
    expectProblem(await tenant.operator.delete(CONTACT), 409, 'onboarding_in_progress');
    await tenant.operator.put('/v1/records/employees/e-1', { fields: {} }).expect(202);
  });

  it('refuses them one by one in a batch', async () => {
    await givenPulled(tenant);
    const records = [
      { record_type: 'contacts', external_id: 'c-1', fields: {} },
      { record_type: 'employees', external_id: 'e-1', fields: {} },
    ];

    const { body } = await tenant.operator.post('/v1/records/batch', { records }).expect(202);

    expect(body).toMatchObject({
      accepted: 1,
      refused: 1,
      results: [{ status: 409, problem: { code: 'onboarding_in_progress' } }, { status: 202 }],
    });
  });

  it('allows reads, flagged as partial', async () => {
    await tenant.operator.put(CONTACT, { fields: { name: 'Ada' } }).expect(202);
    expect((await tenant.viewer.get(CONTACT)).body.is_partial).toBe(false);
    const worker = new SimulatedWorker(service, tenant, await givenPulled(tenant));

    const whileReading = [
      await tenant.viewer.get(CONTACT).expect(200),
      await tenant.viewer.get('/v1/records/contacts').expect(200),
    ];
    const ofAnother = await tenant.viewer.get('/v1/records/employees').expect(200);
    await worker.run();
    const afterwards = await tenant.viewer.get('/v1/records/contacts').expect(200);

    expect(whileReading.map(({ body }) => body.is_partial)).toEqual([true, true]);
    expect(whileReading[1]?.body.data).toMatchObject([{ external_id: 'c-1', is_partial: true }]);
    expect(ofAnother.body.is_partial).toBe(false);
    expect(afterwards.body).toMatchObject({ is_partial: false, data: [{ is_partial: false }] });
    await tenant.operator.put(CONTACT, { fields: { name: 'Ada L.' } }).expect(202);
  });

  it('is released while the integration is paused, and when it is unlinked', async () => {
    const { id } = await givenPulled(tenant);
    await tenant.operator.post(`/v1/integrations/${id}/pause`).expect(200);
    await tenant.operator.put(CONTACT, { fields: { name: 'Ada' } }).expect(202);
    expect((await tenant.viewer.get(`/v1/integrations/${id}`)).body.onboarding).toMatchObject({
      state: 'in_progress',
      refuses_changes: false,
    });

    await tenant.operator.post(`/v1/integrations/${id}/resume`).expect(200);
    expectProblem(
      await tenant.operator.put(CONTACT, { fields: { name: 'Ben' } }),
      409,
      'onboarding_in_progress',
    );
    await tenant.admin.delete(`/v1/integrations/${id}`).expect(204);
    await tenant.operator.put(CONTACT, { fields: { name: 'Ben' } }).expect(202);
    expect((await tenant.viewer.get('/v1/onboarding')).body.data).toEqual([]);
  });
});

describe('its progress', () => {
  it('is shown per dataset, as numbers and as text, until it is complete', async () => {
    const worker = new SimulatedWorker(service, tenant, await givenPulled(tenant));
    const path = `/v1/integrations/${worker.integration.id}`;
    const queued = await tenant.viewer.get(path).expect(200);
    const run = await worker.begin();
    await worker.page(run, 'contacts', [remote('1', { name: 'Ada' })], { nextCursor: 'more', total: 3 });

    const { body: banner } = await tenant.viewer.get('/v1/onboarding').expect(200);
    await worker.end(run);
    const complete = await tenant.viewer.get(path).expect(200);

    expect(queued.body.onboarding).toMatchObject({
      state: 'in_progress',
      refuses_changes: true,
      datasets: [{ state: 'queued' }, { state: 'queued' }],
    });
    expect(banner).toMatchObject({
      data: [
        {
          integration_id: worker.integration.id,
          app: 'Example CRM',
          state: 'in_progress',
          sync_run_id: toTypeId('run', run.syncRunId),
          datasets: [
            { record_type: 'contacts', state: 'running', records_read: 1, expected_records: 3 },
            { record_type: 'deals', state: 'queued', records_read: 0, expected_records: null },
          ],
          message: expect.stringContaining('0 of 2 record types done, 1 record so far'),
        },
      ],
      next_cursor: null,
    });
    expect(complete.body.onboarding).toMatchObject({
      state: 'complete',
      refuses_changes: false,
      completed_at: expect.any(String),
      datasets: [{ state: 'succeeded', records_read: 1 }, { state: 'succeeded' }],
      message: null,
    });
    expect((await tenant.viewer.get('/v1/onboarding')).body.data).toEqual([]);
  });

  it('shows that all datasets failed, then their retry, and keeps the lock until success', async () => {
    const worker = new SimulatedWorker(service, tenant, await givenPulled(tenant));
    await worker.end(await worker.begin(), 'failed');
    const bannerNow = async () => (await tenant.viewer.get('/v1/onboarding').expect(200)).body.data[0];
    const failed = await bannerNow();
    expectProblem(await tenant.operator.put(CONTACT, { fields: {} }), 409, 'onboarding_in_progress');
    await tenant.operator
      .post(`/v1/integrations/${worker.integration.id}/sync-runs`, { kind: 'full' })
      .expect(202);
    const again = await worker.begin();
    const retried = await bannerNow();
    await worker.end(again);

    expect(failed).toMatchObject({
      state: 'failed',
      datasets: [{ state: 'failed' }, { state: 'failed' }],
      message: expect.stringContaining('start a full sync'),
    });
    expect(retried).toMatchObject({
      state: 'failed',
      datasets: [{ state: 'queued' }, { state: 'queued' }],
      message: expect.stringContaining('being retried'),
    });
    expect(await bannerNow()).toBeUndefined();
  });

  it('is not needed where nothing is pulled', async () => {
    const { id } = await givenIntegration(tenant);

    expect((await tenant.viewer.get(`/v1/integrations/${id}`)).body.onboarding).toEqual({
      state: 'not_needed',
      refuses_changes: false,
      started_at: null,
      completed_at: null,
      sync_run_id: null,
      datasets: [],
      message: null,
    });
  });
});

describe('a record owned by a third party (rules.md 17)', () => {
  const record_types = {
    contacts: { direction: 'pull', fields: [{ name: 'name', to: 'name' }] },
    deals: { direction: 'pull' },
  };

  async function givenOwned() {
    const { integration } = await givenOnboarded(
      service,
      tenant,
      { contacts: [remote('1', { name: 'Ada' })], deals: [remote('1', { name: 'Deal' })] },
      { record_types },
    );
    return {
      contact: `/v1/records/contacts/${integration.id}:1`,
      deal: `/v1/records/deals/${integration.id}:1`,
    };
  }

  it('is read-only in Syncline, unlike the rest of the record', async () => {
    const { contact, deal } = await givenOwned();

    const refused = await tenant.operator.patch(contact, { fields: { name: 'Ben', note: 'x' } });
    expectProblem(refused, 409, 'field_owned_by_third_party');
    expect(JSON.parse(refused.text).errors).toEqual([
      { pointer: '/fields/name', code: 'read_only', message: expect.any(String) },
    ]);
    expectProblem(
      await tenant.operator.put(contact, { fields: { name: 'Ben' } }),
      409,
      'field_owned_by_third_party',
    );
    expectProblem(await tenant.operator.delete(contact), 409, 'field_owned_by_third_party');
    expectProblem(
      await tenant.operator.patch(deal, { fields: { note: 'x' } }),
      409,
      'field_owned_by_third_party',
    );
    await tenant.operator.patch(contact, { fields: { note: 'x' } }).expect(202);
    await tenant.operator.patch(contact, { fields: { name: 'Ada' } }).expect(202);
  });

  it('is unchanged if a PUT leaves it out', async () => {
    const { contact } = await givenOwned();

    await tenant.operator.put(contact, { fields: { note: 'x' } }).expect(202);

    expect((await tenant.viewer.get(contact)).body.fields).toEqual({ name: 'Ada', note: 'x' });
  });

  it('is refused item by item in a batch', async () => {
    const { contact } = await givenOwned();
    const named = { record_type: 'contacts', external_id: contact.split('/').at(-1) };
    const records = [
      { ...named, operation: 'patch', fields: { name: 'Ben' } },
      { ...named, operation: 'patch', fields: { note: 'y' } },
    ];

    const { body } = await tenant.operator.post('/v1/records/batch', { records }).expect(202);

    expect(body.results).toMatchObject([
      { status: 409, problem: { code: 'field_owned_by_third_party' } },
      { status: 202 },
    ]);
  });
});

describe('the schedule of an integration', () => {
  it('is hourly and in the night by default, and can be changed', async () => {
    const { id, etag } = await givenPulled(tenant);
    const own = await givenPulled(tenant, { is_hourly_sync_on: false, nightly_sync_at: null });

    const { body: byDefault } = await tenant.viewer.get(`/v1/integrations/${id}`);
    const { body: given } = await tenant.viewer.get(`/v1/integrations/${own.id}`);
    const { body: changed } = await tenant.admin
      .patch(`/v1/integrations/${id}`, { is_hourly_sync_on: false, nightly_sync_at: '23:45' })
      .set('If-Match', etag)
      .expect(200);

    expect(byDefault).toMatchObject({
      is_hourly_sync_on: true,
      nightly_sync_at: expect.stringMatching(/^0[1-4]:[0-5][0-9]$/),
    });
    expect(given).toMatchObject({ is_hourly_sync_on: false, nightly_sync_at: null });
    expect(changed).toMatchObject({ is_hourly_sync_on: false, nightly_sync_at: '23:45' });
  });

  it.each(['24:00', '2:00', '02:60', '02:00:00', '', 'midnight'])(
    'refuses the local time %j',
    async (nightly_sync_at) => {
      expectProblem(
        await tenant.admin.post('/v1/integrations', { ...PULLED_INTEGRATION, nightly_sync_at }),
        400,
        'invalid_body',
      );
    },
  );
});

it('names the person who linked the integration as the starter of its first run', async () => {
  await givenPulled(tenant);

  expect((await tenant.viewer.get('/v1/sync-runs')).body.data).toMatchObject([
    { kind: 'onboarding', started_by: expect.stringMatching(/^key:admin/) },
  ]);
});
