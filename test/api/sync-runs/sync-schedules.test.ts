import { decideScheduledRun } from '../../../db/sync-runs/scheduled-requests';
import { givenPulled, type Pulled } from '../support/simulated-worker';
import {
  expectProblem,
  givenIntegration,
  type GivenTenant,
  type Service,
  startService,
} from '../support/service';

let service: Service;
let tenant: GivenTenant;
let pulled: Pulled;
beforeAll(async () => {
  service = await startService();
});
beforeEach(async () => {
  tenant = await service.givenTenant();
  pulled = await givenPulled(tenant, { nightly_sync_at: '02:00' });
});
afterAll(() => service.close());

const schedule = async (id = pulled.id) =>
  (await tenant.viewer.get(`/v1/integrations/${id}/sync-schedule`).expect(200)).body;
const fireHourly = (at: string) =>
  service.database.withTenant(tenant.uuid, (work) =>
    decideScheduledRun(work, { integrationId: pulled.uuid, schedule: 'hourly', scheduledAt: new Date(at) }),
  );

it('shows the schedule of an integration as text and as the next runs', async () => {
  const { body: mine } = await tenant.viewer.get('/v1/tenant');
  const shown = await schedule();

  expect(shown).toMatchObject({
    state: 'on',
    time_zone: mine.time_zone,
    nightly_at: '02:00',
    nightly_fallback_at: '03:15',
    skipped_runs: [],
  });
  expect(shown.summary).toBe(
    `Changes every hour at minute ${shown.hourly_at_minute}; everything at 02:00 (${mine.time_zone}).`,
  );
  expect(shown.next_runs).toHaveLength(10);
  expect(shown.next_runs.filter((run: { schedule: string }) => run.schedule === 'nightly')).toHaveLength(5);
  for (const { at, local_time: local } of shown.next_runs) {
    expect(Date.parse(at)).toBeGreaterThan(Date.now());
    expect(new Date(local).toISOString()).toBe(at);
  }
});

it('follows the settings', async () => {
  const change = (settings: object, etag: string) =>
    tenant.admin.patch(`/v1/integrations/${pulled.id}`, settings).set('If-Match', etag).expect(200);
  const { headers } = await change({ is_hourly_sync_on: false, nightly_sync_at: '23:30' }, pulled.etag);
  expect(await schedule()).toMatchObject({
    state: 'on',
    hourly_at_minute: null,
    nightly_at: '23:30',
    nightly_fallback_at: '00:45',
  });

  await change({ nightly_sync_at: null }, headers.etag as string);
  expect(await schedule()).toMatchObject({
    state: 'off',
    summary: 'Only on request.',
    next_runs: [],
  });
});

it('rule 59: shows that the nightly run is due and waits while too many are in progress', async () => {
  expect(await schedule()).toMatchObject({ nightly_waits_since: null });
  const since = new Date(Date.now() - 600_000);
  await service.database.withTenant(tenant.uuid, ({ trx }) =>
    trx.updateTable('syncSchedules').set({ nextAt: since }).where('schedule', '=', 'nightly').execute(),
  );

  expect(await schedule()).toMatchObject({ nightly_waits_since: since.toISOString() });
});

it('says that an integration that only pushes is compared every night', async () => {
  const { id } = await givenIntegration(tenant, { nightly_sync_at: '02:00' });

  expect(await schedule(id)).toMatchObject({
    summary: 'What was pushed is compared at 02:00 (Europe/Berlin).',
    hourly_at_minute: null,
  });
});

it('shows skipped runs with the reason, newest first, page by page', async () => {
  await tenant.operator.post(`/v1/integrations/${pulled.id}/pause`).expect(200);
  for (const hour of ['05', '06', '07']) await fireHourly(`2027-01-10T${hour}:17:00Z`);

  const shown = await schedule();
  expect(shown.state).toBe('paused');
  expect(shown.skipped_runs).toMatchObject([
    {
      schedule: 'hourly',
      scheduled_at: '2027-01-10T07:17:00.000Z',
      reason: 'skipped_paused',
      sync_run_id: null,
      integration_id: pulled.id,
    },
    { scheduled_at: '2027-01-10T06:17:00.000Z' },
    { scheduled_at: '2027-01-10T05:17:00.000Z' },
  ]);
  const list = `/v1/integrations/${pulled.id}/skipped-runs`;
  const first = (await tenant.viewer.get(`${list}?limit=2`).expect(200)).body;
  const rest = (await tenant.viewer.get(`${list}?limit=2&cursor=${first.next_cursor}`).expect(200)).body;
  expect([...first.data, ...rest.data]).toEqual(shown.skipped_runs);
  expect(rest.next_cursor).toBeNull();
});

it('names the run that caused the skip', async () => {
  await fireHourly('2027-01-10T05:17:00Z');

  const [{ id }] = (await tenant.viewer.get('/v1/sync-runs').expect(200)).body.data;
  expect((await schedule()).skipped_runs).toMatchObject([{ reason: 'skipped_overlap', sync_run_id: id }]);
});

it('refuses a cursor of another integration', async () => {
  await tenant.operator.post(`/v1/integrations/${pulled.id}/pause`).expect(200);
  for (const hour of ['05', '06']) await fireHourly(`2027-01-10T${hour}:17:00Z`);
  const { body } = await tenant.viewer.get(`/v1/integrations/${pulled.id}/skipped-runs?limit=1`).expect(200);
  const other = await givenPulled(tenant);

  expectProblem(
    await tenant.viewer.get(`/v1/integrations/${other.id}/skipped-runs?cursor=${body.next_cursor}`),
    400,
    'invalid_cursor',
  );
});
