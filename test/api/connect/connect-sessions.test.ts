/** Connect sessions as a customer's product uses them, and what a person sees who opens the link. */
import { purgeExpired } from '../../../db/retention/purge-expired';
import { DEFAULT_RETENTION } from '../../../domain/retention';
import { exportTenant } from '../../../db/erasures/export-tenant';
import { listIntegration } from '../../support/servers/list-server';
import { givenDefinition } from '../third-parties/definition-given';
import { ConnectBrowser, givenLink, type GivenLink, NEW_INTEGRATION } from '../support/connect';
import {
  expectProblem,
  givenIntegration,
  type GivenTenant,
  PUBLIC_URL,
  type Service,
  startService,
} from '../support/service';

let service: Service;
let tenant: GivenTenant;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service.close());
beforeEach(async () => {
  tenant = await service.givenTenant();
  Object.assign(service.temporal, { answer: { ok: true }, words: 'fine', problems: [], tried: [] });
});

const browser = () => new ConnectBrowser(service.app);
const shown = async ({ id }: { id: string }) => (await tenant.admin.get(`/v1/connect-sessions/${id}`)).body;
const integrations = async () => (await tenant.viewer.get('/v1/integrations')).body.data as { id: string }[];
const events = async () =>
  ((await tenant.viewer.get('/v1/events')).body.data as { type: string; data: object }[]).filter(
    ({ type }) => type === 'INTEGRATION_CONNECTED',
  );
const audited = async (action: string) =>
  (
    (await tenant.admin.get('/v1/audit-log')).body.data as { action: string; actor: string; target: string }[]
  ).filter((entry) => entry.action === action);
const setTime = (link: GivenLink, column: 'expiresAt' | 'createdAt', at: Date) =>
  service.database.withTenant(tenant.uuid, ({ trx }) =>
    trx
      .updateTable('connectSessions')
      .set({ [column]: at })
      .where('tenantId', '=', tenant.uuid)
      .execute(),
  );
async function opened(body: object = {}): Promise<{ link: GivenLink; person: ConnectBrowser }> {
  const link = await givenLink(tenant, body);
  const person = browser();
  expect((await person.open(link)).status).toBe(200);
  return { link, person };
}
const settings = async (body: object) => {
  const { headers } = await tenant.admin.get('/v1/connect-settings');
  return tenant.admin.patch('/v1/connect-settings', body).set('If-Match', headers['etag'] as string);
};

