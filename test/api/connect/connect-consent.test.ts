/** Connect sessions of apps that sign in by consent: state, codes, callbacks, and their failures. */
import { listIntegration } from '../../support/servers/list-server';
import { ConnectBrowser, givenLink, type GivenLink } from '../support/connect';
import { expectProblem, type GivenTenant, PUBLIC_URL, type Service, startService } from '../support/service';

let service: Service;
let tenant: GivenTenant;
let settings: Record<string, unknown>;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service.close());
beforeEach(async () => {
  tenant = await service.givenTenant();
  const consent = { ok: true, kind: null, message: 'connected' };
  Object.assign(service.temporal, { answer: { ok: true }, consent, exchanged: [] });
  settings = await consentSettings(['https://login.example.com', 'https://crm.example.com']);
});

async function consentSettings(origins: string[]): Promise<Record<string, unknown>> {
  const { body: app } = await tenant.admin
    .post('/v1/oauth-apps', {
      name: 'CRM',
      client_id: 'client-1',
      client_secret: 'canary-client-secret',
      allowed_origins: origins,
    })
    .expect(201);
  const { credentials: _none, ...given } = listIntegration('https://crm.example.com', ['contacts']);
  const auth = {
    type: 'oauth2_authorization_code',
    app_id: app.id,
    authorization_url: 'https://login.example.com/authorize',
    token_url: 'https://login.example.com/token',
    issuer: 'https://login.example.com',
    scopes: ['contacts.read', 'offline_access'],
  };
  return { ...given, config: { ...(given['config'] as object), auth } };
}

const browser = () => new ConnectBrowser(service.app);
const shown = async ({ id }: { id: string }) => (await tenant.admin.get(`/v1/connect-sessions/${id}`)).body;
const integrations = async () =>
  (await tenant.viewer.get('/v1/integrations')).body.data as { id: string; state: string }[];

interface Person {
  link: GivenLink;
  page: ConnectBrowser;
}
async function opened(body: object = { integration: settings }): Promise<Person> {
  const link = await givenLink(tenant, body);
  const page = browser();
  expect((await page.open(link)).status).toBe(200);
  return { link, page };
}
const begin = ({ link, page }: Person, is_embedded = false) =>
  page.send('post', `/connect/v1/sessions/${link.id}/consent`, { is_embedded });
const finish = ({ link, page }: Person) => page.send('post', `/connect/v1/sessions/${link.id}/finish`, {});
async function begun(person?: Person): Promise<Person & { state: string; url: URL }> {
  const who = person ?? (await opened());
  const url = new URL((await begin(who)).body.url);
  return { ...who, url, state: url.searchParams.get('state') as string };
}
const callback = (page: ConnectBrowser, query: Record<string, string>) =>
  page.send('get', `/connect/callback?${new URLSearchParams(query).toString()}`);

it('a person consents: the app is connected and runs', async () => {
  const person = await begun();
  expect(Object.fromEntries(person.url.searchParams)).toEqual({
    response_type: 'code',
    client_id: 'client-1',
    redirect_uri: `${PUBLIC_URL}/connect/callback`,
    scope: 'contacts.read offline_access',
    state: expect.stringMatching(/^[\w-]{43}$/),
    code_challenge: expect.stringMatching(/^[\w-]{43}$/),
    code_challenge_method: 'S256',
  });
  const connectSettings = await tenant.viewer.get('/v1/connect-settings');
  expect(connectSettings.body.redirect_uri).toBe(person.url.searchParams.get('redirect_uri'));
  expect((await person.page.show(person.link)).body.app).toMatchObject({ has_consent: true, forms: [] });

  const back = await callback(person.page, { state: person.state, code: 'canary-code' });

  expect([back.status, back.headers['location']]).toEqual([303, `/connect/s/${person.link.id}`]);
  expect((await person.page.show(person.link)).body.is_consent_given).toBe(true);
  expect(await shown(person.link)).toMatchObject({ state: 'in_progress', integration_id: null });
  const done = await finish(person);
  expect([done.status, done.body.state]).toEqual([200, 'done']);
  const [integration] = await integrations();
  expect(integration).toMatchObject({ state: 'active', last_check: { ok: true } });
  expect(await shown(person.link)).toMatchObject({ state: 'done', integration_id: integration?.id });
  expect(service.logged.join('')).not.toContain('canary-code');
});

