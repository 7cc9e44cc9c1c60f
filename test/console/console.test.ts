/** The console as people use it: Chromium, the real stack of `npm start`, and nothing in between. The tests build on one another's sign-in only. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { projectFolder } from '../../dev/paths';
import { launchBrowser, seriousFindings, watch } from './browser';
import { type Stack, startStack } from './stack';

jest.setTimeout(120_000);
const PASSWORD = 'a few words nobody would guess';

let stack: Stack;
let browser: Browser;
let context: BrowserContext;
let page: Page;
let troubles: string[];

beforeAll(async () => {
  [stack, browser] = await Promise.all([startStack(), launchBrowser()]);
  context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  context.setDefaultTimeout(40_000);
  troubles = watch(context);
  page = await context.newPage();
}, 200_000);

afterEach(() => expect(troubles.splice(0)).toEqual([]));

afterAll(async () => {
  await browser?.close();
  await stack?.stop();
});

const open = (at: string): Promise<unknown> => page.goto(`${stack.ready.console_url}${at}`);
const heading = (name: string | RegExp, on = page) => on.getByRole('heading', { level: 1, name });
const button = (name: string | RegExp, on = page) => on.getByRole('button', { name, exact: typeof name === 'string' });
const crm = (): string => stack.ready.crm_integration_id;

async function signIn(on: Page, email: string): Promise<void> {
  await on.getByLabel('E-mail').fill(email);
  await on.locator('input[type=password]').fill(PASSWORD);
  await button('Sign in', on).click();
}

async function choosePassword(on: Page, link: string): Promise<void> {
  await on.goto(link);
  await on.getByLabel('New password').fill(PASSWORD);
  await on.getByLabel('The same once more').fill(PASSWORD);
  await button('Set the password', on).click();
  await heading('Sign in', on).waitFor();
}

it('leads who is not signed in to the sign-in, by a link to choose a password, and then to the page that was asked for', async () => {
  await choosePassword(page, stack.ready.console_link as string);
  await open('/records/employees?q=ada');
  await signIn(page, stack.ready.console_email);

  await page.getByRole('link', { name: 'Ada Lovelace' }).waitFor();
  expect(new URL(page.url()).search).toBe('?q=ada');
  expect(await page.getByRole('banner').innerText()).toContain('Sample Company');
});

it('says that a sign-in was refused, and not why', async () => {
  const other = await (await browser.newContext()).newPage();
  await other.goto(`${stack.ready.console_url}/sign-in`);
  await other.getByLabel('E-mail').fill(stack.ready.console_email);
  await other.locator('input[type=password]').fill('not the password at all');
  await button('Sign in', other).click();

  await other.getByRole('alert').waitFor();
  expect(await other.getByRole('alert').innerText()).toContain('sign_in_failed');
  await other.context().close();
});

it('finds employees by words and by status', async () => {
  await open('/records/employees');
  await page.getByLabel('Search').fill('finance');
  await page.getByText('All 2 are shown.').waitFor();
  const names = await page.getByRole('table').getByRole('link').allInnerTexts();

  expect(names).toEqual(['Katherine Johnson', 'Luca Pacioli']);
  expect(new URL(page.url()).searchParams.get('q')).toBe('finance');
});

it('shows a changed employee go from Sync pending to Synced, and the push in its history, without being reloaded', async () => {
  await open('/records/employees/emp-2');
  await button('Edit').click();
  await page.getByLabel('Job title', { exact: true }).fill('Rear Admiral');
  await button('Save').click();
  const card = page.getByRole('article', { name: 'PocketBase (Demo)' });
  await card.getByText('Sync pending').waitFor();
  await card.getByText(/Changes go out in/).waitFor();

  await card.getByRole('button', { name: 'Push now' }).click();

  await card.getByText('Synced', { exact: true }).waitFor();
  await page.getByRole('region', { name: 'History of pushes' }).getByText('somebody pushed it').waitFor();
});

it("shows the third party's error at its field, and Synced once it is corrected", async () => {
  await open('/records/employees/emp-3');
  const card = page.getByRole('article', { name: 'PocketBase (Demo)' });
  const changeEmail = async (email: string): Promise<void> => {
    await button('Edit').click();
    await page.getByLabel('Email', { exact: true }).fill(email);
    await button('Save').click();
    await card.getByText('Sync pending').waitFor();
    await card.getByRole('button', { name: 'Push now' }).click();
  };
  await changeEmail('no address');
  await card.getByText('Sync failed').first().waitFor();
  const row = page.getByRole('row').filter({ has: page.getByRole('rowheader', { name: 'Email' }) });
  expect(await row.innerText()).toMatch(/PocketBase: Must be a valid email address/i);

  await changeEmail('katherine.johnson@sample-company.example');

  await card.getByText('Synced', { exact: true }).waitFor();
  expect(await row.innerText()).not.toMatch(/valid email/i);
});

it('checks a third party before anything is synced with it', async () => {
  await open('/integrations/new?connector=scim');
  await page.getByLabel('Base url').fill('http://127.0.0.1:9/scim/v2');
  await page.getByLabel('Account name').fill('Nobody is there');
  await page.getByLabel('Token', { exact: true }).or(page.locator('input[type=password]')).first().fill('secret');
  await button('Link and check').click();

  await page.getByText('It cannot be used yet').waitFor();
  expect(await button('Start to sync').getAttribute('aria-disabled')).toBe('true');
});

it('says how many records a mapping touches before it is changed, and keeps the change of somebody else', async () => {
  const { data } = await stack.call<{ data: { id: string; app: string }[] }>('GET', '/integrations');
  const id = data.find(({ app }) => app === 'PocketBase')?.id as string;
  await open(`/integrations/${id}`);
  await page.getByRole('tab', { name: 'Mapping' }).click();
  await button('Remove department').click();
  await button('See what it touches').click();
  await page.getByText(/would be sent anew, of/).waitFor();
  await button('Cancel').click();
  await button('Pause').click();
  await page.getByRole('dialog').getByRole('button', { name: 'Pause' }).click();
  await button('Resume').click();
  await button('Pause').waitFor();

  expect((await stack.call<{ state: string }>('GET', `/integrations/${id}`)).state).toBe('active');
});

it("shows in Sync Status what both sides hold, kicks off a sync of the last day's changes, and follows its log to the end", async () => {
  await open(`/sync-status?integration_id=${crm()}`);
  const row = page.getByRole('row').nth(1);
  await row.getByText('PocketBase CRM').waitFor();
  expect(await row.innerText()).toMatch(/Contacts: 200 − 200 = 0/);

  await button('Sync changes from last day').click();

  await page.getByText(/was kicked off|under way already/).waitFor();
  await heading('Changes from last day').waitFor();
  await page.getByRole('main').getByText('Succeeded').first().waitFor();
});

it('shows in an overview what Sync Now would do, does exactly that, and says afterwards why the overview is gone', async () => {
  await stack.changeThere('contacts', 'contact00000003', { company: 'Seen in the overview' });
  await open(`/integrations/${crm()}`);
  await button('Sync Overview').click();
  await page.waitForURL(/\/overviews\/ovw_/);
  const overview = new URL(page.url()).pathname.replace('/console', '');
  await page.getByText('Seen in the overview').waitFor();

  await button('Sync Now').click();
  await page.getByRole('dialog').getByRole('button', { name: 'Sync Now' }).click();
  await page.waitForURL(/\/sync-runs\/run_/);
  await page.getByRole('main').getByText('Succeeded').first().waitFor();
  const contact = await stack.call<{ fields: { company: string } }>('GET', `/records/contacts/${encodeURIComponent(`${crm()}:contact00000003`)}`);
  await open(overview);
  await heading('Sync Overview data no longer valid').waitFor();

  expect(contact.fields.company).toBe('Seen in the overview');
  await page.getByRole('link', { name: 'The Sync Log' }).waitFor();
});

it('shows a new API key once, and revokes it', async () => {
  await open('/settings/api-keys');
  await button('Make a key').click();
  await page.getByLabel('Name').fill('Of the test');
  await button('Make the key').click();
  const key = await page.getByRole('dialog').locator('code').innerText();
  await button('I have it').click();
  const row = page.getByRole('row').filter({ hasText: 'Of the test' });
  await row.getByRole('button', { name: 'Revoke' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
  await row.getByText('Revoked').waitFor();

  expect((await fetch(`${stack.ready.api_url}/v1/tenant`, { headers: { authorization: `Bearer ${key}` } })).status).toBe(401);
  expect(await page.content()).not.toContain(key);
});

it('lets a viewer look, and says why they may do no more', async () => {
  await open('/settings/people');
  await button('Add a person').click();
  await page.getByLabel('Name').fill('Vera Viewer');
  await page.getByRole('dialog').getByLabel('E-mail').fill('vera@sample-company.example');
  await page.getByRole('dialog').getByRole('combobox', { name: 'Role' }).click();
  await page.getByRole('option', { name: /^Viewer/ }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Add' }).click();
  const link = await page.getByRole('dialog', { name: 'A link for Vera Viewer' }).locator('code').innerText();
  const other = await (await browser.newContext()).newPage();

  await choosePassword(other, link);
  await signIn(other, 'vera@sample-company.example');
  await other.getByRole('link', { name: 'Ada Lovelace' }).click();

  await other.getByRole('heading', { name: 'Fields' }).waitFor();
  expect(await button('Edit', other).getAttribute('title')).toContain('This takes the role operator; yours is viewer.');
  await other.goto(`${stack.ready.console_url}/settings/audit-log`);
  await other.getByText('An admin of your company can give you the role that this takes.').waitFor();
  await other.context().close();
});

it.each(['light', 'dark'] as const)('has no serious finding of axe on any page, %s', async (colorScheme) => {
  const run = (await stack.call<{ data: { id: string }[] }>('GET', '/sync-runs?limit=1')).data[0]?.id as string;
  const pages: [string, string | RegExp][] = [
    ['/records/employees', 'Employees'],
    ['/records/employees/emp-1', 'Ada Lovelace'],
    ['/integrations', 'Integrations'],
    ['/integrations/new?connector=postgres', 'Link a third party'],
    [`/integrations/${crm()}`, 'PocketBase CRM'],
    ['/overviews', 'Sync Overview'],
    ['/sync-runs', 'Sync Logs'],
    [`/sync-runs/${run}`, /./],
    [`/sync-status?integration_id=${crm()}`, 'Sync Status'],
    ['/deletion-reviews', 'Parked deletions'],
    ['/notifications', 'Notifications'],
    ['/settings', 'Settings'],
    ['/settings/people', 'People'],
    ['/settings/api-keys', 'API keys'],
    ['/settings/audit-log', 'Audit log'],
    ['/account', 'Sample Admin'],
  ];
  await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
  const found: Record<string, string[]> = {};
  for (const [at, title] of pages) {
    await open(at);
    await heading(title).waitFor();
    await page.waitForLoadState('load');
    await page
      .getByRole('status', { name: /oading/ })
      .first()
      .waitFor({ state: 'detached' });
    const findings = await seriousFindings(page);
    if (findings.length > 0) found[at] = findings;
  }

  expect(found).toEqual({});
});

it('signs out, and is closed afterwards', async () => {
  await open('/notifications');
  await heading('Notifications').waitFor();
  await page.getByRole('button', { name: /Your menu/ }).click();
  await page.getByRole('menuitem', { name: 'Sign out' }).click();
  await heading('Sign in').waitFor();
  await open('/settings/api-keys');

  await heading('Sign in').waitFor();
  expect(await page.getByText('Of the test').count()).toBe(0);
});

it('begins with less than 250 KB of scripts, gzipped', () => {
  const folder = path.join(projectFolder, 'dist/console');
  expect(existsSync(folder)).toBe(true);
  const first = [...readFileSync(path.join(folder, 'index.html'), 'utf8').matchAll(/(?:src|href)="\/console\/(assets\/[^"]+\.js)"/g)].map(
    ([, file]) => file as string,
  );
  const size = first.reduce((sum, file) => sum + gzipSync(readFileSync(path.join(folder, file))).length, 0);

  expect(readdirSync(path.join(folder, 'assets')).length).toBeGreaterThan(20);
  expect(size / 1_000).toBeLessThan(250);
});
