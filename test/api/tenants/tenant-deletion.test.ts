/** Deleting a tenant with the platform key (rules.md 62). */
import { randomBytes } from 'node:crypto';
import { HttpError } from '../../../api/http/http-error';
import {
  replaceIncomingAddress,
  saveSubscription,
} from '../../../db/integrations/incoming/incoming-addresses';
import { fromTypeId } from '../../../db/sql/ids';
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

/** Integrations that have subscribed to webhooks of their apps. @returns their ids */
async function givenSubscribed(count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let each = 0; each < count; each += 1) {
    const integrationId = fromTypeId('int', (await givenIntegration(tenant)).id) as string;
    await service.database.withTenant(tenant.uuid, async (work) => {
      const tokenHash = randomBytes(32);
      await replaceIncomingAddress(work, { integrationId, tokenHash });
      const subscription = { ids: ['sub-1'], endsAt: null };
      await saveSubscription(work, { integrationId, tokenHash, secret: null }, subscription);
    });
    ids.push(integrationId);
  }
  return ids;
}

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

it('rule 62: webhook subscriptions at the apps are canceled before the tenant is deleted', async () => {
  const subscribed = await givenSubscribed(2);
  await givenIntegration(tenant);
  const { ended } = service.temporal;
  const known = ended.length;

  const { body } = await remove().expect(202);

  const expected = subscribed.map((integrationId) => ({ tenantId: tenant.uuid, integrationId }));
  expect(ended.slice(known)).toEqual(expect.arrayContaining(expected));
  expect(ended).toHaveLength(known + 2);
  // The fake app changes no row, so the ids are still there.
  expect(body.webhook_subscriptions).toEqual({ canceled: 2, left: 2 });
  expect((await service.platform.get(`${path()}/deletion`).expect(200)).body).toEqual(body);
});

it('rule 62: an app that cancels nothing does not keep a tenant from being deleted', async () => {
  await givenSubscribed(1);
  service.temporal.ending = new HttpError('temporal_unavailable');

  const { status, body } = await remove();
  service.temporal.ending = 'canceled';

  expect(status).toBe(202);
  expect(body).toMatchObject({ state: 'ending', webhook_subscriptions: { canceled: 0, left: 1 } });
});

it('rule 62: an operator who names another tenant cancels no subscription', async () => {
  await givenSubscribed(1);
  const known = service.temporal.ended.length;

  await service.platform.delete(`${path()}?name=Ada`).expect(422);

  expect(service.temporal.ended).toHaveLength(known);
});

it('rule 62: a tenant can delete neither itself nor the platform', async () => {
  await tenant.admin.delete(`${path()}?name=Ada`).expect(403);

  const platform = await service
    .as(PLATFORM_KEY)
    .delete('/v1/tenants/ten_00000000000000000000000000?name=Platform');
  expectProblem(platform, 404, 'tenant_not_found');
});
