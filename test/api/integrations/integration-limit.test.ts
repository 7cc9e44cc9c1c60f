/** How many integrations a tenant can link (rules.md 60). */
import { expectProblem, SCIM_INTEGRATION, startService } from '../support/service';

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
