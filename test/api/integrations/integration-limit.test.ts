/** How many integrations a tenant can link (rules.md 60). */
import { sql } from 'kysely';
import { expectProblem, SCIM_INTEGRATION, startService } from '../support/service';
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

it('rule 33: the banner shows an onboarding behind 1,000 other integrations', async () => {
  const service = await startService();
  const tenant = await service.givenTenant();
  const { id } = await givenPulled(tenant);
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
  await service.close();
});