it('a second callback, a code without a state of ours, and another state connect nothing', async () => {
  const person = await begun();
  const query = { state: person.state, code: 'code-1' };
  const answers = await Promise.all([callback(person.page, query), callback(person.page, query)]);

  expect(answers.map(({ status }) => String(status)).toSorted()).toEqual(['303', '403']);
  expect((await callback(person.page, { ...query, code: 'code-2' })).status).toBe(403);
  expect((await callback(person.page, { state: 'x'.repeat(43), code: 'code-2' })).status).toBe(403);
  expect((await callback(person.page, { code: 'code-2' })).status).toBe(403);
  await finish(person);
  expect(service.temporal.exchanged).toHaveLength(1);
  expect(await integrations()).toHaveLength(1);
});

it("the answer for one browser is refused in another, also with the state of the other's own consent", async () => {
  const [mine, theirs] = [await begun(), await begun()];

  const mixed = await callback(theirs.page, { state: mine.state, code: 'code-of-attacker' });

  expect([mixed.status, mixed.text]).toEqual([403, expect.stringContaining('Nothing was connected')]);
  expectProblem(await finish(theirs), 422, 'connection_refused');
  expect((await callback(browser(), { state: mine.state, code: 'x' })).status).toBe(403);
  expect((await callback(mine.page, { state: mine.state, code: 'mine' })).status).toBe(303);
});

it('an earlier consent of the session is void when another begins', async () => {
  const first = await begun();
  const second = await begun(first);

  expect((await callback(first.page, { state: first.state, code: 'old' })).status).toBe(403);
  expect((await callback(second.page, { state: second.state, code: 'new' })).status).toBe(303);
});

it.each([
  ['access_denied', 'You did not agree'],
  ['invalid_scope', 'the scopes of the app are wrong'],
  ['temporarily_unavailable', 'in a few minutes'],
  ['<script>', 'did not give consent'],
  ['constructor', 'did not give consent'],
])('a refusal of the provider is said in words, and can be tried again: %s', async (error, words) => {
  const person = await begun();

  const back = await callback(person.page, { state: person.state, error, error_description: '<b>x</b>' });

  expect(back.status).toBe(303);
  const { body } = await person.page.show(person.link);
  expect(body).toMatchObject({ state: 'in_progress', is_consent_given: false });
  expect(body.problem).toContain(words);
  expect(await integrations()).toEqual([]);
  const again = await begun(person);
  await callback(again.page, { state: again.state, code: 'code' });
  expect((await finish(again)).body.state).toBe('done');
});

it('an exchange that fails says why, and the new integration is gone again', async () => {
  const person = await begun();
  const message = 'The answer came from another issuer.';
  Object.assign(service.temporal, { consent: { ok: false, kind: 'refused', message } });
  await callback(person.page, { state: person.state, code: 'code', iss: 'https://evil.example' });

  const refused = await finish(person);

  expectProblem(refused, 422, 'connection_refused');
  expect(refused.body.detail).toBe(message);
  expect(await integrations()).toEqual([]);
  expect(await shown(person.link)).toMatchObject({ state: 'in_progress', problem: { message } });
});

it('reconnecting with another account is refused, and the integration stays', async () => {
  const { body: linked } = await tenant.admin.post('/v1/integrations', { ...settings }).expect(201);
  const person = await begun(await opened({ integration_id: linked.id }));
  const message = 'The consent is of another account.';
  Object.assign(service.temporal, { consent: { ok: false, kind: 'other_account', message } });
  await callback(person.page, { state: person.state, code: 'code' });

  const refused = await finish(person);

  expect(refused.body.detail).toBe(message);
  expect((await integrations()).map(({ id }) => id)).toEqual([linked.id]);
  expect(await shown(person.link)).toMatchObject({ problem: { code: 'other_account' } });
});

