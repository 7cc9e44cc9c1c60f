/**
 * What definitions need in the console: references in a mapping, webhooks of an app, the OAuth app of a
 * product, and rollouts that stopped.
 */
import { Client } from 'pg';
import type { Page } from 'playwright-core';
import { fromTypeId } from '../../db/sql/ids';
import { signatureOf, WEBHOOK_SECRET, WEBHOOKS, withWebhooks } from '../api/support/incoming';
import { givenDefinition } from '../api/third-parties/definition-given';
import { type ListServer, startListServer } from '../support/servers/list-server';
import { expectShown, seriousFindings } from './browser';
import { button, Desk, heading } from './desk';
import { tabTo } from './keyboard';
import type { Stack } from './stack';

jest.setTimeout(240_000);

let desk: Desk;
let stack: Stack;
let lists: ListServer;
let page: Page;
let viewer: Page;
let integrationId: string;

beforeAll(async () => {
  [desk, lists] = await Promise.all([Desk.setUp(), startListServer()]);
  ({ stack } = desk);
  ({ id: integrationId } = await stack.call<{ id: string }>(
    'POST',
    '/integrations',
    withWebhooks(lists.url),
  ));
  page = await desk.sitDown();
  viewer = await desk.invite(page, { name: 'Vic', email: 'vic@example.com', role: 'Viewer' });
}, 240_000);
afterEach(() => desk.expectNoTrouble());
afterAll(async () => {
  await desk?.close();
  await lists?.stop();
});

async function openTab(on: Page, name: string, of = integrationId): Promise<void> {
  await desk.open(on, `/integrations/${of}`);
  await on.getByRole('tab', { name }).click();
}

/** On a phone: nothing is wider than the screen, and axe finds nothing serious. */
async function expectFitsPhone(on: Page): Promise<void> {
  await on.setViewportSize({ width: 360, height: 800 });
  expect(await seriousFindings(on)).toEqual([]);
  expect(await on.evaluate('document.documentElement.scrollWidth')).toBe(360);
  await on.setViewportSize({ width: 1280, height: 900 });
}

const state = () => page.getByRole('region', { name: /^Webhooks of / }).getByRole('status');

describe('a reference in a mapping', () => {
  it('is chosen by keyboard, with what happens while the other record is missing', async () => {
    await openTab(page, 'Mapping');
    await button(page, 'Settings of name').first().click();
    const form = page.getByRole('dialog', { name: 'Settings of name' });
    await tabTo(page, form.getByRole('combobox', { name: 'Refers to' }));
    await page.keyboard.press('ArrowDown');
    const companies = page.getByRole('option', { name: 'Companies' });
    await companies.waitFor();
    while ((await companies.getAttribute('data-combobox-selected')) === null)
      await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');

    await expectShown(form.getByRole('combobox', { name: 'The id in the app is a' }));
    await expectShown(form.getByText(/the field keeps its value, and changes once the record arrives/));
    expect(await button(page, 'Add step').count()).toBe(0);
    await expectFitsPhone(page);
    await button(page, 'Done').click();
    await expectShown(page.getByText('refers to companies'));
    await button(page, 'Preview changes').click();
    await button(page, 'Change mapping').click();
    await page.getByText('Saved.').waitFor();

    const { record_types: types } = await stack.call<{ record_types: Record<string, { fields: object[] }> }>(
      'GET',
      `/integrations/${integrationId}`,
    );
    expect(Object.values(types).flatMap(({ fields }) => fields)).toContainEqual({
      name: 'name',
      to: 'name',
      ref: { record_type: 'companies' },
    });
  });

  it('says why a field with steps cannot be one', async () => {
    await openTab(page, 'Mapping', desk.crm);
    await button(page, 'Settings of stage').click();
    await button(page, 'Add step').click();

    await expectShown(page.getByText('Remove the steps first: a field with steps cannot refer to a record.'));
    await button(page, 'Remove step 1').click();
    await expectShown(page.getByText('For a field with the id of another record'));
  });
});

