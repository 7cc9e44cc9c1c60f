/** The console as people use it: Chromium, the real stack of `npm start`, and nothing in between. The tests build on one another's sign-in only. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { projectFolder } from '../../dev/paths';
import { launchBrowser, seriousFindings, watch } from './browser';
import { type Receiver, startReceiver } from './receiver';
import { type Stack, startStack } from './stack';

jest.setTimeout(240_000);
const PASSWORD = 'a few words nobody would guess';

let stack: Stack;
let browser: Browser;
let context: BrowserContext;
let page: Page;
let receiver: Receiver;
/** Of every page that a test opened. */
const troubles: string[] = [];

beforeAll(async () => {
  [stack, browser, receiver] = await Promise.all([startStack(), launchBrowser(), startReceiver()]);
  context = await openBrowser();
  page = await context.newPage();
}, 200_000);

afterEach(() => {
  const seen = troubles.splice(0);
  if (seen.length > 0) throw new Error(`In the browser's console:\n${seen.join('\n')}`);
});

afterAll(async () => {
  await browser?.close();
  await receiver?.close();
  await stack?.stop();
});

/** A browser of somebody's own, signed in nowhere. */
async function openBrowser(): Promise<BrowserContext> {
  const opened = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  opened.setDefaultTimeout(60_000);
  watch(opened, troubles);
  return opened;
}

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
  const other = await (await openBrowser()).newPage();
  await other.goto(`${stack.ready.console_url}/sign-in`);
  await other.getByLabel('E-mail').fill(stack.ready.console_email);
  await other.locator('input[type=password]').fill('not the password at all');
  await button('Sign in', other).click();

  await other.getByRole('alert').waitFor();
  expect(await other.getByRole('alert').innerText()).toContain('sign_in_failed');
  for (const colorScheme of ['light', 'dark'] as const) {
    await other.emulateMedia({ colorScheme });
    expect(await seriousFindings(other)).toEqual([]);
  }
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
  const history = page.getByRole('region', { name: 'History of pushes' }).getByText('somebody pushed it').first();
  await history.waitFor();

  expect(await history.isVisible()).toBe(true);
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

const contactHere = async (id: string): Promise<unknown> =>
  (await stack.call<{ fields: { company: string } }>('GET', `/records/contacts/${encodeURIComponent(`${crm()}:${id}`)}`)).fields.company;

it('shows in an overview what Sync Now would do, does exactly that, and says afterwards why the overview is gone', async () => {
  await stack.changeThere('contacts', 'contact00000003', { company: 'Seen in the overview' });
  await open(`/integrations/${crm()}`);
  let letAnswer = (): void => {};
  const progressSeen = new Promise<void>((resolve) => (letAnswer = resolve));
  await page.route('**/v1/integrations/*/overviews', async (route) => {
    const response = await route.fetch({ timeout: 90_000 });
    await progressSeen;
    await route.fulfill({ response });
  });
  await button('Sync Overview').click();
  const modal = page.getByRole('dialog', { name: /^Sync Overview of/ });
  await modal.getByRole('progressbar').waitFor();
  await modal.getByText(/You can close this; it goes on/).waitFor();
  letAnswer();
  await page.waitForURL(/\/overviews\/ovw_/);
  await page.unroute('**/v1/integrations/*/overviews');
  const overview = new URL(page.url()).pathname.replace('/console', '');
  const item = page.getByRole('region', { name: 'What Sync Now would do' }).getByRole('row').filter({ hasText: 'contact00000003' });
  await item.getByText('Seen in the overview').waitFor();
  expect(await item.innerText()).toContain('Update');
  expect(await contactHere('contact00000003')).not.toBe('Seen in the overview');

  await button('Sync Now').click();
  await page.getByRole('dialog').getByRole('button', { name: 'Sync Now' }).click();
  await page.waitForURL(/\/sync-runs\/run_/);
  await page.getByRole('main').getByText('Succeeded').first().waitFor();
  expect(await contactHere('contact00000003')).toBe('Seen in the overview');

  await open(overview);
  await heading('Sync Overview data no longer valid').waitFor();
  await page.getByRole('link', { name: 'The Sync Log' }).click();
  await page.waitForURL(/\/sync-runs\/run_/);
});

