import { newUuid } from '../../../db/sql/ids';
import { givenOnboarded, givenPulled } from '../support/simulated-worker';
import {
  expectProblem,
  givenIntegration,
  type GivenTenant,
  type Service,
  startService,
} from '../support/service';

const USER = { user: 'ana@example.org' };

let service: Service;
let tenant: GivenTenant;
beforeAll(async () => {
  service = await startService();
});
beforeEach(async () => {
  tenant = await service.givenTenant();
});
afterAll(() => service.close());

it('answers at once with an incremental run per integration that pulls (rules.md 28)', async () => {
  const { integration } = await givenOnboarded(service, tenant);
  await givenIntegration(tenant);

  const { body } = await tenant.operator.post('/v1/sign-ins', USER).expect(202);

  expect(body).toMatchObject({
    sync_runs: [
      {
        integration_id: integration.id,
        kind: 'sign_in',
        scope: 'modified',
        state: 'queued',
        started_by: 'sign_in:ana@example.org',
        coalesced: false,
      },
    ],
    left_out: [],
  });
});

it('starts at most one per integration in ten minutes, for all users together', async () => {
  const worker = await givenOnboarded(service, tenant);
  await tenant.operator.post('/v1/sign-ins', USER).expect(202);
  await worker.run();

  const soon = await tenant.operator.post('/v1/sign-ins', { user: 'ben' }).expect(202);
  await worker.work(({ trx, now }) =>
    trx
      .updateTable('syncRuns')
      .set({ requestedAt: new Date(now.getTime() - 10 * 60_000 - 1) })
      .where('kind', '=', 'sign_in')
      .execute(),
  );
  const later = await tenant.operator.post('/v1/sign-ins', { user: 'ben' }).expect(202);

  expect(soon.body).toEqual({
    sync_runs: [],
    left_out: [{ integration_id: worker.integration.id, reason: 'recent' }],
  });
  expect(later.body.sync_runs).toMatchObject([{ started_by: 'sign_in:ben' }]);
});

it('starts none while a run already covers it, and names that run', async () => {
  const worker = await givenOnboarded(service, tenant);
  const { body: running } = await tenant.operator
    .post(`/v1/integrations/${worker.integration.id}/sync-runs`, { kind: 'full' })
    .expect(202);
  await worker.begin();

  const { body } = await tenant.operator.post('/v1/sign-ins', USER).expect(202);

  expect(body.sync_runs).toMatchObject([{ id: running.id, kind: 'full', coalesced: true }]);
});

it('skips integrations that are paused, need new credentials or are being onboarded, with the reason', async () => {
  const onboarding = await givenPulled(tenant);
  const paused = await givenPulled(tenant, { is_paused: true });
  const refused = (await givenOnboarded(service, tenant)).integration;
  await service.database.withTenant(tenant.uuid, ({ trx, now }) =>
    trx
      .updateTable('integrations')
      .set({ needsReauthorizationAt: now })
      .where('integrationId', '=', refused.uuid)
      .execute(),
  );

  const { body } = await tenant.operator.post('/v1/sign-ins', USER).expect(202);

  expect(body).toEqual({
    sync_runs: [],
    left_out: [
      { integration_id: onboarding.id, reason: 'onboarding' },
      { integration_id: paused.id, reason: 'paused' },
      { integration_id: refused.id, reason: 'needs_reauthorization' },
    ],
  });
});

it('does not wait for a lock on an integration', async () => {
  const { integration } = await givenOnboarded(service, tenant);
  let answer: { body: unknown } | undefined;

  await service.database.withTenant(tenant.uuid, async ({ trx }) => {
    await trx
      .selectFrom('integrations')
      .select('integrationId')
      .where('integrationId', '=', integration.uuid)
      .forUpdate()
      .execute();
    answer = await tenant.operator.post('/v1/sign-ins', USER).expect(202);
  });

  expect(answer?.body).toEqual({
    sync_runs: [],
    left_out: [{ integration_id: integration.id, reason: 'busy' }],
  });
});

it('starts one run when two sign in at the same moment', async () => {
  await givenOnboarded(service, tenant);

  const answers = await Promise.all(
    [1, 2, 3, 4].map((number) => tenant.operator.post('/v1/sign-ins', { user: `user ${number}` })),
  );

  expect(answers.map(({ status }) => status)).toEqual([202, 202, 202, 202]);
  expect((await tenant.viewer.get('/v1/sync-runs?kind=sign_in')).body.data).toHaveLength(1);
});

it('succeeds for a tenant without integrations, and is audited', async () => {
  const { body } = await tenant.operator
    .post('/v1/sign-ins', USER)
    .set('Idempotency-Key', newUuid())
    .expect(202);

  expect(body).toEqual({ sync_runs: [], left_out: [] });
  expect((await tenant.admin.get('/v1/audit-log?action=sign_in.reported')).body.data).toMatchObject([
    { detail: { user: 'ana@example.org' } },
  ]);
});

it('needs a user and an operator', async () => {
  expectProblem(await tenant.operator.post('/v1/sign-ins', {}), 400, 'invalid_body');
  expectProblem(await tenant.operator.post('/v1/sign-ins', { user: 'line\nbreak' }), 400, 'invalid_body');
  expectProblem(await tenant.viewer.post('/v1/sign-ins', USER), 403, 'role_insufficient');
});
