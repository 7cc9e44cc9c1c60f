/** Deleting a tenant with the platform key (rules.md 62). */
import { Browser, givenPerson } from '../support/console';
import {
  expectProblem,
  givenIntegration,
  type GivenTenant,
  PLATFORM_KEY,
  type Service,
  startService,
} from '../support/service';

const KEY_CACHE_MS = 1_100;
let service: Service;
let tenant: GivenTenant;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service.close());
beforeEach(async () => {
  tenant = await service.givenTenant('Ada & Sons');
});

const path = () => `/v1/tenants/${tenant.id}`;
const remove = () => service.platform.delete(`${path()}?name=${encodeURIComponent('Ada & Sons')}`);

it('rule 62: an operator who names another tenant deletes nothing', async () => {
  expectProblem(await service.platform.delete(`${path()}?name=Ada`), 422, 'tenant_name_differs');
  expectProblem(await service.platform.delete(path()), 400, 'invalid_query');

  await service.platform.get(path()).expect(200);
  expectProblem(await service.platform.get(`${path()}/deletion`), 404, 'tenant_deletion_not_found');
});

it('rule 62: a deleted tenant is invisible at once, and its keys and sessions are refused', async () => {
  const { id } = await givenIntegration(tenant);
  const person = await givenPerson(service, tenant);
  const browser = await new Browser(service.app).signIn(person.email);
  expect((await browser.get('/console/v1/me')).status).toBe(200);

  const { body } = await remove().expect(202);

  expect(body).toMatchObject({ tenant_id: tenant.id, state: 'ending', deleted_rows: {}, finished_at: null });
  expect((await service.platform.get(`${path()}/deletion`).expect(200)).body).toEqual(body);
  expectProblem(await service.platform.get(path()), 410, 'tenant_deleted');
  expectProblem(await remove(), 410, 'tenant_deleted');
  const list = await service.platform.get('/v1/tenants?limit=200').expect(200);
  expect(list.body.data.map((one: { id: string }) => one.id)).not.toContain(tenant.id);
  // The key may be known to the process for a second; the database refuses its work.
  const late = await tenant.operator.put(`/v1/records/employees/ada`, { fields: {} });
  expect([401, 410]).toContain(late.status);
  await new Promise((resolve) => setTimeout(resolve, KEY_CACHE_MS));
  await tenant.admin.get(`/v1/integrations/${id}`).expect(401);
  expect((await browser.get('/console/v1/me')).status).toBe(401);
  await expect(new Browser(service.app).signIn(person.email)).rejects.toThrow(/401/);
});

it('rule 62: a tenant can delete neither itself nor the platform', async () => {
  await tenant.admin.delete(`${path()}?name=Ada`).expect(403);

  const platform = await service
    .as(PLATFORM_KEY)
    .delete('/v1/tenants/ten_00000000000000000000000000?name=Platform');
  expectProblem(platform, 404, 'tenant_not_found');
});
