/**
 * Sessions of the console: the cookie, other sites, guessing, and everything that ends one (rules.md S9,
 * S19).
 */
import { sql } from 'kysely';
import supertest from 'supertest';
import { fromTypeId, newUuid, toTypeId } from '../../../db/sql/ids';
import {
  Browser,
  givenPerson,
  type GivenPerson,
  PASSWORD,
  sessionCookieOf,
  setCookies,
} from '../support/console';
import { givenOnboarded } from '../support/simulated-worker';
import {
  eventually,
  expectProblem,
  givenIntegration,
  type GivenTenant,
  listening,
  type Service,
  startService,
} from '../support/service';

let service: Service;
let tenant: GivenTenant;
let person: GivenPerson;
beforeAll(async () => {
  service = await startService();
  tenant = await service.givenTenant();
  person = await givenPerson(service, tenant);
});
afterAll(() => service.close());
// Every test has a network of its own as far as guessing goes.
beforeEach(() => service.database.withPlatform(({ trx }) => trx.deleteFrom('signInFailures').execute()));

const signIn = (of: GivenPerson = person, password = PASSWORD) =>
  new Browser(service.app).signIn(of.email, password);
const me = (browser: Browser) => browser.get('/console/v1/me');
const attempt = (email: string, password: string) =>
  new Browser(service.app).post('/console/v1/sign-in', { email, password });

describe('the cookie', () => {
  it('is bound to the host and to TLS, hidden from scripts, and kept here as a hash only', async () => {
    const response = await attempt(person.email, PASSWORD);
    const line = sessionCookieOf(response);
    const id = decodeURIComponent(line.split(/[=;]/)[1] as string)
      .slice(2)
      .split('.')[0] as string;
    const { rows } = await service.database.withPlatform(({ trx }) =>
      sql<{ text: string }>`select console_sessions::text as text from console_sessions`.execute(trx),
    );

    expect(line.split('; ').slice(1).toSorted()).toEqual(['HttpOnly', 'Path=/', 'SameSite=Lax', 'Secure']);
    expect(line).toMatch(/^__Host-syncline=s%3A/);
    expect(id.length).toBeGreaterThanOrEqual(32);
    expect(rows.map(({ text }) => text).join()).not.toContain(id);
    expect(service.logged.join('')).not.toContain(id);
  });

  it('has a plain name without TLS on this machine alone, where PUBLIC_URL says so', async () => {
    const nameAt = async (publicUrl: string) => {
      const own = await startService({ databaseUrl: service.databaseUrl, config: { publicUrl } });
      const line = sessionCookieOf(
        await new Browser(own.app).post('/console/v1/sign-in', { email: person.email, password: PASSWORD }),
      );
      await own.close();
      return [line.split('=')[0], line.includes('Secure')];
    };

    expect(await nameAt('http://localhost:8080')).toEqual(['syncline', false]);
    expect(await nameAt('http://127.0.0.1:8080')).toEqual(['syncline', false]);
    expect(await nameAt('http://127.0.0.1.example.org')).toEqual(['__Host-syncline', true]);
    expect(await nameAt('https://syncline.example.org')).toEqual(['__Host-syncline', true]);
  });

  it('is accepted on /console/v1 and not on /v1; a key is not accepted on /console/v1 (S19)', async () => {
    const browser = await signIn();

    expect((await browser.get('/console/v1/integrations')).status).toBe(200);
    expectProblem(await browser.get('/v1/integrations'), 401, 'unauthorized');
    expectProblem(await tenant.admin.get('/console/v1/integrations'), 401, 'not_signed_in');
    expectProblem(await service.platform.get('/console/v1/tenants'), 401, 'not_signed_in');
    expectProblem(await tenant.admin.get('/console/v1/me'), 401, 'not_signed_in');
  });

  it("gives the address of Temporal's UI, if configured, only to people who may run syncs", async () => {
    const workflowsUrl = 'http://temporal.internal:8233/namespaces/default/workflows';
    const own = await startService({ config: { workflowsUrl } });
    const there = await own.givenTenant();
    const workflowsUrlOf = async (role: 'viewer' | 'operator', on = own, of = there) =>
      (await me(await new Browser(on.app).signIn((await givenPerson(on, of, { role })).email))).body
        .workflows_url;

    expect([
      await workflowsUrlOf('operator'),
      await workflowsUrlOf('viewer'),
      await workflowsUrlOf('operator', service, tenant),
    ]).toEqual([workflowsUrl, null, null]);
    await own.close();
  });

  it.each(['', 'x', '__Host-syncline=s%3Aabc.def', `__Host-syncline=${'x'.repeat(500)}`])(
    'is refused if it is invented: %s',
    async (cookie) => {
      const browser = new Browser(service.app);
      browser.cookie = cookie;

      expectProblem(await me(browser), 401, 'not_signed_in');
    },
  );

  it('is not set without a sign-in', async () => {
    const answers = [
      await new Browser(service.app).get('/console/v1/me'),
      await new Browser(service.app).get('/console/v1/sign-in'),
      await attempt(person.email, 'wrong'),
    ];

    expect(answers.flatMap(setCookies)).toEqual([]);
  });
});

