/** Operators sign in to the console with the platform key: what the session opens, and what it does not. */
import { sql } from 'kysely';
import { ROUTE_PERMISSIONS } from '../../../api/routing/route-permissions';
import { newUuid } from '../../../db/sql/ids';
import { Browser, givenPerson, sessionCookieOf, setCookies } from '../support/console';
import { givenRefusedMessage } from '../support/given-refused-message';
import {
  expectProblem,
  type GivenTenant,
  type Method,
  PLATFORM_KEY,
  type Service,
  startService,
} from '../support/service';

const SESSION = '/console/v1/platform/session';
const SIGN_IN = '/console/v1/platform/sign-in';
const SIGN_OUT = '/console/v1/platform/sign-out';

let service: Service;
let tenant: GivenTenant;
let person: Browser;
beforeAll(async () => {
  service = await startService({ config: { trustedProxies: ['loopback'] } });
  tenant = await service.givenTenant();
  person = await new Browser(service.app).signIn((await givenPerson(service, tenant)).email);
});
afterAll(() => service.close());
beforeEach(() => service.database.withPlatform(({ trx }) => trx.deleteFrom('signInFailures').execute()));

const attempt = (platform_key: string, browser = new Browser(service.app)) =>
  browser.post(SIGN_IN, { platform_key });
async function operator(): Promise<Browser> {
  const browser = new Browser(service.app);
  expect((await attempt(PLATFORM_KEY, browser)).status).toBe(204);
  return browser;
}

let networks = 0;
/** Requests without a session are limited by network, so that each one comes from another. */
const fromElsewhere = () => ({ 'X-Forwarded-For': `10.0.${(networks += 1)}.1` });

/** The routes with a path that names nothing that exists. */
const routesOf = (isForPlatform: boolean): { method: Method; path: string }[] =>
  Object.entries(ROUTE_PERMISSIONS).flatMap(([route, access]) => {
    const [method = '', template = ''] = route.split(' ');
    if (access === 'public' || (access === 'platform') !== isForPlatform) return [];
    const path = template.replaceAll(/\{\w+\}/g, newUuid());
    return [{ method: method.toLowerCase() as Method, path: path.replace(/^\/v1/, '/console/v1') }];
  });