it('cancelling before the callback, or between it and the exchange, connects nothing', async () => {
  const cancel = ({ link }: Person) =>
    tenant.admin.post(`/v1/connect-sessions/${link.id}/cancel`).expect(200);
  const early = await begun();
  await cancel(early);
  await callback(early.page, { state: early.state, code: 'code' });
  expectProblem(await finish(early), 409, 'connect_session_ended');
  const late = await begun();
  await callback(late.page, { state: late.state, code: 'code' });
  await cancel(late);

  expectProblem(await finish(late), 409, 'connect_session_ended');

  expect(await integrations()).toEqual([]);
  expect(service.temporal.exchanged).toEqual([]);
});

it('cancelling while the code is exchanged wins, and the new integration is gone', async () => {
  const person = await begun();
  await callback(person.page, { state: person.state, code: 'code' });
  const exchange = service.temporal.exchangeConsent;
  service.temporal.exchangeConsent = async function (input) {
    await tenant.admin.post(`/v1/connect-sessions/${person.link.id}/cancel`).expect(200);
    return exchange.call(this, input).catch(() => ({ ok: false, kind: 'refused' }));
  };

  const answer = await finish(person).finally(() => {
    service.temporal.exchangeConsent = exchange;
  });

  expectProblem(answer, 409, 'connect_session_ended');
  expect(await integrations()).toEqual([]);
});

it('finishing twice at the same time connects once, and the integration stays', async () => {
  const person = await begun();
  await callback(person.page, { state: person.state, code: 'code' });

  const exchange = service.temporal.exchangeConsent;
  service.temporal.exchangeConsent = async function (input) {
    service.temporal.exchangeConsent = exchange;
    expect((await finish(person)).body.state).toBe('done');
    return exchange.call(this, input);
  };

  expect((await finish(person)).body.state).toBe('done');
  expect(await integrations()).toMatchObject([{ state: 'active' }]);
});

it('a paused integration that an admin deletes during a consent is created anew by the next one', async () => {
  const first = await begun();
  await callback(first.page, { state: first.state, code: 'code-1' });
  const [paused] = await integrations();
  await tenant.admin.delete(`/v1/integrations/${paused?.id}`).expect(204);
  const second = await begun(first);

  expect((await callback(second.page, { state: second.state, code: 'code-2' })).status).toBe(303);
  expect((await finish(second)).body.state).toBe('done');
});

it('a frame sends a window of its own to the provider, which says to go back', async () => {
  await tenant.admin
    .patch('/v1/connect-settings', { frame_ancestors: ['https://app.example.com'] })
    .set('If-Match', '"1"')
    .expect(200);
  const person = await opened();
  const { url } = (await begin(person, true)).body as { url: string };
  const window = browser();

  const asked = await window.send('get', url);
  expect([asked.status, asked.text]).toEqual([200, expect.stringContaining('<form method="post">')]);
  expect(asked.text).toContain('login.example.com');
  // Else a browser without Sec-Fetch-Site would send the form with `Origin: null`.
  expect(asked.headers['referrer-policy']).toBe('same-origin');
  expect(window.cookies.size).toBe(0);
  const there = await window.send('post', url);

  expect(there.status).toBe(303);
  const target = new URL(there.headers['location'] as string);
  expect(target.origin).toBe('https://login.example.com');
  const state = target.searchParams.get('state') as string;
  const back = await callback(window, { state, code: 'code' });
  expect([back.status, back.text]).toEqual([200, expect.stringContaining('Close this window')]);
  expect((await finish(person)).body.state).toBe('done');
  expect((await window.send('get', `/connect/go/${'x'.repeat(43)}`)).status).toBe(403);
  expect((await window.send('post', url)).status).toBe(403);
});

