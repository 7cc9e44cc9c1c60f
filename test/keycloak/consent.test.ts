/**
 * A real authorization server in a real browser: a person signs in at Keycloak and agrees, tokens are
 * replaced for as long as the session lasts, and after its end the person connects the app again.
 */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Page } from 'playwright-core';
import { button, Desk, heading } from '../console/desk';
import type { Stack } from '../console/stack';
import { CLIENT, type Keycloak, PERSON, startKeycloak } from '../support/servers/keycloak';
import { until } from '../support/until';

jest.setTimeout(600_000);

let desk: Desk;
let stack: Stack;
let keycloak: Keycloak;
let api: Server;
/** Access tokens that the API was called with, and that Keycloak accepted. */
const accepted = new Set<string>();

beforeAll(async () => {
  desk = await Desk.setUp();
  ({ stack } = desk);
  keycloak = await startKeycloak({
    redirectUri: `${new URL(stack.ready.console_url).origin}/connect/callback`,
  });
  api = createServer((request, response) => {
    const token = (request.headers.authorization ?? '').replace('Bearer ', '');
    void keycloak.accepts(token).then((isAccepted) => {
      if (isAccepted) accepted.add(token);
      response
        .writeHead(isAccepted ? 200 : 401, { 'content-type': 'application/json' })
        .end(JSON.stringify(isAccepted ? { items: [{ id: '1', name: 'Ada' }] } : { message: 'no' }));
    });
  });
  await new Promise<void>((resolve) => api.listen(0, '127.0.0.1', resolve));
});
afterAll(async () => {
  await desk?.close();
  await keycloak?.stop();
  api?.closeAllConnections();
  api?.close();
});

let apps = 0;
async function givenSettings(): Promise<object> {
  const apiUrl = `http://127.0.0.1:${(api.address() as AddressInfo).port}`;
  const app = await stack.call<{ id: string }>('POST', '/oauth-apps', {
    name: `Keycloak ${(apps += 1)}`,
    client_id: CLIENT.id,
    client_secret: CLIENT.secret,
    allowed_origins: [new URL(keycloak.url).origin, apiUrl],
  });
  const auth = {
    type: 'oauth2_authorization_code',
    app_id: app.id,
    authorization_url: `${keycloak.url}/protocol/openid-connect/auth`,
    token_url: `${keycloak.url}/protocol/openid-connect/token`,
    issuer: keycloak.url,
    scopes: ['openid', 'profile'],
    account: { url: `${keycloak.url}/protocol/openid-connect/userinfo`, id: '/sub', name: '/name' },
  };
  return {
    connector: 'rest',
    account_name: 'Customer of Keycloak',
    config: {
      app: 'People',
      base_url: apiUrl,
      auth,
      check: { path: '/people' },
      record_types: { people: { list: { path: '/people', items: '/items', paging: { type: 'none' } } } },
    },
    record_types: { people: { direction: 'pull', fields: [{ name: 'name', to: 'name' }] } },
  };
}

/** Patient: the first pages of Keycloak take long on a busy machine. */
async function person(): Promise<Page> {
  const context = await desk.browser.newContext();
  context.setDefaultTimeout(120_000);
  return context.newPage();
}

/** Those of the stack are at work meanwhile, so other values may change. */
const integrations = async () =>
  (await stack.call<{ data: { id: string }[] }>('GET', '/integrations')).data.map(({ id }) => id);

async function connect(page: Page, link: string): Promise<void> {
  await page.goto(link);
  await button(page, 'Continue').click();
  await button(page, 'Continue to People').click();
  await page.locator('#username').fill(PERSON.username);
  await page.locator('#password').fill(PERSON.password);
  await page.locator('#kc-login').click();
}

it('a person who does not agree reads so, and nothing is connected', async () => {
  const before = await integrations();
  const { link } = await stack.call<{ link: string }>('POST', '/connect-sessions', {
    integration: await givenSettings(),
  });
  const page = await person();
  await connect(page, link);

  await page.locator('[name=cancel]').click();

  await page.getByText('You did not agree at the provider').waitFor();
  expect(await integrations()).toEqual(before);
});

it('a person agrees at Keycloak; tokens are replaced; after a sign-out they connect again', async () => {
  const link = await stack.call<{ id: string; link: string }>('POST', '/connect-sessions', {
    integration: await givenSettings(),
  });
  const page = await person();
  await connect(page, link.link);
  await page.locator('[name=accept]').click();
  await heading(page, 'People is connected').waitFor();
  const session = await stack.call<{ integration_id: string }>('GET', `/connect-sessions/${link.id}`);
  const at = `/integrations/${session.integration_id}`;

  accepted.clear();
  await until(
    'three access tokens were used after each other',
    async () => {
      expect(await stack.call('POST', `${at}/check`)).toMatchObject({ ok: true });
      await page.waitForTimeout(1_000);
      return accepted.size >= 3;
    },
    180_000,
  );

  await keycloak.signOutPerson();
  await until('the app needs a new sign-in', async () => {
    await stack.call('POST', `${at}/sync-runs`, { kind: 'full' }).catch(() => undefined);
    return (await stack.call<{ state: string }>('GET', at)).state === 'needs_reauthorization';
  });
  const again = await stack.call<{ link: string }>('POST', '/connect-sessions', {
    integration_id: session.integration_id,
  });
  const other = await person();
  await connect(other, again.link);
  await heading(other, 'People is connected').waitFor();
  expect((await stack.call<{ state: string }>('GET', at)).state).toBe('active');
});
