/** OAuth apps in the console: of the platform, and of a company. */
import { createHmac } from 'node:crypto';
import type { Page } from 'playwright-core';
import { expectShown, seriousFindings } from './browser';
import { button, Desk, heading } from './desk';
import { tabTo } from './keyboard';
import type { Stack } from './stack';

jest.setTimeout(240_000);

const SECRET = 'canary-client-secret';
const WEBHOOKS_KEY = 'canary-webhooks-key';
const ORIGINS = ['https://login.xero.com', 'https://identity.xero.com', 'https://api.xero.com'];

let desk: Desk;
let stack: Stack;
let operator: Page;
let admin: Page;
let appId: string;
let integrationId: string;

beforeAll(async () => {
  desk = await Desk.setUp();
  ({ stack } = desk);
  operator = await (await desk.openBrowser()).newPage();
  await desk.open(operator, '/platform/outbox');
  await operator.locator('input[type=password]').fill(stack.ready.platform_key);
  await button(operator, 'Sign in').click();
  await heading(operator, 'Outbox').waitFor();
  admin = await desk.sitDown();
}, 240_000);
afterEach(() => desk.expectNoTrouble());
afterAll(() => desk?.close());

/** In both color schemes and on a phone: nothing serious, and nothing wider than the screen. */
async function expectAccessible(page: Page): Promise<void> {
  await page.setViewportSize({ width: 360, height: 800 });
  for (const colorScheme of ['dark', 'light'] as const) {
    await page.emulateMedia({ colorScheme });
    expect(await seriousFindings(page)).toEqual([]);
  }
  expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(360);
  await page.setViewportSize({ width: 1280, height: 900 });
}

const isRefused = async (page: Page, name: string): Promise<string | null> => {
  await button(page, name).waitFor();
  return (await button(page, name).getAttribute('aria-disabled')) && button(page, name).getAttribute('title');
};

describe('an app of the platform', () => {
  it('is added with the redirect URI to register, and its secret is nowhere on its page', async () => {
    await operator.getByRole('link', { name: 'OAuth apps' }).click();
    await heading(operator, 'OAuth apps').waitFor();
    await button(operator, 'Add an OAuth app').click();
    const form = operator.getByRole('dialog', { name: 'Add an OAuth app' });
    await expectShown(form.getByText(`${stack.ready.api_url}/connect/callback`, { exact: true }));
    await form.getByLabel('Name').fill('Books for all');
    await form.getByLabel('Client id').fill('client-1');
    await form.getByRole('textbox', { name: 'Client secret' }).fill(SECRET);
    await form.getByRole('textbox', { name: 'Webhook secret' }).fill(WEBHOOKS_KEY);
    await form.getByLabel('Allowed origins, one per line').fill('login.xero.com');
    await form.getByRole('button', { name: 'Add app' }).click();
    await expectShown(form.getByRole('alert').getByText('/allowed_origins/0'));
    await form.getByLabel('Allowed origins, one per line').fill(ORIGINS.join('\n'));
    await expectAccessible(operator);
    await form.getByRole('button', { name: 'Add app' }).click();

    await heading(operator, 'Books for all').waitFor();
    appId = new URL(operator.url()).pathname.split('/').at(-1) as string;
    await expectShown(operator.getByRole('row', { name: 'Client secret Stored, and never shown' }));
    await expectShown(operator.getByRole('row', { name: 'Webhook secret Stored, and never shown' }));
    await expectShown(operator.getByText('Nothing uses this app yet'));
    expect(await operator.content()).not.toMatch(new RegExp(`${SECRET}|${WEBHOOKS_KEY}`));
    await expectAccessible(operator);
  });

  it('needs its secret again for a further origin', async () => {
    await button(operator, 'Edit').click();
    const form = operator.getByRole('dialog', { name: 'Edit Books for all' });
    const again = form.getByRole('textbox', { name: 'Client secret, again' });
    expect(await again.count()).toBe(0);
    await form
      .getByLabel('Allowed origins, one per line')
      .fill([...ORIGINS, 'https://other.example.com'].join('\n'));
    await again.fill(SECRET);
    await expectAccessible(operator);
    await form.getByRole('button', { name: 'Save' }).click();

    await operator.getByText('Books for all was saved.').waitFor();
    await expectShown(operator.getByRole('row', { name: /https:\/\/other\.example\.com/ }));
  });

  it('gets one address for the webhooks of all accounts, which is shown once', async () => {
    const state = operator.getByRole('region', { name: 'Webhooks of all accounts' }).getByRole('status');
    await state.filter({ hasText: 'There is no address yet' }).waitFor();
    await tabTo(operator, button(operator, 'Make address'));
    await operator.keyboard.press('Enter');
    await operator.getByRole('combobox', { name: 'Product' }).click();
    await operator.getByRole('option', { name: 'Xero' }).click();
    await operator.getByRole('dialog').getByRole('button', { name: 'Make address' }).click();
    await expectShown(operator.getByText(/Copy the address now/));
    await expectAccessible(operator);
    const url = await operator.getByRole('dialog').locator('pre').innerText();
    await button(operator, 'Done').click();

    await state.filter({ hasText: 'The secret is missing: every webhook is refused' }).waitFor();
    expect(await call(url)).toBe(401);
    await button(operator, 'Store secret').click();
    await operator.getByRole('dialog').getByRole('textbox', { name: 'Secret' }).fill(WEBHOOKS_KEY);
    await button(operator, 'Save secret').click();
    await operator.getByText('The secret is stored.').waitFor();
    expect(await call(url)).toBe(200);
    await state.filter({ hasText: 'Webhooks arrive' }).waitFor();
    expect(await operator.content()).not.toContain(url);
    await expectAccessible(operator);
  });

  it('loses that address when it is replaced or revoked, after a warning', async () => {
    await button(operator, 'Replace address').click();
    const dialogue = operator.getByRole('dialog', { name: 'Address for webhooks of Books for all' });
    await expectShown(dialogue.getByText('The present address stops working at once'));
    await dialogue.getByRole('button', { name: 'Replace address' }).click();
    const url = await dialogue.locator('pre').innerText();
    await button(operator, 'Done').click();
    expect(await call(url)).toBe(200);

    await button(operator, 'Revoke address').click();
    const question = operator.getByRole('dialog', { name: 'Revoke the address?' });
    await question.getByRole('button', { name: 'Revoke address' }).click();

    await operator.getByText('The address is revoked.').waitFor();
    await expectShown(button(operator, 'Make address'));
    expect(await call(url)).toBe(401);
  });
});