describe('a new app', () => {
  it('is connected by the person who opens the link: an event, news for admins and the audit log say so', async () => {
    const link = await givenLink(tenant, { person: 'Ada of Example Ltd', guidance: ['Open the settings.'] });
    expect(await shown(link)).toMatchObject({ state: 'open', integration_id: null, is_reconnection: false });
    const person = browser();

    const before = await person.open(link);
    expect(before.body).toMatchObject({
      state: 'in_progress',
      brand: { name: 'Ada & Sons', color: null, logo: 'A' },
      guidance: ['Open the settings.'],
      app: { name: 'Example HR', account_name: 'Ada & Sons, production' },
    });
    expect(await integrations()).toEqual([]);
    const after = await person.give(link);

    expect([after.status, after.body.state]).toEqual([200, 'done']);
    const [integration] = await integrations();
    expect(integration).toMatchObject({ app: 'Example HR', has_credentials: true, last_check: { ok: true } });
    const id = integration?.id as string;
    expect(await shown(link)).toMatchObject({ state: 'done', integration_id: id, problem: null });
    expect((await events()).map(({ data }) => data)).toEqual([
      { integration_id: id, connect_session_id: link.id, is_reconnected: false },
    ]);
    expect(await audited('integration.created')).toMatchObject([{ actor: 'connect_link', target: id }]);
    const { data: news } = (await tenant.admin.get('/v1/notifications')).body;
    expect(news).toMatchObject([{ kind: 'integration_connected', integration_id: id }]);
  });

  it('is not connected if the app refuses the credentials, and the person can try again', async () => {
    const { link, person } = await opened();
    Object.assign(service.temporal, { answer: { ok: false, kind: 'unauthorized' }, words: 'Wrong token.' });

    const refused = await person.give(link);

    expectProblem(refused, 422, 'connection_refused');
    expect(refused.body.detail).toContain('did not accept the sign-in');
    expect(await integrations()).toEqual([]);
    expect(await shown(link)).toMatchObject({ state: 'in_progress', problem: { code: 'unauthorized' } });
    Object.assign(service.temporal, { answer: { ok: true } });
    expect((await person.give(link)).body.state).toBe('done');
  });

  it('has failed after 20 refusals', async () => {
    const { link, person } = await opened();
    Object.assign(service.temporal, { answer: { ok: false, kind: 'unauthorized' } });
    for (let times = 0; times < 20; times += 1) expectProblem(await person.give(link), 422);

    expectProblem(await person.give(link), 409, 'connect_session_ended');
    expect((await person.show(link)).body.state).toBe('failed');
    expect((await shown(link)).state).toBe('failed');
  });

  it('is refused at the field that is missing, before the app is asked', async () => {
    const { link, person } = await opened();

    const refused = await person.give(link, { username: 'ada' });

    expectProblem(refused, 422, 'invalid_credentials_shape');
    expect(service.temporal.tried).toEqual([]);
  });

  it('has a form per way of signing in, from the connector or from the configuration', async () => {
    const { person, link } = await opened();
    const names = ({ forms }: { forms: { name: string; is_secret: boolean }[][] }) =>
      forms.map((fields) => fields.map(({ name, is_secret: isSecret }) => (isSecret ? `${name}*` : name)));
    expect(names((await person.show(link)).body.app)).toEqual([['token*'], ['username', 'password*']]);
    const { credentials: _none, ...rest } = listIntegration('https://crm.example.com', ['contacts']);
    Object.assign(rest['config'] as object, { auth: { type: 'header', headers: { 'X-Key': '{api_key}' } } });
    const other = await opened({ integration: rest });
    expect(names((await other.person.show(other.link)).body.app)).toEqual([['api_key*']]);
  });

  it('cannot be asked for with credentials, without settings, or with settings that cannot work', async () => {
    const ask = (body: object) => tenant.admin.post('/v1/connect-sessions', body);
    expectProblem(await ask({ integration: { ...NEW_INTEGRATION, credentials: { token: 'x' } } }), 400);
    expectProblem(await ask({}), 422, 'invalid_settings');
    expectProblem(
      await ask({ integration: { ...NEW_INTEGRATION, connector: 'x' } }),
      422,
      'unknown_connector',
    );
    expectProblem(
      await ask({ integration: { ...NEW_INTEGRATION, config: { base_url: 'http://10.0.0.1' } } }),
      422,
    );
    expectProblem(await ask({ integration: NEW_INTEGRATION, expires_in_minutes: 1_441 }), 400);
    expectProblem(
      await tenant.operator.post('/v1/connect-sessions', { integration: NEW_INTEGRATION }),
      403,
      'role_insufficient',
    );
  });
});

describe('an app that is linked', () => {
  it('is reconnected: the integration, its links and logs stay', async () => {
    const { id } = await givenIntegration(tenant, { is_paused: false });
    const { link, person } = await opened({ integration_id: id });

    const after = await person.give(link);

    expect([after.status, after.body.is_reconnection, after.body.state]).toEqual([200, true, 'done']);
    expect((await integrations()).map((one) => one.id)).toEqual([id]);
    expect((await events()).map(({ data }) => data)).toEqual([
      { integration_id: id, connect_session_id: link.id, is_reconnected: true },
    ]);
    expect(await audited('integration.credentials_replaced')).toMatchObject([{ actor: 'connect_link' }]);
  });

  it('keeps its credentials while the app refuses the new ones', async () => {
    const { id } = await givenIntegration(tenant);
    const kept = (await tenant.viewer.get(`/v1/integrations/${id}`)).body.credentials_updated_at;
    const { link, person } = await opened({ integration_id: id });
    Object.assign(service.temporal, { answer: { ok: false, kind: 'unavailable' } });

    expectProblem(await person.give(link), 422, 'connection_refused');

    expect((await tenant.viewer.get(`/v1/integrations/${id}`)).body.credentials_updated_at).toBe(kept);
  });

  it('can be disconnected meanwhile: the person reads that there is nothing to connect', async () => {
    const { id } = await givenIntegration(tenant);
    const { link, person } = await opened({ integration_id: id });
    await tenant.admin.delete(`/v1/integrations/${id}`).expect(204);

    expect((await person.show(link)).body.app).toBeNull();
    expectProblem(await person.give(link), 409, 'connect_session_ended');
  });
});

