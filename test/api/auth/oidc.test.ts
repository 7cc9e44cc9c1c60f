/**
 * Signing in through a company's own provider: code flow with PKCE, state and nonce, for people who are known
 * here already.
 */
import { createHmac, generateKeyPairSync } from 'node:crypto';
import { encode, type OidcIssuer, signedBy, startOidcIssuer } from '../../support/servers/oidc-issuer';
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
  for (const name of ['kate', 'sam'])
    await tenant.admin.post('/v1/people', { name, email: `${name}@example.org`, role: 'viewer' }).expect(201);
});
afterAll(async () => {
  await service.close();
  await issuer.close();
});
beforeEach(async () => {
  issuer.claims = { email: person.email, email_verified: true };
  issuer.algorithms = ['RS256'];
  issuer.rotateKey();
  await tenant.admin.delete(`/v1/people/${person.id}/identities`).expect(200);
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
  ['the Kelvin sign for k', () => ({ email: '\u212aate@example.org', email_verified: true })],
  ['the long s for s', () => ({ email: '\u017fam@example.org', email_verified: true })],
  ['a zero-width space', () => ({ email: 'ad\u200bmin@example.org', email_verified: true })],
  ['a dot at the end', () => ({ email: 'admin@example.org.', email_verified: true })],
  ['an ideographic full stop', () => ({ email: 'admin@example。org', email_verified: true })],
  ['a plus and a tag', () => ({ email: 'admin+x@example.org', email_verified: true })],
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
  [
    'a token for other audiences',
    () => ({ email: person.email, email_verified: true, aud: ['another', 'a-third'] }),
  ],
  [
    'a token for several audiences without azp',
    () => ({ email: person.email, email_verified: true, aud: ['syncline', 'another'] }),
  ],
  [
    'a token that another client asked for',
    () => ({ email: person.email, email_verified: true, aud: ['syncline', 'another'], azp: 'another' }),
  ],
  [
    'a token for one audience that another client asked for',
    () => ({ email: person.email, email_verified: true, azp: 'another' }),
  ],
  ['a token without nonce', () => ({ email: person.email, email_verified: true, nonce: undefined })],
  ['a token without subject', () => ({ email: person.email, email_verified: true, sub: undefined })],
  ['a token without iat', () => ({ email: person.email, email_verified: true, iat: undefined })],
  ['a token that has expired', () => ({ email: person.email, email_verified: true, exp: 1 })],
  ['email_verified as a text', () => ({ email: person.email, email_verified: 'true' })],
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

describe('the signature of the ID token', () => {
  const other = generateKeyPairSync('rsa', { modulusLength: 2_048 });
  const pem = () => issuer.publicKey.export({ type: 'spki', format: 'pem' }) as string;
  const hs256 = (claims: object, key: string) => {
    const text = `${encode({ alg: 'HS256' })}.${encode(claims)}`;
    return `${text}.${createHmac('sha256', key).update(text).digest('base64url')}`;
  };

  it.each<[string, (claims: Record<string, unknown>) => string]>([
    ['none', (claims) => `${encode({ alg: 'none' })}.${encode(claims)}.`],
    ['None', (claims) => `${encode({ alg: 'None' })}.${encode(claims)}.`],
    ['of HS256 with the public key as the secret', (claims) => hs256(claims, pem())],
    ["of HS256 with the client's secret", (claims) => hs256(claims, issuer.clientSecret)],
    ['by a key that the provider does not publish', (claims) => signedBy(other.privateKey, claims)],
    [
      'by a key that the token brings along',
      (claims) =>
        signedBy(other.privateKey, claims, { jwk: other.publicKey.export({ format: 'jwk' }), kid: 'mine' }),
    ],
    ['empty', (claims) => signedBy(other.privateKey, claims).replace(/[^.]+$/, '')],
  ])('X8: is checked, also if the metadata allow every algorithm: %s', async (_name, signToken) => {
    issuer.algorithms = ['RS256', 'HS256', 'none', 'None'];
    issuer.signToken = signToken;
    const browser = new Browser(service.app);

    const back = await comeBack(browser, await begin(browser));

    expect([back.headers.location, await isSignedIn(browser)]).toEqual([FAILED, false]);
    expect(service.logged.join('')).toContain('a response of the identity provider was refused');
  });

  it('is checked with the keys that the provider uses now: right after it has rotated them', async () => {
    for (let rotation = 0; rotation < 3; rotation += 1) {
      const browser = new Browser(service.app);
      const to = await begin(browser);
      issuer.rotateKey();

      expect((await comeBack(browser, to)).headers.location).toBe('/console');
    }
  });

  it('cannot be checked without the keys of the provider: its outage is reported, and no one signed in', async () => {
    const browser = new Browser(service.app);
    const to = await begin(browser);
    issuer.state = 'no_keys';

    const back = await comeBack(browser, to);
    issuer.state = 'well';

    expectProblem(back, 503, 'identity_provider_unavailable');
    expect(await isSignedIn(browser)).toBe(false);
  });
});

describe('the identity at the provider (X6)', () => {
  const signIn = async (claims: object, app = service.app) => {
    issuer.claims = { email_verified: true, ...claims };
    const browser = new Browser(app);
    const { location } = (await comeBack(browser, await begin(browser))).headers;
    return { location, person: (await browser.get('/console/v1/me')).body.person?.id as string | undefined };
  };
  const OTHER_IDENTITY = '/console/sign-in?error=other_identity';

  it('is linked by the first sign-in, and signs in whatever its address becomes', async () => {
    expect((await signIn({ email: person.email, sub: 's-1' })).person).toBe(person.id);

    for (const claims of [{ email: 'new@example.org' }, { email: person.email, email_verified: false }, {}])
      expect((await signIn({ ...claims, sub: 's-1' })).person).toBe(person.id);

    const { body } = await tenant.admin.get(`/v1/people/${person.id}`);
    expect(body.identities).toEqual([{ issuer: issuer.url, subject: 's-1', linked_at: expect.any(String) }]);
    const { data } = (await tenant.admin.get('/v1/audit-log?action=person.identity_linked')).body;
    expect(data[0]).toMatchObject({ target: person.id, detail: { issuer: issuer.url, subject: 's-1' } });
  });

  it('of another account with the same address is refused, until an admin releases the first', async () => {
    await signIn({ email: person.email, sub: 's-2' });

    expect(await signIn({ email: person.email, sub: 's-3' })).toEqual({ location: OTHER_IDENTITY });
    await eventually(async () => {
      const { data } = (await tenant.admin.get('/v1/audit-log?action=sign_in.failed')).body;
      expect(data[0]).toMatchObject({
        target: person.id,
        detail: { reason: 'other_identity', subject: 's-3' },
      });
    });
    expectProblem(
      await tenant.operator.delete(`/v1/people/${person.id}/identities`),
      403,
      'role_insufficient',
    );
    const released = await tenant.admin.delete(`/v1/people/${person.id}/identities`).expect(200);

    expect(released.body.identities).toEqual([]);
    expect((await signIn({ email: person.email, sub: 's-3' })).person).toBe(person.id);
    expect((await signIn({ email: person.email, sub: 's-2' })).location).toBe(OTHER_IDENTITY);
  });

  it('stays with its person if another person gets the address', async () => {
    await signIn({ email: person.email, sub: 's-4' });
    const heir = await givenPerson(service, tenant, { role: 'viewer' });

    expect((await signIn({ email: heir.email, sub: 's-4' })).person).toBe(person.id);
    expect((await tenant.admin.get(`/v1/people/${heir.id}`)).body.identities).toEqual([]);
  });

  it('is linked to one account only if two ask at the same moment', async () => {
    const browsers = [new Browser(service.app), new Browser(service.app)];
    const ways: URL[] = [];
    for (const browser of browsers) ways.push(await begin(browser));
    let subject = 10;
    issuer.signToken = (
      (sign) => (claims) =>
        sign({ ...claims, sub: `s-${(subject += 1)}` })
    )(issuer.signToken);

    const answers = await Promise.all(
      browsers.map((browser, index) => comeBack(browser, ways[index] as URL)),
    );

    expect(answers.map(({ headers }) => String(headers.location)).toSorted()).toEqual([
      '/console',
      OTHER_IDENTITY,
    ]);
  });

  it('signs in two windows of one account that ask for the first time at the same moment', async () => {
    const browsers = [new Browser(service.app), new Browser(service.app)];
    const ways: URL[] = [];
    for (const browser of browsers) ways.push(await begin(browser));

    const answers = await Promise.all(
      browsers.map((browser, index) => comeBack(browser, ways[index] as URL)),
    );

    expect(answers.map(({ headers }) => headers.location)).toEqual(['/console', '/console']);
    expect((await tenant.admin.get(`/v1/people/${person.id}`)).body.identities).toHaveLength(1);
  });

  it('of two issuers with the same subject are two identities', async () => {
    const second = await startOidcIssuer();
    const { url, clientId, clientSecret } = second;
    const own = await startService({
      databaseUrl: service.databaseUrl,
      config: { oidc: { issuer: url, clientId, clientSecret } },
    });
    const colleague = await givenPerson(service, tenant, { role: 'viewer' });
    await signIn({ email: person.email, sub: 'same' });
    second.claims = { email: colleague.email, email_verified: true, sub: 'same' };
    const browser = new Browser(own.app);

    const sent = await browser.get('/console/v1/oidc');
    await comeBack(browser, await second.visit(sent.headers.location as string));

    expect((await browser.get('/console/v1/me')).body.person.id).toBe(colleague.id);
    await own.close();
    await second.close();
  });
});