it('a foreign site cannot send a browser to the provider: nothing happens without the button of the page', async () => {
  await tenant.admin
    .patch('/v1/connect-settings', {
      name: '<b>Ada & Sons</b>',
      frame_ancestors: ['https://app.example.com'],
    })
    .set('If-Match', '"1"')
    .expect(200);
  const person = await opened();
  const { url } = (await begin(person, true)).body as { url: string };
  const [lured, foreign] = [browser(), new ConnectBrowser(service.app, { 'Sec-Fetch-Site': 'cross-site' })];

  const page = await lured.send('get', url);
  const posted = await foreign.send('post', url);

  expect(page.text).toContain('&lt;b&gt;Ada &amp; Sons&lt;/b&gt; asks you to connect');
  expect(page.headers['content-security-policy']).toContain("frame-ancestors 'none'");
  expectProblem(posted, 403, 'cross_site_request');
  const state = url.split('/').at(-1) as string;
  for (const one of [lured, foreign])
    expect((await callback(one, { state, code: 'code-of-victim' })).status).toBe(403);
  expect(await integrations()).toEqual([]);
});

it('rights that the provider does not grant are named: on the page, and to the admins', async () => {
  const consented = { ok: true, kind: null, message: 'connected', missing_scopes: ['contacts.write'] };
  Object.assign(service.temporal, { consent: consented });
  const person = await begun();
  await callback(person.page, { state: person.state, code: 'code' });

  const done = await finish(person);

  expect(done.body).toMatchObject({ state: 'done', missing_scopes: ['contacts.write'] });
  const { body } = await tenant.admin.get('/v1/notifications').expect(200);
  expect(JSON.stringify(body)).toContain('contacts.write is missing');
});

it.each([
  'request',
  'request_uri',
  'response_mode',
  'Redirect_Uri',
  'client_assertion_type',
  'state',
  ' state',
])('a configuration cannot add the parameter %j to a consent', async (name) => {
  const config = settings['config'] as { auth: object };
  const auth = { ...config.auth, authorization_parameters: { [name]: 'x' } };

  const refused = await tenant.admin.post('/v1/integrations', { ...settings, config: { ...config, auth } });

  expectProblem(refused, 422, 'invalid_config');
  expect(refused.text).toContain('/config/auth/authorization_parameters');
});

it('nobody is sent to the provider by the way of frames if no site may show the page in a frame', async () => {
  const person = await opened();
  const { url } = (await begin(person, true)).body as { url: string };

  expect((await browser().send('get', url)).status).toBe(403);
});

it('an app whose consent page is at no allowed address gets no link', async () => {
  const wanted = await consentSettings(['https://other.example.com', 'https://crm.example.com']);

  const refused = await tenant.admin.post('/v1/connect-sessions', { integration: wanted });

  expectProblem(refused, 422, 'invalid_config');
  expect(refused.text).toContain('/config/auth/authorization_url');
});

it('an address that the app does not allow any more is not gone to, nor is one of a stolen answer', async () => {
  const person = await opened();
  const [app] = (await tenant.admin.get('/v1/oauth-apps')).body.data as { id: string }[];
  const { headers } = await tenant.admin.get(`/v1/oauth-apps/${app?.id}`);
  await tenant.admin
    .patch(`/v1/oauth-apps/${app?.id}`, { allowed_origins: ['https://crm.example.com'] })
    .set('If-Match', headers['etag'] as string)
    .expect(200);

  const refused = await begin(person);
  expectProblem(refused, 422, 'invalid_config');
  expect(refused.text).toContain('/config/auth/authorization_url');

  const foreign = {
    state: 'x'.repeat(43),
    code: 'c',
    redirect_uri: 'https://evil.example',
    return_url: '//evil',
  };
  const answered = await callback(person.page, foreign);
  expect([answered.status, answered.headers['location']]).toEqual([403, undefined]);
});