describe('other sites (S19)', () => {
  const CHANGE = { name: 'x', email: 'cross@example.org', role: 'viewer' };

  it.each<[string, Record<string, string>]>([
    ['another site', { 'Sec-Fetch-Site': 'cross-site' }],
    ['a sibling site', { 'Sec-Fetch-Site': 'same-site' }],
    ['an unknown value', { 'Sec-Fetch-Site': 'friendly' }],
    ['an older browser on another site', { Origin: 'https://evil.example' }],
    ['a page without an origin', { Origin: 'null' }],
    ['our host without TLS', { Origin: 'http://syncline.test:81' }],
  ])('cannot change anything with the cookie: %s', async (_name, headers) => {
    const browser = await signIn();
    const foreign = new Browser(service.app, headers);
    foreign.cookie = browser.cookie;

    expectProblem(await foreign.post('/console/v1/people', CHANGE), 403, 'cross_site_request');
    expectProblem(await foreign.post('/console/v1/sign-out'), 403, 'cross_site_request');
    expectProblem(
      await foreign.post('/console/v1/sign-in', { email: person.email, password: PASSWORD }),
      403,
      'cross_site_request',
    );
    expect((await me(browser)).status).toBe(200);
  });

  it.each<[string, Record<string, string>]>([
    ['our own page', { 'Sec-Fetch-Site': 'same-origin' }],
    ['an address typed in', { 'Sec-Fetch-Site': 'none' }],
    ['an older browser on our own page', { Origin: 'http://syncline.test' }],
    ['no browser', {}],
  ])('are distinguished by %s', async (_name, headers) => {
    const browser = new Browser(service.app, headers);

    await browser.signIn(person.email);

    expect((await browser.post('/console/v1/sign-out')).status).toBe(204);
  });

  it('cannot send a form: only JSON is read', async () => {
    const browser = await signIn();

    const response = await supertest(service.app)
      .post('/console/v1/people')
      .set('Cookie', browser.cookie as string)
      .set('Content-Type', 'text/plain')
      .send(JSON.stringify(CHANGE));

    expectProblem(response, 415, 'unsupported_media_type');
  });
});

describe('fixation (S19)', () => {
  it('is prevented: a sign-in creates a new id, and the previous one is invalid', async () => {
    const attacker = await signIn(await givenPerson(service, tenant, { role: 'viewer' }));
    const victim = new Browser(service.app);
    victim.cookie = attacker.cookie;

    await victim.signIn(person.email);

    expect(victim.cookie).not.toBe(attacker.cookie);
    expectProblem(await me(attacker), 401, 'not_signed_in');
    expect((await me(victim)).body.person.id).toBe(person.id);
  });
});

