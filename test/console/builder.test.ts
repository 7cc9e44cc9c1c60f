/** Operators in the console: from a curl command to a definition that works and was added. */
import type { Page } from 'playwright-core';
import type { JsonObject } from '../../domain/json';
import { acmeConfig, type Acme, startAcme, TOKEN } from '../connectors/tries/acme';
import { expectShown, seriousFindings } from './browser';
import { button, Desk, heading } from './desk';

jest.setTimeout(240_000);

const YAML = `
openapi: 3.0.3
info: { title: Acme API, version: '1' }
servers: [{ url: https://api.acme.example/v1 }]
paths:
  /people:
    get:
      responses:
        '200':
          description: People
          content:
            application/json:
              schema:
                properties:
                  data: { type: array, items: { properties: { id: {}, description: {} } } }
`;

let desk: Desk;
let acme: Acme;
let page: Page;

beforeAll(async () => {
  [desk, acme] = [await Desk.setUp(), await startAcme()];
  page = await (await desk.openBrowser()).newPage();
  await desk.open(page, '/platform/definition-builder');
  await page.locator('input[type=password]').fill(desk.stack.ready.platform_key);
  await button(page, 'Sign in').click();
}, 200_000);

afterEach(() => desk.expectNoTrouble());

afterAll(async () => {
  await acme?.stop();
  await desk?.close();
});

const results = () => page.getByRole('region', { name: 'Results' });

it('makes a draft of a curl command, and says what is to be decided', async () => {
  await heading(page, 'Build a definition').waitFor();
  await page
    .getByLabel('curl command', { exact: true })
    .last()
    .fill(`curl "${acme.url}/contacts?page=1" -H "Authorization: Bearer canary-quux"`);
  await button(page, 'Make a draft').click();

  await expectShown(page.getByText('The definition was valid when it was last checked.'));
  await expectShown(page.getByText('Say where the answer has the list of records.'));
  const text = await page.getByLabel('Definition (JSON)').inputValue();
  expect(JSON.parse(text)).toMatchObject({ config: { base_url: acme.url } });
  expect(text).not.toContain('quux');
  expect(await seriousFindings(page)).toEqual([]);
});

it('says why the list of the draft cannot be read, and which setting to correct', async () => {
  await page.getByLabel('Credential token').fill(TOKEN);
  await page.getByRole('combobox', { name: 'What to try' }).press('ArrowDown');
  await page.getByRole('option', { name: 'List', exact: true }).click();
  await page.keyboard.press('Escape');
  await button(page, 'Try').click();

  await expectShown(results().getByText('Failed', { exact: true }));
  await expectShown(results().getByText('/config/record_types/contacts/list/items'));
});

it('passes the whole suite once the definition is right, on a phone too', async () => {
  const definition = JSON.parse(await page.getByLabel('Definition (JSON)').inputValue()) as object;
  const fields = [{ name: 'email', to: 'email' }];
  const mapping = { direction: 'both', on_delete: 'delete', fields };
  const { auth: _auth, record_types: types, ...config } = acmeConfig(acme.url);
  await page.getByLabel('Definition (JSON)').fill(
    JSON.stringify({
      ...definition,
      key: 'acme-contacts',
      config: { ...config, record_types: { people: (types as JsonObject)['contacts'] } },
      record_types: { people: mapping },
    }),
  );
  // The page says of the draft before that it was valid.
  const checked = page.waitForResponse((answer) => answer.url().endsWith('/third-party-definitions/draft'));
  await button(page, 'Check the definition').click();
  expect(await (await checked).json()).toMatchObject({ problems: [] });
  // It was about a record type that has another name now.
  await page.getByText('Say where the answer has the list of records.').waitFor({ state: 'detached' });
  await expectShown(page.getByText('Say where people find these credentials, step by step.'));
  await page.getByRole('combobox', { name: 'What to try' }).press('Backspace');
  await page.getByLabel(/May write a test record/).check();
  await page.getByLabel('Test record', { exact: true }).fill('{"email": "try@example.com"}');
  await page.getByLabel('What update changes').fill('{"email": "tried@example.com"}');
  await page.getByLabel('A record that must be refused').fill('{"email": "no address"}');
  await page.setViewportSize({ width: 360, height: 800 });
  await button(page, 'Try').click();

  await expectShown(results().getByText('14 passed, 0 failed.'));
  await results().locator('summary', { hasText: 'Calls of Check' }).click();
  await expectShown(results().getByText('Answered 200').first());
  expect(await seriousFindings(page)).toEqual([]);
  expect(await page.evaluate('document.documentElement.scrollWidth <= window.innerWidth')).toBe(true);
  expect([...acme.contacts.keys()]).toEqual(['c1', 'c2', 'c3']);
});

it('offers to say that it is proved as long as the calls are those that were tried', async () => {
  const editor = page.getByLabel('Definition (JSON)');
  const proved = page.getByLabel(/The whole suite has passed at the live product/);
  const passed = await editor.inputValue();
  await editor.fill(passed.replaceAll('/contacts', '/others'));
  await proved.waitFor({ state: 'detached' });
  await editor.fill(passed);
  await proved.check();

  expect(JSON.parse(await editor.inputValue())).toMatchObject({ key: 'acme-contacts', proof: 'live' });
  expect(await seriousFindings(page)).toEqual([]);
});

it('adds the definition by keyboard, for all tenants to link', async () => {
  await button(page, 'Add the definition').focus();
  await page.keyboard.press('Enter');

  await expectShown(page.getByText('acme-contacts, version 1, was added.'));
});

it('begins the next version with one that was added', async () => {
  await page.setViewportSize({ width: 1280, height: 900 });
  await desk.open(page, '/platform/definitions/acme-contacts');
  await page.getByRole('link', { name: 'Change version 1' }).click();
  const editor = page.getByLabel('Definition (JSON)');
  await editor.waitFor();
  await editor.fill((await editor.inputValue()).replace('Records of', 'All records of'));
  await button(page, 'Add the definition').click();

  await expectShown(page.getByText('acme-contacts, version 2, was added.'));
});

it('makes a draft of an OpenAPI document in YAML', async () => {
  await desk.open(page, '/platform/definition-builder');
  await page.getByText('OpenAPI', { exact: true }).click();
  await page.getByLabel('Or its text').fill(YAML);
  await button(page, 'Make a draft').click();

  await expectShown(page.getByText('The definition was valid when it was last checked.'));
  const text = await page.getByLabel('Definition (JSON)').inputValue();
  expect(JSON.parse(text)).toMatchObject({
    name: 'Acme',
    config: { record_types: { people: { list: { path: '/people', items: '/data' } } } },
  });
});