describe('the link', () => {
  it('is no use after the first browser has opened it, which can open it again', async () => {
    const link = await givenLink(tenant);
    const [one, other] = [browser(), browser()];
    const answers = await Promise.all([one.open(link), other.open(link)]);

    expect(answers.map(({ status }) => String(status)).toSorted()).toEqual(['200', '409']);
    const [first, second] = answers[0]?.status === 200 ? [one, other] : [other, one];
    expectProblem(await second.open(link), 409, 'connect_link_used');
    expectProblem(await second.give(link), 403, 'connect_browser_unknown');
    expect((await first.open(link)).status).toBe(200);
  });

  it('is not used up by a scanner that opens it, and a page of another site cannot open it', async () => {
    const link = await givenLink(tenant);
    await browser().send('get', `/connect/${link.secret}`);
    expect((await shown(link)).state).toBe('open');

    const elsewhere = new ConnectBrowser(service.app, { 'Sec-Fetch-Site': 'cross-site' });
    expectProblem(await elsewhere.open(link), 403, 'cross_site_request');
    expect((await shown(link)).state).toBe('open');
  });

  it('is stored nowhere: only its hash is, and the log has neither it nor the credentials', async () => {
    const { link, person } = await opened();
    await person.give(link);
    const lines: string[] = [];
    for await (const line of exportTenant(service.database, tenant.uuid)) lines.push(line);

    expect(lines.join('')).toContain(link.id);
    for (const secret of [link.secret, 'canary-token-0815', ...person.cookies.values()])
      expect(lines.join('') + service.logged.join('')).not.toContain(secret);
    expect(JSON.stringify(await shown(link))).not.toContain(link.secret);
  });

  it('is exchanged for a cookie of this session that no script and no other site gets', async () => {
    const answer = await browser().open(await givenLink(tenant));
    const [cookie = ''] = answer.headers['set-cookie'] as unknown as string[];
    expect(cookie).toMatch(/^syncline-connect-\w{12}=[\w-]{43}; .*HttpOnly; SameSite=Lax/);

    const framed = await browser().open(await givenLink(tenant), true);
    const [inFrame = ''] = framed.headers['set-cookie'] as unknown as string[];
    expect(inFrame).toMatch(/HttpOnly; Secure; Partitioned; SameSite=None/);
  });

  it('works for its own session only', async () => {
    const mine = await opened();
    const other = await givenLink(await service.givenTenant('B'));

    expectProblem(await mine.person.show(other), 403, 'connect_browser_unknown');
    expectProblem(await mine.person.give(other), 403, 'connect_browser_unknown');
    expectProblem(await mine.person.show({ id: 'cns_x' }), 403, 'connect_browser_unknown');
    expectProblem(await browser().open({ secret: 'x'.repeat(43) }), 404, 'connect_link_unknown');
  });

  it('ends: expired, cancelled and done links say so, and connect nothing', async () => {
    const expired = await opened();
    await setTime(expired.link, 'expiresAt', new Date(Date.now() - 1));
    expect((await shown(expired.link)).state).toBe('expired');
    expectProblem(await expired.person.give(expired.link), 409, 'connect_session_ended');
    expect((await expired.person.show(expired.link)).body.state).toBe('expired');
    expectProblem(await browser().open(expired.link), 409, 'connect_session_ended');

    const cancelled = await opened();
    const path = `/v1/connect-sessions/${cancelled.link.id}/cancel`;
    expect((await tenant.admin.post(path)).body.state).toBe('cancelled');
    expect((await tenant.admin.post(path)).status).toBe(200);
    expectProblem(await cancelled.person.give(cancelled.link), 409, 'connect_session_ended');

    const done = await opened();
    await done.person.give(done.link);
    expectProblem(await done.person.give(done.link), 409, 'connect_session_ended');
    expectProblem(
      await tenant.admin.post(`/v1/connect-sessions/${done.link.id}/cancel`),
      409,
      'connect_session_ended',
    );
    expect(await integrations()).toHaveLength(1);
  });

  it('connects one app, however often the form is sent at once', async () => {
    const { link, person } = await opened();

    const answers = await Promise.all([1, 2, 3].map(() => person.give(link)));

    expect(answers.map(({ status }) => String(status)).toSorted()).toEqual(['200', '409', '409']);
    expect(await integrations()).toHaveLength(1);
    expect(await events()).toHaveLength(1);
  });

  it('connects nothing if an admin cancels it while the app is asked', async () => {
    const { link, person } = await opened();
    const asked = service.temporal.checkIntegration;
    service.temporal.checkIntegration = async function (input) {
      await tenant.admin.post(`/v1/connect-sessions/${link.id}/cancel`).expect(200);
      return asked.call(this, input);
    };

    const answer = await person.give(link).finally(() => {
      service.temporal.checkIntegration = asked;
    });

    expectProblem(answer, 409, 'connect_session_ended');
    expect(await integrations()).toEqual([]);
  });

  it('is deleted 30 days after it was made', async () => {
    const link = await givenLink(tenant);
    await setTime(link, 'createdAt', new Date(Date.now() - 29 * 86_400_000));
    await purgeExpired(service.database, DEFAULT_RETENTION);
    expect((await tenant.admin.get('/v1/connect-sessions')).body.data).toHaveLength(1);

    await setTime(link, 'createdAt', new Date(Date.now() - 31 * 86_400_000));
    await purgeExpired(service.database, DEFAULT_RETENTION);

    expectProblem(
      await tenant.admin.get(`/v1/connect-sessions/${link.id}`),
      404,
      'connect_session_not_found',
    );
  });
});

