/** Wrong passwords by outsiders do not lock the user out of a browser that has signed in before (X7). */
import { Browser, givenPerson, type GivenPerson, PASSWORD, setCookies } from '../support/console';
import { expectProblem, type GivenTenant, type Service, startService } from '../support/service';

const TRUSTED_PROXIES = ['127.0.0.0/8', '::ffff:127.0.0.0/104'];

let service: Service;
let tenant: GivenTenant;
let account: GivenPerson;
beforeAll(async () => {
  service = await startService({ config: { trustedProxies: TRUSTED_PROXIES } });
  tenant = await service.givenTenant();
});
afterAll(() => service.close());
beforeEach(async () => {
  await service.database.withPlatform(({ trx }) => trx.deleteFrom('signInFailures').execute());
  account = await givenPerson(service, tenant);
});

const from = (ip: string) => ({ 'X-Forwarded-For': ip, 'Sec-Fetch-Site': 'same-origin' });
const browserIn = (ip: string) => new Browser(service.app, from(ip));
const attempt = (browser: Browser, password: string, email = account.email) =>
  browser.post('/console/v1/sign-in', { email, password });
/** @returns the statuses. */
async function guess(times: number, ip: string, email = account.email): Promise<number[]> {
  const answers = [];
  for (let time = 0; time < times; time += 1) answers.push(await attempt(browserIn(ip), 'guess', email));
  return answers.map(({ status }) => status);
}
const count = (statuses: number[], status: number) => statuses.filter((each) => each === status).length;

/** Ten networks use up what other browsers may try together. */
async function lockOut(email = account.email): Promise<void> {
  const statuses = [];
  for (let network = 0; network < 10; network += 1)
    statuses.push(...(await guess(7, `203.0.113.${network}`, email)));
  expect([count(statuses, 401), count(statuses, 429)]).toEqual([50, 20]);
}

it('signs in the user whose browser has signed in before, however many passwords others have tried', async () => {
  const own = browserIn('198.51.100.1');
  await own.signIn(account.email);
  await own.post('/console/v1/sign-out');
  await lockOut();

  expectProblem(await attempt(browserIn('198.51.100.1'), PASSWORD), 429, 'too_many_sign_ins');
  await own.signIn(account.email);
  expect((await own.get('/console/v1/me')).status).toBe(200);
});

it('signs in the user in a browser of another network while one network guesses', async () => {
  expect(count(await guess(30, '203.0.113.1'), 401)).toBe(10);

  await browserIn('198.51.100.1').signIn(account.email);
  expectProblem(await attempt(browserIn('203.0.113.1'), PASSWORD), 429, 'too_many_sign_ins');
});

it('counts a /64 of IPv6 as one network', async () => {
  const statuses = [];
  for (let host = 1; host <= 12; host += 1) statuses.push(...(await guess(1, `2001:db8:1:1::${host}`)));

  expect(count(statuses, 401)).toBe(10);
  await browserIn('2001:db8:1:2::1').signIn(account.email);
});

it('does not lock out the users of a network in which someone tries many accounts', async () => {
  const own = browserIn('203.0.113.7');
  await own.signIn(account.email);
  for (let index = 0; index < 105; index += 1) await guess(1, '203.0.113.7', `unknown-${index}@example.org`);

  expectProblem(await attempt(browserIn('203.0.113.7'), PASSWORD), 429, 'too_many_sign_ins');
  await own.signIn(account.email);
});

it('does not let outsiders keep the user from changing the password', async () => {
  const own = await browserIn('198.51.100.1').signIn(account.email);
  await lockOut();
  const change = (current_password: string) =>
    own.post('/console/v1/me/password', { current_password, password: 'another password' });

  for (let time = 0; time < 9; time += 1) expectProblem(await change('guess'), 422, 'wrong_password');
  expect((await change(PASSWORD)).status).toBe(204);
});

it('locks out a browser that has signed in before only after ten wrong passwords of its own', async () => {
  const own = await browserIn('198.51.100.1').signIn(account.email);
  const statuses = [];
  for (let time = 0; time < 25; time += 1) statuses.push((await attempt(own, 'guess')).status);

  // Ten of the browser, and the ten of any browser in this network.
  expect([count(statuses, 401), count(statuses, 429)]).toEqual([20, 5]);
});

describe('the device cookie', () => {
  const deviceCookie = async (of = account) => {
    const browser = browserIn('198.51.100.1');
    const response = await attempt(browser, PASSWORD, of.email);
    return { browser, line: setCookies(response).find((each) => each.includes('device')) as string };
  };

  it('is hidden from scripts and bound to the host, and signs no one in', async () => {
    const { browser, line } = await deviceCookie();
    browser.cookie = undefined;

    expect(line).toMatch(/^__Host-syncline-device-[0-9a-f]{12}=[\w-]+\.[\w-]{43};/);
    expect(line).toMatch(/; Max-Age=34560000; Path=\/; Expires=[^;]+; HttpOnly; Secure; SameSite=Lax$/);
    expect((await browser.get('/console/v1/me')).status).toBe(401);
  });

  it('is not set by a failed sign-in', async () => {
    expect(setCookies(await attempt(browserIn('198.51.100.1'), 'guess'))).toEqual([]);
  });

  it('is kept by the next sign-in, so it gives no further guesses', async () => {
    const { browser, line } = await deviceCookie();
    for (let time = 0; time < 9; time += 1) await attempt(browser, 'guess');
    await browser.signIn(account.email);

    expect(browser.deviceCookies).toEqual([line.split(';')[0]]);
  });

  it.each<[string, (own: string, of: string) => string]>([
    [
      'that was made up',
      (own) => own.replace(/=.*/, `=01980f5c-0000-7000-8000-000000000001.${'A'.repeat(43)}`),
    ],
    ['with another id', (own) => own.replace(/=.{8}/, '=01980f5d')],
    ['without a signature', (own) => own.replace(/\.[^.]*$/, '.')],
    ['of another person, renamed', (own, of) => own.replace(/=.*/, of.slice(of.indexOf('=')))],
    ['that is empty', (own) => own.replace(/=.*/, '=')],
  ])('%s does not count as a browser that has signed in before', async (_what, forge) => {
    const other = await givenPerson(service, tenant);
    const [own, foreign] = [await deviceCookie(), await deviceCookie(other)];
    await lockOut();
    const attacker = browserIn('203.0.113.99');
    attacker.deviceCookies = [forge(own.line.split(';')[0] as string, foreign.line.split(';')[0] as string)];

    expectProblem(await attempt(attacker, PASSWORD), 429, 'too_many_sign_ins');
  });

  it('is kept for each of the people who share a browser', async () => {
    const colleague = await givenPerson(service, tenant);
    const shared = browserIn('198.51.100.1');
    for (const { email } of [account, colleague]) await shared.signIn(email);
    for (const { email } of [account, colleague]) await lockOut(email);

    for (const { email } of [account, colleague]) await shared.signIn(email);
    expect(shared.deviceCookies).toHaveLength(2);
  });

  it('is also given by a change of the password', async () => {
    const { browser } = await deviceCookie();
    browser.deviceCookies = [];
    await browser.post('/console/v1/me/password', {
      current_password: PASSWORD,
      password: 'another password',
    });

    expect(browser.deviceCookies).toHaveLength(1);
  });
});
