/** How many integrations a tenant can link (rules.md 60). */
import { sql } from 'kysely';
import { expectProblem, givenIntegration, SCIM_INTEGRATION, startService } from '../support/service';
import { givenPulled } from '../support/simulated-worker';

it('rule 60: one tenant cannot link integrations without end, not even at the same time (X9)', async () => {
  const service = await startService({ config: { integrationsPerTenant: 3 } });
  const [tenant, other] = [await service.givenTenant(), await service.givenTenant()];

  const answers = await Promise.all(
    Array.from({ length: 6 }, () => tenant.admin.post('/v1/integrations', SCIM_INTEGRATION)),
  );
  const created = answers.filter(({ status }) => status === 201);
  const refused = await tenant.admin.post('/v1/integrations', SCIM_INTEGRATION);
  await other.admin.post('/v1/integrations', SCIM_INTEGRATION).expect(201);
  await tenant.admin.request('delete', `/v1/integrations/${created[0]?.body.id}`).expect(204);
  await tenant.admin.post('/v1/integrations', SCIM_INTEGRATION).expect(201);

  expect(created).toHaveLength(3);
  expectProblem(refused, 422, 'too_many_integrations');
  await service.close();
});

it('shows an onboarding, a record and the runs of a sign-in behind 1,000 other integrations', async () => {
  const service = await startService();
  const tenant = await service.givenTenant();
  const { id } = await givenPulled(tenant);
  const { id: pushed } = await givenIntegration(tenant);
  await tenant.operator.put('/v1/records/employees/e-1', { fields: { first_name: 'Ada' } }).expect(202);
  await service.database.withTenant(tenant.uuid, ({ trx, tenantId }) =>
    sql`
      insert into integrations (tenant_id, integration_id, connector, app, account_name, config,
        record_types, grace_period_ms, initial_push)
      select ${tenantId}::uuid, ('00000000-0000-4000-8000-' || lpad(number::text, 12, '0'))::uuid, 'noop',
        'No operation', 'Account ' || number, '{}', '{}', 0, 'none'
      from generate_series(1, 1000) number`.execute(trx),
  );

  const { body } = await tenant.viewer.get('/v1/onboarding').expect(200);
  expect(body.data).toMatchObject([{ integration_id: id, state: 'in_progress' }]);
  const contacts = await tenant.viewer.get('/v1/records/contacts').expect(200);
  expect(contacts.body.is_partial).toBe(true);
  const record = await tenant.viewer.get('/v1/records/employees/e-1').expect(200);
  expect(record.body).toMatchObject({
    badge: { counts: { sync_pending: 1 } },
    syncs: [{ integration_id: pushed }],
  });
  const list = await tenant.viewer.get('/v1/records/employees').expect(200);
  expect(list.body.data).toMatchObject([{ badge: { counts: { sync_pending: 1 } } }]);
  const signIn = await tenant.operator.post('/v1/sign-ins', { user: 'ana' }).expect(202);
  expect(signIn.body.left_out).toMatchObject([{ integration_id: id, reason: 'onboarding' }]);
  await service.close();
});