describe('an app in use', () => {
  it('shows the operator by which definition, and cannot be deleted, in words', async () => {
    const integration = { key: 'xero', parameters: { oauth_app: appId } };
    ({ id: integrationId } = await stack.call<{ id: string }>('POST', '/integrations?check=false', {
      third_party: integration,
      is_paused: true,
    }));
    await operator.reload();

    await expectShown(operator.getByRole('row', { name: 'xero 1 0 1' }));
    expect(await isRefused(operator, 'Delete')).toMatch(/^In use by 1 integration\. /);
    await button(operator, 'Replace client secret').click();
    await expectShown(operator.getByText('No account is connected by this app yet.'));
    await expectAccessible(operator);
    await operator.keyboard.press('Escape');
  });

  it('is shown to the company with its integration, and without a way to change it', async () => {
    await admin.getByRole('link', { name: 'OAuth apps' }).click();
    await expectShown(admin.getByRole('row', { name: /^Books for all.*Your operator.*xero/ }));
    await expectAccessible(admin);
    await admin.getByRole('link', { name: 'Books for all' }).click();
    await heading(admin, 'Books for all').waitFor();

    const integrations = admin.getByRole('region', { name: 'Integrations of your company' });
    expect(await integrations.getByRole('link').getAttribute('href')).toContain(integrationId);
    for (const name of ['Edit', 'Replace client secret', 'Delete'])
      expect(await isRefused(admin, name)).toBe('Your operator manages this app, for all companies.');
    expect(await admin.getByRole('region', { name: 'Webhooks of all accounts' }).count()).toBe(0);
  });
});

describe('an app of a company', () => {
  it('is added, changed and deleted by its admins', async () => {
    const { name } = await stack.call<{ name: string }>('POST', '/oauth-apps', {
      name: 'Own app',
      client_id: 'client-2',
      client_secret: SECRET,
      allowed_origins: ORIGINS,
    });
    await desk.open(admin, '/settings/oauth-apps');
    await admin.getByRole('link', { name }).click();
    await heading(admin, name).waitFor();
    await button(admin, 'Edit').click();
    await admin.getByRole('dialog').getByLabel('Name').fill('Our app');
    await admin.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
    await heading(admin, 'Our app').waitFor();
    await button(admin, 'Edit').click();
    await admin.getByRole('textbox', { name: 'Webhook secret' }).fill(WEBHOOKS_KEY);
    await admin.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
    await expectShown(admin.getByRole('row', { name: 'Webhook secret Stored, and never shown' }));
    expect(await admin.content()).not.toContain(WEBHOOKS_KEY);
    await button(admin, 'Edit').click();
    await admin.getByRole('switch', { name: /webhook secret/ }).press('Space');
    await expectAccessible(admin);
    await admin.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
    await expectShown(admin.getByRole('row', { name: 'Webhook secret None' }));
    await button(admin, 'Replace client secret').click();
    await admin.getByRole('switch', { name: /public client/ }).press('Space');
    await admin.getByRole('dialog').getByRole('button', { name: 'Delete secret' }).click();
    await expectShown(admin.getByRole('row', { name: 'Client secret None: a public client' }));

    await button(admin, 'Delete').click();
    await admin.getByRole('dialog').getByRole('button', { name: 'Delete app' }).click();

    await admin.getByText('Our app was deleted.').waitFor();
    await heading(admin, 'OAuth apps').waitFor();
    expect(await admin.getByRole('link', { name: 'Our app' }).count()).toBe(0);
  });

  it('cannot be added by a viewer, in words', async () => {
    const viewer = await desk.invite(admin, { name: 'Vic', email: 'vic@example.com', role: 'Viewer' });
    await desk.open(viewer, '/settings/oauth-apps');

    expect(await isRefused(viewer, 'Add an OAuth app')).toContain('This requires the role admin.');
    await viewer.context().close();
  });
});

/** As Xero does. @returns the status */
async function call(url: string): Promise<number> {
  const body = JSON.stringify({ events: [] });
  const signature = createHmac('sha256', WEBHOOKS_KEY).update(body).digest('base64');
  const headers = { 'content-type': 'application/json', 'x-xero-signature': signature };
  return (await fetch(url, { method: 'POST', headers, body })).status;
}