describe('the settings of the tenant', () => {
  it('name the company, and the only sites that a page leads back to', async () => {
    await settings({
      name: 'Ada Cloud',
      color: '#1a7f5a',
      logo_text: 'AC',
      return_origins: ['https://app.example.com', 'http://localhost:3000'],
    });
    const ask = (return_url: string) =>
      tenant.admin.post('/v1/connect-sessions', { integration: NEW_INTEGRATION, return_url });

    for (const url of ['https://app.example.com/apps?x=1', 'http://localhost:3000/'])
      expect((await ask(url)).body.return_url).toBe(url);
    for (const url of [
      'https://app.example.com.evil.example/',
      'https://app.example.com@evil.example/',
      'https://evil.example/https://app.example.com',
      '//app.example.com',
      'javascript:alert(1)',
      'https:app.example.com.evil.example',
      'https://app.example.com:8443/',
      'http://app.example.com/',
      'data:text/html,x',
      '/console/../connect/x',
      '/console/%2e%2e/connect/x',
      '/consoles/',
    ])
      expectProblem(await ask(url), 422, 'return_url_refused');
    // As browsers read it: on the allowed site.
    expect((await ask('https://app.example.com\\@evil.example/')).body.return_url).toBe(
      'https://app.example.com/@evil.example/',
    );
    expect((await ask('/console/integrations')).body.return_url).toBe(`${PUBLIC_URL}/console/integrations`);
    const { link, person } = await opened({ return_url: 'https://app.example.com/apps' });
    expect((await person.show(link)).body).toMatchObject({
      brand: { name: 'Ada Cloud', color: '#1a7f5a', logo: 'AC' },
      return_url: 'https://app.example.com/apps',
    });
  });

  it('are refused where they are no origins', async () => {
    for (const origin of [
      'https://app.example.com/',
      'http://app.example.com',
      '*',
      'https://*.example.com',
      "https://a.example 'unsafe-inline'",
      'null',
    ])
      expectProblem(await settings({ frame_ancestors: [origin] }), 400, 'invalid_body');
    expectProblem(await settings({ color: 'red' }), 400, 'invalid_body');
  });

  it('say which sites may frame the page: none by default', async () => {
    const link = await givenLink(tenant);
    const page = () => browser().send('get', `/connect/${link.secret}`);
    const none = (await page()).headers;
    expect(none['content-security-policy']).toContain("frame-ancestors 'none'");
    expect(none['x-frame-options']).toBeDefined();
    expect(none['referrer-policy']).toBe('no-referrer');
    await settings({ frame_ancestors: ['https://app.example.com'] });

    const { headers } = await page();

    expect(headers['content-security-policy']).toContain('frame-ancestors https://app.example.com');
    expect(headers['x-frame-options']).toBeUndefined();
    expect((await browser().send('get', '/connect/unknown')).headers['content-security-policy']).toContain(
      "frame-ancestors 'none'",
    );
  });
});

it('of a definition shows its labels and steps; the guidance of the session comes first', async () => {
  const signIn = {
    key: 'service_account',
    label: 'Service account',
    help: ['Create a service account.', 'Download its key.'],
    config: {
      auth: {
        type: 'oauth2_jwt_bearer',
        token_url: 'https://login.contacts.example/token',
        claims: { iss: '{client_email}' },
      },
    },
    credentials: { client_email: { label: 'Address of the service account', help: 'In the JSON file.' } },
  };
  const definition = givenDefinition({ key: 'labelled', sign_in: [signIn] });
  await service.platform.post('/v1/platform/third-party-definitions', definition).expect(201);
  const third_party = { key: 'labelled', parameters: { subdomain: 'acme' } };

  const { link, person } = await opened({ integration: { third_party } });

  const { app, guidance } = (await person.show(link)).body;
  expect([guidance, app.sign_in_help]).toEqual([[], ['Create a service account.', 'Download its key.']]);
  expect(app.forms).toEqual([
    [
      { name: 'private_key', label: 'Private key', help: null, is_secret: true, is_long: true },
      {
        name: 'client_email',
        label: 'Address of the service account',
        help: 'In the JSON file.',
        is_secret: false,
        is_long: false,
      },
    ],
  ]);
  const refused = await person.give(link, { private_key: 'no key', client_email: 'x@y.example' });
  expectProblem(refused, 422, 'invalid_credentials_shape');
  expect(refused.text).toContain('BEGIN PRIVATE KEY');
});
