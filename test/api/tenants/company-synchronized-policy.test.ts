/**
 * The policy of COMPANY_SYNCHRONIZED: chosen early, changed back until the switch, gone after it (rule 42).
 */
import { loadApiConfig } from '../../../runtime/config';
import { PULLED_INTEGRATION } from '../support/simulated-worker';
import {
  expectProblem,
  givenIntegration,
  type GivenTenant,
  PUBLIC_URL,
  type Service,
  startService,
} from '../support/service';

const SWITCH_AT = new Date('2100-01-02T03:04:05Z');
let before: Service;
let after: Service;
beforeAll(async () => {
  before = await startService({ config: { companySynchronizedSwitchAt: SWITCH_AT } });
  after = await startService({ databaseUrl: before.databaseUrl });
});
afterAll(async () => {
  await after.close();
  await before.close();
});

const choose = async (service: Service, tenant: GivenTenant, policy: string) => {
  const { headers } = await service.platform.get(`/v1/tenants/${tenant.id}`).expect(200);
  return service.platform
    .patch(`/v1/tenants/${tenant.id}`, { company_synchronized_policy: policy })
    .set('If-Match', headers.etag as string);
};
const pinned = async (tenant: GivenTenant) =>
  (
    await before.database.withTenant(tenant.uuid, ({ trx }) =>
      trx.selectFrom('integrations').select('companySynchronizedPolicy').orderBy('integrationId').execute(),
    )
  ).map(({ companySynchronizedPolicy }) => companySynchronizedPolicy);
const HEADERS = {
  deprecation: '@1696896000',
  sunset: 'Sat, 02 Jan 2100 03:04:05 GMT',
  link: `<${PUBLIC_URL}/docs/errors/policy_gone>; rel="deprecation"; type="text/html"`,
};
const deprecationOf = ({ headers: { deprecation, sunset, link } }: { headers: Record<string, string> }) => ({
  deprecation,
  sunset,
  link,
});
const NONE = { deprecation: undefined, sunset: undefined, link: undefined };

it('is all_datasets for a new tenant, without a deprecation', async () => {
  const tenant = await before.givenTenant();
  const shown = await tenant.viewer.get('/v1/tenant').expect(200);

  expect(shown.body.company_synchronized_policy).toBe('all_datasets');
  expect(deprecationOf(shown)).toEqual(NONE);
});

it('can be changed both ways until the switch; answers about the old policy say when it ends', async () => {
  const tenant = await before.givenTenant();
  const chosen = await choose(before, tenant, 'first_dataset');

  expect([chosen.status, chosen.body.company_synchronized_policy]).toEqual([200, 'first_dataset']);
  for (const response of [
    chosen,
    await tenant.viewer.get('/v1/tenant'),
    await before.platform.get(`/v1/tenants/${tenant.id}`),
    await before.platform.get('/v1/tenants'),
  ])
    expect(deprecationOf(response)).toEqual(HEADERS);
  const back = await choose(before, tenant, 'all_datasets');
  expect(deprecationOf(back)).toEqual(NONE);
  expect((await choose(before, tenant, 'first_dataset')).status).toBe(200);
});

it('is chosen by admins of the tenant, on the version that they read', async () => {
  const tenant = await before.givenTenant();
  const { headers, body } = await tenant.admin.get('/v1/tenant').expect(200);
  const etag = headers.etag as string;
  const wanted = {
    company_synchronized_policy: 'first_dataset',
    time_zone: 'Asia/Tokyo',
    contact_email: 'it@example.org',
  };

  expect(body.company_synchronized_switch_at).toBe(SWITCH_AT.toISOString());
  expectProblem(
    await tenant.operator.patch('/v1/tenant', wanted).set('If-Match', etag),
    403,
    'role_insufficient',
  );
  expectProblem(await tenant.admin.patch('/v1/tenant', wanted), 428, 'precondition_required');
  expectProblem(
    await tenant.admin.patch('/v1/tenant', { name: 'Another name' }).set('If-Match', etag),
    400,
    'invalid_body',
  );
  const { body: changed } = await tenant.admin.patch('/v1/tenant', wanted).set('If-Match', etag).expect(200);
  expect(changed).toMatchObject({ ...wanted, name: body.name });
  expectProblem(
    await tenant.admin.patch('/v1/tenant', wanted).set('If-Match', etag),
    412,
    'precondition_failed',
  );
});