describe('the session of an operator', () => {
  it('opens the routes of the platform key, and the key is nowhere in the browser or the database', async () => {
    const id = await givenRefusedMessage(service, tenant);
    const browser = await operator();

    const { body } = await browser.get('/console/v1/platform/outbox');
    const retried = await browser.post(`/console/v1/platform/outbox/${id}/retry`);

    expect(body.refused).toContainEqual(expect.objectContaining({ id: String(id), tenant_id: tenant.id }));
    expect([retried.status, retried.body.next_attempt_at]).toEqual([200, null]);
    expect((await browser.get('/console/v1/tenants')).body.data).toContainEqual(
      expect.objectContaining({ id: tenant.id }),
    );
    const { rows } = await service.database.withPlatform(({ trx }) =>
      sql<{ text: string }>`select console_sessions::text as text from console_sessions`.execute(trx),
    );
    expect(rows.map(({ text }) => text).join()).not.toContain(PLATFORM_KEY);
    expect(browser.cookie).not.toContain(PLATFORM_KEY);
    expect(service.logged.join('')).not.toContain(PLATFORM_KEY);
  });

  it('has a cookie that scripts cannot read and that other sites never send', async () => {
    const line = sessionCookieOf(await attempt(PLATFORM_KEY));

    expect(line.split('; ').slice(1).toSorted()).toEqual(['HttpOnly', 'Path=/', 'SameSite=Strict', 'Secure']);
  });

  it('is no session on any route of a tenant', async () => {
    const browser = await operator();
    const routes = routesOf(false);

    expect(routes.length).toBeGreaterThan(100);
    for (const { method, path } of routes)
      expectProblem(await browser.send(method, path, undefined, fromElsewhere()), 401, 'not_signed_in');
    expect((await browser.get(SESSION)).status).toBe(200);
  });

  it('is needed on every route for operators: no person, no key and no visitor has one', async () => {
    const visitor = new Browser(service.app);
    const routes = routesOf(true);

    expect(routes.length).toBeGreaterThan(20);
    for (const { method, path } of routes) {
      for (const browser of [person, visitor])
        expectProblem(await browser.send(method, path, undefined, fromElsewhere()), 401, 'not_signed_in');
      for (const caller of [service.platform, tenant.admin])
        expectProblem(await caller.request(method, path).set(fromElsewhere()), 401, 'not_signed_in');
    }
    expect((await person.get('/console/v1/me')).status).toBe(200);
  });

  it('is not accepted on /v1', async () => {
    expectProblem(await (await operator()).get('/v1/platform/outbox'), 401, 'unauthorized');
  });

  it('replaces the session of a person in the same browser, and is replaced by one', async () => {
    const account = await givenPerson(service, tenant);
    const browser = await new Browser(service.app).signIn(account.email);
    const former = browser.cookie;
    await attempt(PLATFORM_KEY, browser);
    const stolen = new Browser(service.app);
    stolen.cookie = former;

    expect(browser.cookie).not.toBe(former);
    expectProblem(await stolen.get('/console/v1/me'), 401, 'not_signed_in');
    expectProblem(await browser.get('/console/v1/me'), 401, 'not_signed_in');
    await browser.signIn(account.email);
    expect((await browser.get('/console/v1/me')).status).toBe(200);
    expectProblem(await browser.get(SESSION), 401, 'not_signed_in');
  });

  it('cannot be used, begun or ended by a page of another site', async () => {
    const browser = await operator();
    const foreign = new Browser(service.app, { 'Sec-Fetch-Site': 'cross-site' });
    foreign.cookie = browser.cookie;

    expectProblem(await foreign.post('/console/v1/tenants', { name: 'x' }), 403, 'cross_site_request');
    expectProblem(await foreign.post(SIGN_OUT), 403, 'cross_site_request');
    expectProblem(await attempt(PLATFORM_KEY, foreign), 403, 'cross_site_request');
    expect((await browser.get(SESSION)).status).toBe(200);
  });

  it('ends by signing out, for a stolen cookie too', async () => {
    const browser = await operator();
    const stolen = new Browser(service.app);
    stolen.cookie = browser.cookie;

    const response = await browser.post(SIGN_OUT);

    expect(setCookies(response).join()).toMatch(/^__Host-syncline=;.*Expires=Thu, 01 Jan 1970/);
    expectProblem(await stolen.get(SESSION), 401, 'not_signed_in');
  });

  it('ends 15 minutes after its last use, and 12 hours after the sign-in in any case', async () => {
    const minutesLeft = async () => {
      const { rows } = await service.database.withPlatform(({ trx }) =>
        sql<{ minutes: number }>`
          select round(extract(epoch from expire - now()) / 60)::int as minutes from console_sessions
          where sess->'platform' is not null`.execute(trx),
      );
      return rows[0]?.minutes;
    };
    await service.database.withPlatform(({ trx }) =>
      sql`delete from console_sessions where sess->'platform' is not null`.execute(trx),
    );
    const browser = await operator();
    expect(await minutesLeft()).toBe(15);
    await service.database.withPlatform(({ trx }) =>
      sql`update console_sessions set sess = jsonb_set(sess::jsonb, '{platform,at}', to_jsonb(to_char(
            now() at time zone 'utc' - interval '11 hours 55 minutes', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')))::json
          where sess->'platform' is not null`.execute(trx),
    );

    expect((await browser.get(SESSION)).status).toBe(200);
    expect(await minutesLeft()).toBe(5);
    await service.database.withPlatform(({ trx }) =>
      sql`update console_sessions set expire = now() - interval '1 second'
          where sess->'platform' is not null`.execute(trx),
    );
    expectProblem(await browser.get(SESSION), 401, 'not_signed_in');
  });

  it('ends when the platform key changes', async () => {
    const browser = await operator();
    const changed = await startService({
      databaseUrl: service.databaseUrl,
      config: { platformKey: 'another-key-of-the-platform-0123456789' },
    });
    const there = new Browser(changed.app);
    there.cookie = browser.cookie;

    expectProblem(await there.get(SESSION), 401, 'not_signed_in');
    expectProblem(await attempt(PLATFORM_KEY, there), 401, 'platform_key_wrong');
    await changed.close();
  });
});

describe('signing in with the platform key', () => {
  it('is refused for the key of a tenant and for a part of the key', async () => {
    for (const key of [tenant.keys.admin, PLATFORM_KEY.slice(0, -1), `${PLATFORM_KEY} `]) {
      const response = await attempt(key);
      expectProblem(response, 401, 'platform_key_wrong');
      expect(setCookies(response)).toEqual([]);
    }
  });

  it('is refused after ten wrong keys from one network, the right key included, and works from another one', async () => {
    const from = (ip: string, key: string) =>
      attempt(key, new Browser(service.app, { 'Sec-Fetch-Site': 'same-origin', 'X-Forwarded-For': ip }));
    for (let wrong = 0; wrong < 10; wrong += 1)
      expectProblem(await from(`2001:db8:0:1::${wrong + 1}`, 'wrong'), 401, 'platform_key_wrong');

    const refused = await from('2001:db8:0:1::ff', PLATFORM_KEY);
    expectProblem(refused, 429, 'too_many_sign_ins');
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(800);
    expect((await from('2001:db8:0:2::1', PLATFORM_KEY)).status).toBe(204);
  });

  it('is in the audit log of the platform, and so is what the session does', async () => {
    const id = await givenRefusedMessage(service, tenant);
    await attempt('wrong');
    const browser = await operator();
    const { session_id: session } = (await browser.get(SESSION)).body;
    await browser.post(`/console/v1/platform/outbox/${id}/retry`);
    await browser.post(SIGN_OUT);

    const { body } = await service.platform.get('/v1/platform/audit-log?limit=4').expect(200);

    expect(body.data.toReversed()).toMatchObject([
      { actor: 'unknown', action: 'sign_in.failed' },
      { actor: 'platform', action: 'sign_in.succeeded', detail: { session } },
      { actor: 'platform', action: 'outbox_message.retried', detail: { session, tenant_id: tenant.id } },
      { actor: 'platform', action: 'signed_out', detail: { session } },
    ]);
  });
});