describe('a session ends', () => {
  it('by signing out, and the cookie is invalid afterwards', async () => {
    const browser = await signIn();
    const stolen = new Browser(service.app);
    stolen.cookie = browser.cookie;

    const response = await browser.post('/console/v1/sign-out');

    expect(setCookies(response).join()).toMatch(/^__Host-syncline=;.*Expires=Thu, 01 Jan 1970/);
    expectProblem(await me(stolen), 401, 'not_signed_in');
  });

  it.each([
    [
      'after 30 minutes without use',
      sql`update console_sessions set expire = now() - interval '1 second' where session_id = `,
    ],
    [
      '12 hours after signing in, used or not',
      sql`update console_sessions set sess = jsonb_set(sess::jsonb, '{signedIn,at}', to_jsonb(to_char(now() at time zone 'utc' - interval '12 hours', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')))::json where session_id = `,
    ],
  ])('%s', async (_name, statement) => {
    const browser = await signIn();
    const sessionId = (await me(browser)).body.session_id as string;
    const { rows } = await service.database.withPlatform(({ trx }) =>
      sql<{ sessionId: string }>`select session_id from console_sessions`.execute(trx),
    );
    const uuid = rows
      .map((row) => row.sessionId)
      .find((id) => id !== null && toTypeId('ses', id) === sessionId);

    await service.database.withPlatform(({ trx }) => sql`${statement}${uuid}`.execute(trx));

    expectProblem(await me(browser), 401, 'not_signed_in');
  });

  it('when the person is disabled, with the next request; a changed role applies from then on too', async () => {
    const [leaving, changing] = [await givenPerson(service, tenant), await givenPerson(service, tenant)];
    const [gone, changed] = [await signIn(leaving), await signIn(changing)];
    expect((await changed.get('/console/v1/people')).status).toBe(200);

    await tenant.admin.delete(`/v1/people/${leaving.id}`).expect(200);
    const { headers } = await tenant.admin.get(`/v1/people/${changing.id}`);
    await tenant.admin
      .patch(`/v1/people/${changing.id}`, { role: 'viewer' })
      .set('If-Match', headers.etag as string)
      .expect(200);

    expectProblem(await me(gone), 401, 'not_signed_in');
    expectProblem(await changed.get('/console/v1/people'), 403, 'role_insufficient');
    expect((await me(changed)).body.role).toBe('viewer');
  });

  it('when the person changes the password: all other sessions; this one continues under a new id', async () => {
    const account = await givenPerson(service, tenant);
    const [here, elsewhere] = [await signIn(account), await signIn(account)];
    const old = here.cookie;

    expectProblem(
      await here.post('/console/v1/me/password', { current_password: 'wrong', password: 'another password' }),
      422,
      'wrong_password',
    );
    expect(
      (
        await here.post('/console/v1/me/password', {
          current_password: PASSWORD,
          password: 'another password',
        })
      ).status,
    ).toBe(204);

    expect(here.cookie).not.toBe(old);
    expect((await me(here)).status).toBe(200);
    expectProblem(await me(elsewhere), 401);
    expectProblem(await attempt(account.email, PASSWORD), 401, 'sign_in_failed');
    await signIn(account, 'another password');
  });

  it('when the person or an admin ends it', async () => {
    const account = await givenPerson(service, tenant, { role: 'viewer' });
    const [one, two, three] = [await signIn(account), await signIn(account), await signIn(account)];
    const { data } = (await one.get('/console/v1/me/sessions')).body;
    const idOf = async (browser: Browser) => (await me(browser)).body.session_id as string;
    const [second, third] = [await idOf(two), await idOf(three)];

    expect((await one.send('delete', `/console/v1/me/sessions/${second}`)).status).toBe(204);
    await tenant.admin.delete(`/v1/people/${account.id}/sessions/${third}`).expect(204);

    expect(data.map(({ is_current }: { is_current: boolean }) => is_current)).toEqual([false, false, true]);
    expect([(await me(one)).status, (await me(two)).status, (await me(three)).status]).toEqual([
      200, 401, 401,
    ]);
    expectProblem(await one.send('delete', `/console/v1/me/sessions/${third}`), 404, 'session_not_found');
    expectProblem(
      await one.send('delete', `/console/v1/me/sessions/${toTypeId('ses', newUuid())}`),
      404,
      'session_not_found',
    );
    expect((await tenant.admin.get(`/v1/people/${account.id}/sessions`)).body.data).toHaveLength(1);
  });

  it('of which only the last 200 are listed', async () => {
    const account = await givenPerson(service, tenant, { role: 'viewer' });
    const browser = await signIn(account);
    await service.database.withPlatform(({ trx }) =>
      sql`
        insert into console_sessions (sid, sess, expire)
        select sid || number, jsonb_set(sess::jsonb, '{signedIn,sessionId}',
          to_jsonb('00000000-0000-7000-8000-' || lpad(number::text, 12, '0')))::json, expire
        from console_sessions, generate_series(1, 250) number
        where person_id = ${fromTypeId('psn', account.id)}`.execute(trx),
    );

    const { data } = (await browser.get('/console/v1/me/sessions')).body;
    expect(data).toHaveLength(200);
    expect(data[0].is_current).toBe(true);
  });

  it('in the middle of an open stream', async () => {
    const account = await givenPerson(service, tenant, { role: 'viewer' });
    const browser = await signIn(account);
    const { port, close } = await listening(service.app);
    const stream = await fetch(`http://127.0.0.1:${port}/console/v1/stream`, {
      headers: { Cookie: browser.cookie as string },
    });
    const reader = (stream.body as ReadableStream<Uint8Array>).getReader();
    await browser.post('/console/v1/sign-out');

    // Something happens at the tenant, and instead of hearing of it the listener is cut off.
    let text = '';
    const ended = (async () => {
      for (let part = await reader.read(); !part.done; part = await reader.read())
        text += new TextDecoder().decode(part.value);
      return true;
    })();
    await eventually(async () => {
      const { id } = await givenIntegration(tenant);
      await tenant.admin.post(`/v1/integrations/${id}/resume`);
      expect(service.stream.openStreams(tenant.uuid)).toBe(0);
    });

    expect([stream.status, await ended]).toEqual([200, true]);
    expect(text).not.toContain('event: notifications');
    await close();
  });
});