it('is pinned when an integration is linked', async () => {
  const tenant = await before.givenTenant();
  await givenIntegration(tenant, PULLED_INTEGRATION);
  await choose(before, tenant, 'first_dataset');
  await givenIntegration(tenant, PULLED_INTEGRATION);
  await choose(before, tenant, 'all_datasets');

  expect(await pinned(tenant)).toEqual(['all_datasets', 'first_dataset']);
  const listed = await tenant.viewer.get('/v1/integrations').expect(200);
  const [first, second] = listed.body.data as { id: string; company_synchronized_policy: string }[];
  expect([first?.company_synchronized_policy, second?.company_synchronized_policy]).toEqual([
    'all_datasets',
    'first_dataset',
  ]);
  const [ofFirst, ofSecond] = [
    await tenant.viewer.get(`/v1/integrations/${first?.id}`),
    await tenant.viewer.get(`/v1/integrations/${second?.id}`),
  ];
  expect(ofSecond.body.company_synchronized_policy).toBe('first_dataset');
  expect([listed, ofFirst, ofSecond].map(deprecationOf)).toEqual([HEADERS, NONE, HEADERS]);
});

it('does not exist after the switch: it is refused, not shown, and not pinned to new links', async () => {
  const tenant = await before.givenTenant();
  await choose(before, tenant, 'first_dataset');
  await givenIntegration(tenant, PULLED_INTEGRATION);
  const later = { ...tenant, admin: after.as(tenant.keys.admin) };

  const refused = await choose(after, tenant, 'first_dataset');
  expectProblem(refused, 422, 'policy_gone');
  expect(deprecationOf(refused)).toMatchObject({
    deprecation: '@1696896000',
    sunset: 'Tue, 10 Oct 2023 00:00:00 GMT',
  });
  const shown = await later.admin.get('/v1/tenant').expect(200);
  expect(shown.body.company_synchronized_policy).toBe('all_datasets');
  expect(deprecationOf(shown)).toEqual(NONE);
  // Each service encrypts with its own keys.
  await givenIntegration(later, { ...PULLED_INTEGRATION, credentials: undefined });
  expect(await pinned(tenant)).toEqual(['first_dataset', 'all_datasets']);
  expect((await choose(after, tenant, 'all_datasets')).status).toBe(200);
});

it('must be a known value', async () => {
  expectProblem(await choose(before, await before.givenTenant(), 'last_dataset'), 400, 'invalid_body');
});

describe('COMPANY_SYNCHRONIZED_SWITCH_AT', () => {
  const environment = {
    DATABASE_URL: 'postgres://u:p@localhost/d',
    ENCRYPTION_KEYS: 'k1:x',
    PLATFORM_KEY: 'x'.repeat(32),
  };

  it('is 2023-10-10 unless set, takes an instant, and nothing else', () => {
    const read = (value?: string) =>
      loadApiConfig({
        ...environment,
        ...(value === undefined ? {} : { COMPANY_SYNCHRONIZED_SWITCH_AT: value }),
      });

    expect(read().companySynchronizedSwitchAt).toEqual(new Date('2023-10-10T00:00:00Z'));
    expect(read('').companySynchronizedSwitchAt).toEqual(new Date('2023-10-10T00:00:00Z'));
    expect(read('2027-01-01T00:00:00+01:00').companySynchronizedSwitchAt).toEqual(
      new Date('2026-12-31T23:00:00Z'),
    );
    for (const wrong of ['soon', '2027-01-01', '2027-13-01T00:00:00Z'])
      expect(() => read(wrong)).toThrow(/COMPANY_SYNCHRONIZED_SWITCH_AT must be a time like/);
  });
});
