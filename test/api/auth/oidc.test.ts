/**
 * Signing in through a company's own provider: code flow with PKCE, state and nonce, for people who are known
 * here already.
 */
import { type OidcIssuer, startOidcIssuer } from '../../support/servers/oidc-issuer';
import { Browser, givenPerson, type GivenPerson } from '../support/console';
import { eventually, expectProblem, type GivenTenant, type Service, startService } from '../support/service';

let issuer: OidcIssuer;
let service: Service;
let tenant: GivenTenant;
let person: GivenPerson;
beforeAll(async () => {
  issuer = await startOidcIssuer();
  const { url, clientId, clientSecret } = issuer;
  service = await startService({ config: { oidc: { issuer: url, clientId, clientSecret } } });
  tenant = await service.givenTenant();
  person = await givenPerson(service, tenant);
  await tenant.admin
    .post('/v1/people', { name: 'Admin', email: 'admin@example.org', role: 'admin' })
    .expect(201);
});
afterAll(async () => {
  await service.close();
  await issuer.close();
});
beforeEach(() => {
  issuer.claims = { email: person.email, email_verified: true };
});

/** Sends a browser to the provider and returns the address at which it comes back. */
const begin = async (browser: Browser, query = '') => {
  const sent = await browser.get(`/console/v1/oidc${query}`);
  expect(sent.status).toBe(303);
  return issuer.visit(sent.headers.location as string);
};
const comeBack = (browser: Browser, to: URL) =>
  browser.get(`${to.pathname}${to.search}`, { 'Sec-Fetch-Site': 'cross-site' });
const isSignedIn = async (browser: Browser) => (await browser.get('/console/v1/me')).status === 200;
const FAILED = '/console/sign-in?error=sign_in_failed';

it('signs in a person whose address the provider has verified, and returns to the requested page', async () => {
  const browser = new Browser(service.app);
  const to = await begin(browser, `?return_to=${encodeURIComponent('/console/overviews/ovw_1?page=2')}`);
  const before = browser.cookie;

  const back = await comeBack(browser, to);

  expect([back.status, back.headers.location]).toEqual([303, '/console/overviews/ovw_1?page=2']);
  expect((await browser.get('/console/v1/me')).body.person.id).toBe(person.id);
  expect(browser.cookie).not.toBe(before);
  expect(issuer.asked.at(-1)?.get('code_verifier')?.length).toBeGreaterThanOrEqual(43);
  expect((await browser.get('/console/v1/sign-in')).body).toEqual({ oidc: true });
  expect((await tenant.admin.get('/v1/audit-log?action=sign_in.succeeded')).body.data[0]).toMatchObject({
    target: person.id,
    detail: { by: 'oidc' },
  });
});

it.each<[string, () => Record<string, unknown>]>([
  ['an address of no person', () => ({ email: 'unknown@example.org', email_verified: true })],
  ['an address that is not verified', () => ({ email: person.email, email_verified: false })],
  ['an address without email_verified', () => ({ email: person.email })],
  ['no address', () => ({ email_verified: true })],
  // X6: lower() of PostgreSQL made an i of İ, so an address of the attacker's signed in as the admin.
  ['admİn@… for admin@…', () => ({ email: 'admİn@example.org', email_verified: true })],
  ['full-width letters', () => ({ email: 'ａｄｍｉｎ@example.org', email_verified: true })],
  [
    'a token for another client',
    () => ({ email: person.email, email_verified: true, aud: 'another-client' }),
  ],
  ['a token of another sign-in', () => ({ email: person.email, email_verified: true, nonce: 'another' })],
  [
    'a token of another issuer',
    () => ({ email: person.email, email_verified: true, iss: 'https://evil.example' }),
  ],
  ['a token that has expired', () => ({ email: person.email, email_verified: true, exp: 1 })],
])('refuses the sign-in and creates no person: %s', async (_name, claims) => {
  issuer.claims = claims();
  const browser = new Browser(service.app);
  const people = (await tenant.admin.get('/v1/people')).body.data.length;

  const back = await comeBack(browser, await begin(browser));

  expect([back.status, back.headers.location]).toEqual([303, FAILED]);
  expect(await isSignedIn(browser)).toBe(false);
  expect((await tenant.admin.get('/v1/people')).body.data).toHaveLength(people);
});

it('refuses a disabled person', async () => {
  const disabled = await givenPerson(service, tenant, { role: 'viewer' });
  await tenant.admin.delete(`/v1/people/${disabled.id}`).expect(200);
  issuer.claims = { email: disabled.email, email_verified: true };
  const browser = new Browser(service.app);

  expect((await comeBack(browser, await begin(browser))).headers.location).toBe(FAILED);
  await eventually(async () => {
    expect((await tenant.admin.get('/v1/audit-log?action=sign_in.failed')).body.data[0]).toMatchObject({
      target: disabled.id,
      detail: { reason: 'disabled' },
    });
  });
});

it('accepts the answer of the provider only from the browser that it sent there, and once', async () => {
  const [browser, other] = [new Browser(service.app), new Browser(service.app)];
  const to = await begin(browser);

  expect((await comeBack(other, to)).headers.location).toBe(FAILED);
  expect(
    (await comeBack(browser, new URL(to.href.replace(/state=[^&]+/, 'state=forged')))).headers.location,
  ).toBe(FAILED);
  expect((await comeBack(browser, to)).headers.location).toBe(FAILED);
  expect([await isSignedIn(browser), await isSignedIn(other)]).toEqual([false, false]);
});

it.each([
  'https://evil.example',
  '//evil.example',
  '/console//evil.example',
  '/\\evil.example',
  '/consolevil',
  '/v1/tenant',
  '/console/\r\nX: y',
])('returns to pages of the console only: not to %j', async (returnTo) => {
  expectProblem(
    await new Browser(service.app).get(`/console/v1/oidc?return_to=${encodeURIComponent(returnTo)}`),
    400,
    'invalid_query',
  );
});

it('reports that the provider does not answer, and works again once it does', async () => {
  const own = await startService({
    databaseUrl: service.databaseUrl,
    config: { oidc: { issuer: issuer.url, clientId: issuer.clientId, clientSecret: issuer.clientSecret } },
  });
  issuer.state = 'broken';

  const refused = await new Browser(own.app).get('/console/v1/oidc');
  issuer.state = 'well';
  const sent = await new Browser(own.app).get('/console/v1/oidc');
  await own.close();

  expectProblem(refused, 503, 'identity_provider_unavailable');
  expect(refused.headers['retry-after']).toBe('30');
  expect(sent.status).toBe(303);
});

it('does not exist without a configured provider', async () => {
  const own = await startService({ databaseUrl: service.databaseUrl });
  const browser = new Browser(own.app);

  expectProblem(await browser.get('/console/v1/oidc'), 404, 'oidc_not_configured');
  expectProblem(await browser.get('/console/v1/oidc/callback?code=x&state=y'), 404, 'oidc_not_configured');
  expect((await browser.get('/console/v1/sign-in')).body).toEqual({ oidc: false });
  await own.close();
});