it("says that somebody else's overview took the place of this one, and leads to it", async () => {
  await open(`/integrations/${crm()}`);
  await button('Sync Overview').click();
  await page.waitForURL(/\/overviews\/ovw_/);
  const { pathname } = new URL(page.url());
  const other = await stack.call<{ overview: { id: string } }>('POST', `/integrations/${crm()}/overviews`, {});
  await page.goto(`${stack.ready.api_url}${pathname}`);
  await heading('Sync Overview data no longer valid').waitFor();
  await button('Sync Overview').waitFor();
  await page.getByRole('link', { name: 'The overview that replaced it' }).click();
  await heading('Sync Overview').waitFor();

  expect(page.url()).toContain(other.overview.id);
});

it('tells by the bell, without being reloaded, that what went on in the background has ended, leads to it, and takes a second of looking for a view', async () => {
  await open(`/integrations/${crm()}`);
  // As when the minute is up: the API answers that it goes on.
  await page.route('**/v1/integrations/*/overviews', (route) => route.continue({ headers: { ...route.request().headers(), prefer: 'respond-async' } }));
  await button('Sync Overview').click();
  const modal = page.getByRole('dialog', { name: /^Sync Overview of/ });
  await modal.getByText('is processing in the background. You will be sent a notification when it is finished.').waitFor();
  await modal.getByRole('button', { name: 'Close' }).last().click();
  await page.unroute('**/v1/integrations/*/overviews');
  await page.getByRole('link', { name: /^Notifications, \d+ unread$/ }).click();
  const entry = page
    .getByRole('listitem')
    .filter({ hasText: /The Sync Overview of .* is ready/ })
    .first();
  await entry.waitFor();
  await entry.getByText('New', { exact: true }).waitFor({ state: 'detached' });
  await entry.getByRole('link', { name: 'Open' }).click();
  await page.waitForURL(/\/overviews\/ovw_/);
  await button('Sync Now').waitFor();

  expect(await heading('Sync Overview').isVisible()).toBe(true);
});

it('syncs now without an overview', async () => {
  await stack.changeThere('contacts', 'contact00000005', { company: 'Synced now' });
  await open(`/integrations/${crm()}`);
  await button('Sync Now').click();
  await page.waitForURL(/\/sync-runs\/run_/);
  await page.getByRole('main').getByText('Succeeded').first().waitFor();

  expect(await contactHere('contact00000005')).toBe('Synced now');
});

it('shows the secret of a new webhook endpoint once, and each attempt at what is sent there, again when asked, and what it missed while it was off', async () => {
  await open('/webhooks');
  await button('Add an endpoint').click();
  await page.getByRole('dialog').getByLabel('Address').fill(receiver.url);
  await button('Add the endpoint').click();
  const secret = await page.getByRole('dialog').locator('pre').innerText();
  expect(secret).toMatch(/^whsec_/);
  receiver.verifyWith(secret);
  await button('I have it').click();
  await page.getByRole('link', { name: receiver.url }).click();
  await heading('Webhook endpoint').waitFor();
  expect(await page.content()).not.toContain(secret);

  await button('Send a test event').click();
  await heading('TEST').waitFor();
  await page.getByRole('article', { name: 'Attempt 1' }).getByText('Answer 204').waitFor();
  await page.getByRole('main').getByText('Delivered').first().waitFor();
  const first = page.url();
  await button('Resend').click();
  await page.waitForURL((url) => url.href !== first);
  await page.getByRole('article', { name: 'Attempt 1' }).getByText('Answer 204').waitFor();
  const tests = receiver.events.filter(({ type }) => type === 'TEST');
  expect(tests).toHaveLength(2);
  expect(tests[0]?.id).toBe(tests[1]?.id);

  await page.getByRole('link', { name: 'To this endpoint' }).click();
  await button('Disable').click();
  await page.getByRole('dialog').getByRole('button', { name: 'Disable' }).click();
  await page.getByText('Nothing is sent there').waitFor();
  expect(await button('Send a test event').getAttribute('title')).toBe('It is disabled. Enable it first.');
  await stack.changeThere('contacts', 'contact00000009', { company: 'Changed while it was off' });
  await stack.call('POST', `/integrations/${crm()}/sync-now`, {});
  await button('Enable').click();
  await page.getByRole('dialog').getByRole('button', { name: 'Enable' }).click();
  await button('Recover').waitFor();
  const missed = page.getByRole('region', { name: 'Deliveries to this endpoint' }).getByRole('row').filter({ hasText: 'DATA_UPDATE' });
  await missed.getByText('Delivered').first().waitFor();
  expect(receiver.events.map(({ type }) => type)).toContain('DATA_UPDATE');

  await button('Recover').click();
  await page.getByRole('dialog').getByRole('button', { name: 'Send again' }).click();
  await page.getByText('It has missed nothing.').waitFor();
});