describe('webhooks of an app', () => {
  const address = async (): Promise<string> => {
    const shown = await page.getByRole('dialog').locator('pre').innerText();
    await button(page, 'Done').click();
    return shown;
  };
  const call = async (url: string, secret = WEBHOOK_SECRET): Promise<number> => {
    const body = JSON.stringify({ events: [{ id: 'c1' }] });
    const headers = { 'content-type': 'application/json', ...signatureOf(body, secret) };
    return (await fetch(url, { method: 'POST', headers, body })).status;
  };

  it('are set up step by step, and the page says what is missing next', async () => {
    await openTab(page, 'Webhooks');
    await state().filter({ hasText: 'There is no address yet' }).waitFor();
    await tabTo(page, button(page, 'Make address'));
    await page.keyboard.press('Enter');
    await expectShown(page.getByText(/Copy the address now/));
    await expectFitsPhone(page);
    const url = await address();

    await state().filter({ hasText: 'The secret is missing: every webhook is refused' }).waitFor();
    expect(await call(url)).toBe(401);
    await button(page, 'Store secret').click();
    await page.getByRole('dialog').locator('input:focus').waitFor(); // opens with a transition
    await page.keyboard.type(WEBHOOK_SECRET);
    await page.keyboard.press('Enter');
    await page.getByText('The secret is stored.').waitFor();
    await state().filter({ hasText: 'The last webhook was refused' }).waitFor();

    expect(await call(url)).toBe(200);
    await state().filter({ hasText: 'Webhooks arrive' }).waitFor();
    await expectFitsPhone(page);
  });

  it('stop at the former address when it is replaced, after a warning', async () => {
    await button(page, 'Replace address').click();
    const question = page.getByRole('dialog', { name: 'Replace the address?' });
    await expectShown(question.getByText(/The present address stops working at once/));
    await question.getByRole('button', { name: 'Replace address' }).click();
    const url = await address();

    await state().filter({ hasText: 'No webhook has arrived yet' }).waitFor();
    expect(await call(url)).toBe(200);
  });

  it('show a viewer the state, and no way to change it', async () => {
    await openTab(viewer, 'Webhooks');
    await expectShown(viewer.getByRole('row', { name: /Secret Stored/ }));

    for (const name of ['Replace address', 'Replace secret'])
      expect(await button(viewer, name).getAttribute('aria-disabled')).toBe('true');
  });

  it('ask for the secret of the app where Syncline subscribes with one', async () => {
    const given = withWebhooks(lists.url);
    const create = [{ path: '/hooks', body: { url: '{address}' } }];
    const subscription = { secret: 'given', create, lifetime_minutes: 1_440 };
    const config = { ...(given['config'] as object), webhooks: { ...WEBHOOKS, subscription } };
    const body = { ...given, account_name: 'Subscribed', config };
    const { id } = await stack.call<{ id: string }>('POST', '/integrations', body);
    await openTab(page, 'Webhooks', id);
    await button(page, 'Make address').click();

    await state().filter({ hasText: 'The secret is missing: every webhook is refused' }).waitFor();
    await button(page, 'Store secret').click();
    await page.getByRole('dialog').locator('input:focus').waitFor(); // opens with a transition
    await page.keyboard.type(WEBHOOK_SECRET);
    await page.keyboard.press('Enter');
    await state().filter({ hasText: 'The next run subscribes to webhooks' }).waitFor();
    await expectShown(page.getByRole('row', { name: /Subscribed until Not yet/ }));
    await expectFitsPhone(page);
  });

  it('that are not described are said to be missing', async () => {
    await openTab(page, 'Webhooks', desk.crm);

    await expectShown(page.getByText(/The configuration describes no webhooks of/));
  });
});

