/** The hosted page of a connect session, in a browser without an account: link, form, connected, records. */
import type { Page } from 'playwright-core';
import { HostileIssuer } from '../support/servers/hostile-issuer';
import { listIntegration, type ListServer, startListServer } from '../support/servers/list-server';
import { until } from '../support/until';
import { seriousFindings } from './browser';
import { button, Desk, heading } from './desk';
import { tabTo } from './keyboard';
import type { Stack } from './stack';

jest.setTimeout(240_000);

let desk: Desk;
let stack: Stack;
let lists: ListServer;
beforeAll(async () => {
  [desk, lists] = await Promise.all([Desk.setUp(), startListServer()]);
  ({ stack } = desk);
}, 240_000);
afterEach(() => desk.expectNoTrouble());
afterAll(async () => {
  await desk?.close();
  await lists?.stop();
});

async function givenLink(): Promise<{ id: string; link: string }> {
  lists.fill('contacts', 3);
  const { credentials: _none, ...integration } = listIntegration(lists.url, ['contacts']);
  const auth = { type: 'header', headers: { 'X-Key': '{api_key}' } };
  Object.assign(integration['config'] as object, { auth });
  return stack.call('POST', '/connect-sessions', { integration, guidance: ['Open the settings.'] });
}
const visitor = async (): Promise<Page> => (await desk.openBrowser()).newPage();
const stateOf = async (id: string) =>
  stack.call<{ state: string; integration_id: string }>('GET', `/connect-sessions/${id}`);

it('a person connects an app by keyboard on a phone, and its records are read', async () => {
  const { id, link } = await givenLink();
  const page = await visitor();
  await page.setViewportSize({ width: 360, height: 740 });
  await page.goto(link);
  expect((await stateOf(id)).state).toBe('open');
  await tabTo(page, button(page, 'Continue'));
  await page.keyboard.press('Enter');

  await heading(page, 'Connect Lists').waitFor();
  expect(new URL(page.url()).pathname).toBe(`/connect/s/${id}`);
  await page.getByText('Contacts: read from Lists').or(page.getByText('contacts: read from Lists')).waitFor();
  await page.getByText('Open the settings.').waitFor();
  expect(await seriousFindings(page)).toEqual([]);
  expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(360);
  await tabTo(page, page.locator('input[type=password]'));
  await page.keyboard.type('canary-key');
  await page.keyboard.press('Enter');

  await heading(page, 'Lists is connected').waitFor();
  const done = await stateOf(id);
  expect(done.state).toBe('done');
  await until(
    'the records are read',
    async () =>
      (
        await stack.call<{ data: { state: string }[] }>(
          'GET',
          `/sync-runs?integration_id=${done.integration_id}`,
        )
      ).data[0]?.state === 'succeeded',
    120_000,
  );
  expect(await seriousFindings(page)).toEqual([]);
  await page.reload();
  await heading(page, 'Lists is connected').waitFor();
});

it('another browser reads that the link was opened already', async () => {
  const { link } = await givenLink();
  const [first, second] = [await visitor(), await visitor()];
  for (const page of [first, second]) {
    await page.goto(link);
    await button(page, 'Continue').click();
  }

  await heading(second, 'This link was already opened in another browser').waitFor();
  await heading(first, 'Connect Lists').waitFor();
  expect(await seriousFindings(second)).toEqual([]);
});

it('a person whose consent is for several companies picks one, by keyboard', async () => {
  const issuer = await HostileIssuer.start();
  const { url } = issuer;
  const app = await stack.call<{ id: string }>('POST', '/oauth-apps', {
    name: 'Books',
    client_id: 'client-1',
    client_secret: 'canary-client-secret',
    allowed_origins: [url],
  });
  const auth = {
    type: 'oauth2_authorization_code',
    app_id: app.id,
    authorization_url: `${url}/authorize`,
    token_url: `${url}/token`,
    accounts: { url: `${url}/me`, items: '/companies', id: '/id', name: '/name', parameter: 'company' },
  };
  const definition = {
    key: 'books',
    name: 'Books',
    category: 'accounting',
    description: 'Companies of an accountant.',
    proof: 'none',
    parameters: { company: { label: 'Company', format: 'identifier', example: 'picked-later' } },
    sign_in: [{ key: 'consent', label: 'Consent', config: { auth } }],
    config: {
      app: 'Books',
      base_url: url,
      headers: { 'X-Company': '${company}' },
      check: { path: '/me' },
      record_types: {
        contacts: { list: { path: '/contacts', items: '/items', paging: { type: 'none' } } },
      },
    },
    record_types: { contacts: { direction: 'pull', fields: [{ name: 'name', to: 'name' }] } },
  };
  await stack.call('POST', '/platform/third-party-definitions', definition, stack.ready.platform_key);
  const integration = { third_party: { key: 'books' } };
  const { link } = await stack.call<{ link: string }>('POST', '/connect-sessions', { integration });
  const page = await visitor();
  await page.goto(link);
  await button(page, 'Continue').click();
  await button(page, 'Continue to Books').click();

  const group = page.getByRole('radiogroup', { name: 'Which account of Books should be connected?' });
  await group.getByRole('radio', { name: 'two' }).waitFor();
  expect(await seriousFindings(page)).toEqual([]);
  expect(await button(page, 'Connect this account').isDisabled()).toBe(true);
  await tabTo(page, group.getByRole('radio', { name: 'Ada & Sons' }));
  await page.keyboard.press('Space');
  await tabTo(page, button(page, 'Connect this account'));
  await page.keyboard.press('Enter');

  await heading(page, 'Books is connected').waitFor();
  await issuer.stop();
});

it('a key of several lines is pasted as it is, and a wrong one is refused at its field', async () => {
  const { credentials: _none, ...integration } = listIntegration(lists.url, ['contacts']);
  const auth = { type: 'oauth2_jwt_bearer', token_url: `${lists.url}/token`, claims: { iss: '{client_id}' } };
  Object.assign(integration['config'] as object, { auth });
  const { link } = await stack.call<{ link: string }>('POST', '/connect-sessions', { integration });
  const page = await visitor();
  await page.goto(link);
  await button(page, 'Continue').click();

  await page.getByLabel('Private key').fill('-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n');
  await page.getByLabel('Client id').fill('client-1');
  await button(page, 'Connect and check').click();

  await page.getByText('This is "PUBLIC KEY".').waitFor();
  expect(await seriousFindings(page)).toEqual([]);
});
