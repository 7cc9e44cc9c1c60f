/** Limits that an operator sets for one tenant (rules.md 60). */
import { expectProblem, SCIM_INTEGRATION, startService } from '../support/service';

it('rule 60: an operator raises and lowers the limits of one tenant (X5, X9)', async () => {
  const service = await startService({ config: { integrationsPerTenant: 1, recordsPerType: 1 } });
  const [tenant, other] = [await service.givenTenant(), await service.givenTenant()];
  const change = (limits: object, version: number) =>
    service.platform
      .patch(`/v1/tenants/${tenant.id}`, { limits })
      .set('If-Match', `"${version}"`)
      .expect(200);
  const put = async (id: string, of = tenant) =>
    (await of.operator.put(`/v1/records/employees/${id}`, { fields: {} })).status;
  const link = async (of = tenant) => (await of.admin.post('/v1/integrations', SCIM_INTEGRATION)).status;

  const { body } = await change({ integrations: 2, records_per_type: 2 }, 1);
  const raised = [await put('a'), await put('b'), await put('c'), await link(), await link(), await link()];
  const ofOther = [await put('a', other), await put('b', other), await link(other), await link(other)];
  await change({ records_per_type: null }, 2);
  const lowered = [await put('a'), await put('c')];
  const own = await tenant.admin.patch('/v1/tenant', { limits: { integrations: 9 } }).set('If-Match', '"3"');

  expect(body.limits).toEqual({ integrations: 2, records_per_type: 2 });
  expect(raised).toEqual([202, 202, 422, 201, 201, 422]);
  expect(ofOther).toEqual([202, 422, 201, 422]);
  expect(lowered).toEqual([202, 422]);
  expectProblem(own, 400, 'invalid_body');
  await service.close();
});