it('shows a new API key once, and revokes it', async () => {
  await open('/settings/api-keys');
  await button('Make a key').click();
  await page.getByLabel('Name').fill('Of the test');
  await button('Make the key').click();
  const key = await page.getByRole('dialog').locator('pre').innerText();
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
  const link = await page.getByRole('dialog', { name: 'A link for Vera Viewer' }).locator('pre').innerText();
  const other = await (await openBrowser()).newPage();

  await choosePassword(other, link);
  await signIn(other, 'vera@sample-company.example');
  await other.getByRole('link', { name: 'Ada Lovelace' }).click();

  await other.getByRole('heading', { name: 'Fields' }).waitFor();
  expect(await button('Edit', other).getAttribute('title')).toContain('This takes the role operator; yours is viewer.');
  await other.goto(`${stack.ready.console_url}/settings/audit-log`);
  await other.getByText('An admin of your company can give you the role that this takes.').waitFor();
  await other.context().close();
});

/** Every page, and its heading. */
async function listPages(): Promise<[string, string | RegExp][]> {
  const run = (await stack.call<{ data: { id: string }[] }>('GET', '/sync-runs?limit=1')).data[0]?.id as string;
  const endpoint = (await stack.call<{ data: { id: string }[] }>('GET', '/webhook-endpoints')).data[0]?.id as string;
  const delivery = (await stack.call<{ data: { id: string }[] }>('GET', '/webhook-deliveries?limit=1')).data[0]?.id as string;
  const { overview } = await stack.call<{ overview: { id: string } }>('POST', `/integrations/${crm()}/overviews`, {});
  return [
    ['/records/employees', 'Employees'],
    ['/records/employees/emp-1', 'Ada Lovelace'],
    ['/integrations', 'Integrations'],
    ['/integrations/new?connector=postgres', 'Link a third party'],
    [`/integrations/${crm()}`, 'PocketBase CRM'],
    ['/overviews', 'Sync Overview'],
    [`/overviews/${overview.id}`, 'Sync Overview'],
    ['/webhooks', 'Webhooks'],
    [`/webhooks/${endpoint}`, 'Webhook endpoint'],
    [`/webhook-deliveries/${delivery}`, /^[A-Z_]+$/],
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
}

async function openWhole([at, title]: [string, string | RegExp]): Promise<void> {
  await open(at);
  await heading(title).waitFor();
  await page.waitForLoadState('load');
  await page
    .getByRole('status', { name: /oading/ })
    .first()
    .waitFor({ state: 'detached' });
}

it.each(['light', 'dark'] as const)('has no serious finding of axe on any page, %s', async (colorScheme) => {
  await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
  const found: Record<string, string[]> = {};
  for (const one of await listPages()) {
    await openWhole(one);
    const findings = await seriousFindings(page);
    if (findings.length > 0) found[one[0]] = findings;
  }

  expect(found).toEqual({});
});

it('fits a phone: no page is wider than the window', async () => {
  await page.setViewportSize({ width: 390, height: 844 });
  const wide: string[] = [];
  for (const one of await listPages()) {
    await openWhole(one);
    if (await page.evaluate<boolean>('document.documentElement.scrollWidth > document.documentElement.clientWidth')) wide.push(one[0]);
  }
  await page.setViewportSize({ width: 1280, height: 900 });

  expect(wide).toEqual([]);
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