describe('guessing (S9)', () => {
  const bodyOf = ({ body }: { body: object }) => ({ ...body, request_id: null });

  it('gets the same answer for an unknown address, a wrong password, no password yet, and a disabled person', async () => {
    const [disabled, invited] = [
      await givenPerson(service, tenant, { role: 'viewer' }),
      'invited@example.org',
    ];
    await tenant.admin.delete(`/v1/people/${disabled.id}`).expect(200);
    await tenant.admin.post('/v1/people', { name: 'x', email: invited, role: 'viewer' }).expect(201);

    const answers = [
      await attempt('unknown@example.org', PASSWORD),
      await attempt(person.email, 'x'),
      await attempt(invited, PASSWORD),
      await attempt(disabled.email, PASSWORD),
    ];

    for (const answer of answers) {
      expectProblem(answer, 401, 'sign_in_failed');
      expect(bodyOf(answer)).toEqual(bodyOf(answers[0] as { body: object }));
      expect(Object.keys(answer.headers).toSorted()).toEqual(
        Object.keys(answers[0]?.headers as object).toSorted(),
      );
    }
  });

  it('gives no further guesses for an address that is spelled in another way (X6)', async () => {
    const account = await givenPerson(service, tenant);
    const spellings = [account.email, account.email.toUpperCase(), fullWidth(account.email)];

    const answers = [];
    for (let guess = 0; guess < 14; guess += 1)
      answers.push(await attempt(spellings[guess % spellings.length] as string, 'guess'));

    expect(answers.filter(({ status }) => status === 429)).toHaveLength(4);
  });

  it('ends in 429 with Retry-After for known and unknown addresses, also in parallel', async () => {
    const account = await givenPerson(service, tenant);

    for (const email of [account.email, 'unknown@example.org']) {
      const answers = await Promise.all(Array.from({ length: 14 }, () => attempt(email, 'guess')));
      const refused = answers.filter(({ status }) => status === 429);
      expect([email, refused.length]).toEqual([email, 4]);
      for (const answer of refused) {
        expectProblem(answer, 429, 'too_many_sign_ins');
        expect(Number(answer.headers['retry-after'])).toBeGreaterThan(800);
        expect(answer.headers.ratelimit).toMatch(/^"sign-in";r=0;t=\d+$/);
      }
    }
    expectProblem(await attempt(account.email, PASSWORD), 429);
    expectProblem(await attempt(account.email.toUpperCase(), PASSWORD), 429);
    await signIn();
  });

  it('is counted from zero after the right password, a new link, or 15 minutes', async () => {
    const account = await givenPerson(service, tenant);
    const guess = async (times: number) =>
      Promise.all(Array.from({ length: times }, () => attempt(account.email, 'guess')));
    await guess(9);
    await signIn(account);
    await guess(10);
    expectProblem(await attempt(account.email, PASSWORD), 429);

    const { body } = await tenant.admin.post(`/v1/people/${account.id}/invitation`).expect(201);
    await service
      .as(undefined)
      .post('/console/v1/passwords', { token: body.invitation.token, password: 'another password' })
      .expect(200);
    await signIn(account, 'another password');
    await guess(11);
    await service.database.withPlatform(({ trx }) =>
      sql`update sign_in_failures set since = since - interval '15 minutes'`.execute(trx),
    );

    await signIn(account, 'another password');
  });

  it('from one network is limited too, whatever the addresses', async () => {
    const statuses = [];
    for (let round = 0; round < 7; round += 1)
      statuses.push(
        ...(
          await Promise.all(
            Array.from({ length: 15 }, (_item, index) => attempt(`${round}-${index}@example.org`, 'guess')),
          )
        ).map(({ status }) => status),
      );

    expect([
      statuses.filter((status) => status === 401).length,
      statuses.filter((status) => status === 429).length,
    ]).toEqual([100, 5]);
  });

  it('deletes some of what attempts before have left, and no more than some', async () => {
    await service.database.withPlatform(({ trx }) =>
      sql`
        insert into sign_in_failures (subject, failures, since)
        select sha256(('left' || number)::bytea), 1, now() - interval '1 day'
        from generate_series(1, 250) number`.execute(trx),
    );
    const left = () =>
      service.database.withPlatform(async ({ trx, now }) => {
        const old = new Date(now.getTime() - 3_600_000);
        return (await trx.selectFrom('signInFailures').select('since').where('since', '<', old).execute())
          .length;
      });
    const account = await givenPerson(service, tenant);

    await attempt('none@example.org', 'guess');
    expect(await left()).toBe(150);
    await signIn(account);
    expect(await left()).toBe(50);
  });

  it('is in the audit log of the account, and nowhere by address', async () => {
    const account = await givenPerson(service, tenant);
    await attempt(account.email, 'guess');
    await attempt('unknown-4711@example.org', 'guess');

    await eventually(async () => {
      const { data } = (await tenant.admin.get('/v1/audit-log?action=sign_in.failed')).body;
      expect(data[0]).toMatchObject({
        actor: 'unknown',
        target: account.id,
        detail: { by: 'password', reason: 'wrong_password' },
      });
    });
    expect(service.logged.join('')).not.toMatch(/unknown-4711|person-\d+-\d+@/);
  });
});

