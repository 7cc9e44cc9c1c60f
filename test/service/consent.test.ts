/**
 * An account connected by consent, with the real api and worker: the link, the provider, the callback, then
 * calls with tokens that expire at once and are replaced at each refresh. Nothing secret is in a log or an
 * answer.
 */
import { ApiClient } from '../support/clients/api-client';
import { type Product, type ProductTenant, startProduct } from '../support/environments/product';
import { HostileIssuer } from '../support/servers/hostile-issuer';
import { until } from '../support/until';

let product: Product;
let tenant: ProductTenant;
let issuer: HostileIssuer;

beforeAll(async () => {
  issuer = await HostileIssuer.start({ expiresIn: 2 });
  product = await startProduct();
  tenant = await product.givenTenant();
});
afterAll(async () => {
  await product?.stop();
  await issuer?.stop();
});

/** A browser: keeps its cookies, and follows no redirect. */
class Browser {
  readonly #cookies = new Map<string, string>();

  async send(method: string, path: string, body?: object): Promise<Response> {
    const response = await fetch(`${product.apiUrl}${path}`, {
      method,
      redirect: 'manual',
      headers: {
        cookie: [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; '),
        'sec-fetch-site': 'same-origin',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    for (const line of response.headers.getSetCookie()) {
      const [pair = ''] = line.split(';');
      this.#cookies.set(pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1));
    }
    return response;
  }
}

interface Settings {
  config: { auth: object } & Record<string, unknown>;
  record_types: object;
}
async function givenSettings(name = 'CRM', folder = ''): Promise<Settings & Record<string, unknown>> {
  const app = await tenant.api.must('POST', '/v1/oauth-apps', {
    name,
    client_id: 'client-1',
    client_secret: 'canary-client-secret',
    allowed_origins: [issuer.url],
  });
  const auth = {
    type: 'oauth2_authorization_code',
    app_id: app.id,
    authorization_url: `${issuer.url}/authorize`,
    token_url: `${issuer.url}/token`,
    account: { url: `${issuer.url}${folder}/me`, id: '/id', name: '/name' },
  };
  return {
    connector: 'rest',
    config: {
      app: 'CRM',
      base_url: `${issuer.url}${folder}`,
      auth,
      check: { path: '/me' },
      record_types: { contacts: { list: { path: '/contacts', items: '/items', paging: { type: 'none' } } } },
    },
    record_types: { contacts: { direction: 'pull', fields: [{ name: 'name', to: 'name' }] } },
  };
}

async function consent(session: { id: string; link: string }, company?: string): Promise<Response> {
  const browser = new Browser();
  const secret = session.link.split('/').at(-1);
  await browser.send('POST', '/connect/v1/open', { secret, is_embedded: false });
  const path = `/connect/v1/sessions/${session.id}`;
  const begun = await browser.send('POST', `${path}/consent`, { is_embedded: false });
  const { url } = (await begun.json()) as { url: string };
  const asked = new URL(url).searchParams;
  const code = issuer.consent({
    challenge: asked.get('code_challenge') ?? '',
    redirectUri: asked.get('redirect_uri') ?? '',
  });
  const answer = new URLSearchParams({ code, state: asked.get('state') ?? '' });
  await browser.send('GET', `/connect/callback?${answer.toString()}`);
  const finished = await browser.send('POST', `${path}/finish`, {});
  if (company === undefined) return finished;
  expect(await finished.json()).toMatchObject({
    state: 'in_progress',
    accounts: [{ id: '1' }, { id: 'two' }],
  });
  return browser.send('POST', `${path}/finish`, { account_id: company });
}

const check = (id: string) => tenant.api.must('POST', `/v1/integrations/${id}/check`);

it('a person consents once; tokens are replaced for as long as the consent lasts', async () => {
  const session = await tenant.api.must('POST', '/v1/connect-sessions', {
    integration: await givenSettings(),
  });
  const finished = await consent(session);
  expect([finished.status, await finished.json()]).toMatchObject([200, { state: 'done' }]);
  const { integration_id: id } = await tenant.api.must('GET', `/v1/connect-sessions/${session.id}`);
  await until(
    'the first run succeeds',
    async () =>
      (await tenant.api.must('GET', `/v1/sync-runs?integration_id=${id}`)).data[0]?.state === 'succeeded',
  );

  const before = issuer.rotations;
  issuer.mishaps.push('lose');
  await until('tokens were replaced three times', async () => {
    await check(id);
    return issuer.rotations >= before + 3;
  });
  expect(await check(id)).toMatchObject({ ok: true });

  issuer.revoke();
  await until('a person has to connect it again', async () => {
    await tenant.api.call('POST', `/v1/integrations/${id}/sync-runs`, { kind: 'full' });
    return (await tenant.api.must('GET', `/v1/integrations/${id}`)).state === 'needs_reauthorization';
  });
  const again = await tenant.api.must('POST', '/v1/connect-sessions', { integration_id: id });
  expect((await (await consent(again)).json()) as object).toMatchObject({ state: 'done' });
  expect((await tenant.api.must('GET', `/v1/integrations/${id}`)).state).toBe('active');

  const answers = await Promise.all(
    ['/v1/integrations', '/v1/connect-sessions', '/v1/oauth-apps', '/v1/audit-log', '/v1/events'].map(
      async (path) => JSON.stringify(await tenant.api.must('GET', path)),
    ),
  );
  const seen = [...answers, product.logs()].join('\n');
  expect([...issuer.secrets, 'canary-client-secret'].filter((secret) => seen.includes(secret))).toEqual([]);
});

it('a consent for several companies: the person picks one, and every call names it', async () => {
  const { config, record_types } = await givenSettings('Books', '/books');
  const { auth, ...rest } = config;
  const accounts = {
    url: `${issuer.url}/books/me`,
    items: '/companies',
    id: '/id',
    name: '/name',
    parameter: 'company',
  };
  const signIn = {
    key: 'consent',
    label: 'Consent',
    config: { auth: { ...auth, account: undefined, accounts } },
  };
  await new ApiClient(product.apiUrl, product.platformKey).must(
    'POST',
    '/v1/platform/third-party-definitions',
    {
      key: 'books',
      name: 'Books',
      category: 'accounting',
      description: 'Companies of an accountant.',
      proof: 'none',
      parameters: { company: { label: 'Company', format: 'identifier', example: 'picked-later' } },
      sign_in: [signIn],
      config: { ...rest, headers: { 'X-Company': '${company}' } },
      record_types,
    },
  );
  const integration = { third_party: { key: 'books' } };
  const session = await tenant.api.must('POST', '/v1/connect-sessions', { integration });

  const done = await consent(session, 'two');

  expect([done.status, await done.json()]).toMatchObject([200, { state: 'done' }]);
  const { integration_id: id } = await tenant.api.must('GET', `/v1/connect-sessions/${session.id}`);
  await until(
    'the first run succeeds',
    async () =>
      (await tenant.api.must('GET', `/v1/sync-runs?integration_id=${id}`)).data[0]?.state === 'succeeded',
  );
  // Runs of the other integration may go on.
  const [listing, ...calls] = issuer.companies.flatMap(({ url, company }) =>
    url?.startsWith('/books/') === true ? [company] : [],
  );
  expect([listing, new Set(calls)]).toEqual([undefined, new Set(['two'])]);
});