describe('the OAuth app of a product', () => {
  const openHubSpot = async (): Promise<void> => {
    await desk.open(page, '/integrations/new?definition=hubspot');
    await page.getByRole('combobox', { name: 'How to sign in' }).click();
    await page.getByRole('option', { name: 'Sign in with HubSpot' }).click();
  };

  it('is added where there is none, and is chosen then', async () => {
    await openHubSpot();
    await expectShown(page.getByText(/ask your operator to register one for all companies/));
    await button(page, 'Add an OAuth app').click();
    const form = page.getByRole('dialog', { name: 'OAuth app for HubSpot' });
    // The address that the API sends, whatever address the console was opened at.
    await expectShown(form.getByText(`${stack.ready.api_url}/connect/callback`, { exact: true }));
    await form.getByLabel('Client id').fill('client-1');
    await form.getByRole('textbox', { name: 'Client secret' }).fill('canary-secret');
    await expectFitsPhone(page);
    await form.getByRole('button', { name: 'Add app' }).click();

    await page.getByText('HubSpot was added.').waitFor();
    const choice = page.getByRole('combobox', { name: 'OAuth app' });
    await choice.waitFor();
    expect(await choice.inputValue()).toBe('HubSpot (of your company)');
  });

  it('is chosen by name among those of the company and of the operator that fit', async () => {
    const app = { client_id: 'client-2', client_secret: null };
    const origins = ['https://app.hubspot.com', 'https://api.hubapi.com'];
    const make = (name: string, allowed: string[]) =>
      stack.call(
        'POST',
        '/platform/oauth-apps',
        { ...app, name, allowed_origins: allowed },
        stack.ready.platform_key,
      );
    await make('For everyone', origins);
    await make('Of another product', ['https://login.example.com']);
    await openHubSpot();
    await page.getByRole('combobox', { name: 'OAuth app' }).click();

    await expectShown(page.getByRole('option', { name: 'HubSpot (of your company)' }));
    await expectShown(page.getByRole('option', { name: 'For everyone (of your operator)' }));
    expect(await page.getByRole('option', { name: /Of another product/ }).count()).toBe(0);
    await page.keyboard.press('Escape');
    await expectFitsPhone(page);
  });
});

it('linking a product by its definition asks whether existing records are pushed', async () => {
  const config = { ...(givenDefinition()['config'] as object), app: 'Pushed product', base_url: lists.url };
  await stack.call(
    'POST',
    '/platform/third-party-definitions',
    givenDefinition({ key: 'pushed-product', name: 'Pushed product', parameters: {}, config }),
    stack.ready.platform_key,
  );
  await desk.open(page, '/integrations/new?definition=pushed-product');
  await page.getByRole('textbox', { name: 'API key' }).fill('canary-key');
  await page.getByRole('combobox', { name: 'Existing records' }).click();
  await page.getByRole('option', { name: 'Push only future changes' }).click();
  await expectFitsPhone(page);
  await button(page, 'Connect and check').click();
  await page.getByText('Pushed product is connected, and paused').waitFor();

  const { data } = await stack.call<{ data: object[] }>('GET', '/integrations');
  expect(data).toContainEqual(expect.objectContaining({ app: 'Pushed product', initial_push: 'none' }));
});

describe('a rollout that stopped by itself', () => {
  async function givenStopped(): Promise<void> {
    const base = '/platform/third-party-definitions';
    const key = 'stopping-product';
    const asPlatform = <Answer>(path: string, body: object) =>
      stack.call<Answer>('POST', path, body, stack.ready.platform_key);
    await asPlatform(base, givenDefinition({ key }));
    await asPlatform(base, givenDefinition({ key, description: 'Changed.' }));
    const { id } = await asPlatform<{ id: string }>(`${base}/${key}/rollouts`, { version: 2 });
    const database = new Client({ connectionString: stack.ready.database_url });
    await database.connect();
    await database.query(
      `update definition_rollouts set state = 'running', paused_at = now(), paused_because = 'failures'
       where rollout_id = $1`,
      [fromTypeId('rol', id)],
    );
    await database.end();
  }

  it('is named on every page of operators until they have decided', async () => {
    await givenStopped();
    const operator = await (await desk.openBrowser()).newPage();
    await desk.open(operator, '/platform/outbox');
    await operator.locator('input[type=password]').fill(stack.ready.platform_key);
    await button(operator, 'Sign in').click();
    await heading(operator, 'Outbox').waitFor();
    const banner = operator.getByRole('status').filter({ hasText: '1 rollout stopped' });
    await banner.waitFor();
    for (const colorScheme of ['light', 'dark'] as const) {
      await operator.emulateMedia({ colorScheme });
      await expectFitsPhone(operator);
    }
    await desk.open(operator, '/platform/definitions');
    await expectShown(
      operator.getByRole('row', { name: /^stopping-product/ }).getByRole('link', { name: 'Stopped' }),
    );

    await banner.getByRole('link', { name: 'stopping-product, version 2' }).click();
    await button(operator, 'Cancel rollout').click();
    await operator.getByRole('dialog').getByRole('button', { name: 'Cancel rollout' }).click();

    await banner.waitFor({ state: 'detached' });
  });
});