describe('signing in', () => {
  it('starts sync runs like a sign-in of the host product, and does not wait for them (28)', async () => {
    const own = await service.givenTenant('Pulling');
    const { integration } = await givenOnboarded(service, own);
    const account = await givenPerson(service, own, { name: 'Ana' });

    await signIn(account);

    await eventually(async () => {
      const { data } = (await own.viewer.get(`/v1/sync-runs?integration_id=${integration.id}`)).body;
      expect(data[0]).toMatchObject({ kind: 'sign_in', started_by: 'sign_in:Ana' });
    });
  });

  it('succeeds even if no sync run can be started', async () => {
    const own = await service.givenTenant('Locked');
    const { integration } = await givenOnboarded(service, own);
    const account = await givenPerson(service, own);

    await service.database.withTenant(own.uuid, async ({ trx }) => {
      await sql`select 1 from integrations for update`.execute(trx);
      expect((await me(await signIn(account))).status).toBe(200);
    });

    expect(integration.id).toMatch(/^int_/);
  });

  it('records the actions of a person under their name', async () => {
    const account = await givenPerson(service, tenant, { name: 'Fatma' });
    const browser = await signIn(account);

    const { body } = await browser.post('/console/v1/api-keys', { name: 'from the console', role: 'viewer' });

    const { data } = (await tenant.admin.get('/v1/audit-log?action=api_key.created')).body;
    expect(body.created_by).toBe('person:Fatma');
    expect(data[0]).toMatchObject({
      actor: 'person:Fatma',
      detail: { person: account.id, session: expect.stringMatching(/^ses_/) },
    });
    expect(service.logged.join('')).not.toContain('Fatma');
  });
});

/** The same letters at U+FF01 and above, which NFKC folds into ASCII. */
function fullWidth(text: string): string {
  return text.replaceAll(/[a-z]/g, (letter) => String.fromCodePoint((letter.codePointAt(0) ?? 0) + 0xfee0));
}
