/** The console in Chromium on the real stack of `npm start`. The tests share the sign-in of the first one. */
import { gzipSync } from 'node:zlib';
import type { Page } from 'playwright-core';
import { until } from '../support/until';
import { expectShown, seriousFindings } from './browser';
import * as desks from './desk';
import { type Receiver, startReceiver } from './receiver';
import type { Stack } from './stack';

jest.setTimeout(240_000);

let desk: desks.Desk;
let stack: Stack;
let page: Page;
let receiver: Receiver;

beforeAll(async () => {
  [desk, receiver] = await Promise.all([desks.Desk.setUp(), startReceiver()]);
  ({ stack } = desk);
  page = await (await desk.openBrowser()).newPage();
}, 200_000);

afterEach(() => desk.expectNoTrouble());

afterAll(async () => {
  await receiver?.close();
  await desk?.close();
});

const open = (at: string): Promise<unknown> => desk.open(page, at);
const heading = (name: string | RegExp, on = page) => desks.heading(on, name);
const button = (name: string | RegExp, on = page) => desks.button(on, name);
const crm = (): string => desk.crm;

it('asks for a password and a sign-in first, then shows the requested page', async () => {
  await desk.choosePassword(page, stack.ready.console_link as string);
  await open('/records/employees?q=ada');
  await desk.signIn(page, stack.ready.console_email);

  await page.getByRole('link', { name: 'Ada Lovelace' }).waitFor();
  expect(new URL(page.url()).search).toBe('?q=ada');
  await page.getByRole('banner').getByText('Sample Company').waitFor();
});

it('reports a failed sign-in without the reason', async () => {
  const other = await (await desk.openBrowser()).newPage();
  await other.goto(`${stack.ready.console_url}/sign-in`);
  await other.getByLabel('E-mail').fill(stack.ready.console_email);
  await other.locator('input[type=password]').fill('not the password at all');
  await button('Sign in', other).click();

  await other.getByRole('alert').filter({ hasText: 'sign_in_failed' }).waitFor();
  for (const colorScheme of ['light', 'dark'] as const) {
    await other.emulateMedia({ colorScheme });
    expect(await seriousFindings(other)).toEqual([]);
  }
  await other.context().close();
});

it('finds employees by words and by status', async () => {
  await open('/records/employees');
  await page.getByLabel('Search').fill('finance');
  await page.getByText('2 in total').waitFor();
  const names = await page.getByRole('table').getByRole('link').allInnerTexts();

  expect(names).toEqual(['Katherine Johnson', 'Luca Pacioli']);
  expect(new URL(page.url()).searchParams.get('q')).toBe('finance');
});

it('shows a change go from Sync pending to Synced, and its push, without a reload', async () => {
  await open('/records/employees/emp-2');
  await button('Edit').click();
  await page.getByLabel('Job title', { exact: true }).fill('Rear Admiral');
  await button('Save').click();
  const card = page.getByRole('article', { name: 'PocketBase (Demo)' });
  await card.getByText('Sync pending').waitFor();
  await card.getByText(/Changes will be pushed in/).waitFor();

  await card.getByRole('button', { name: 'Push now' }).click();

  await card.getByText('Synced', { exact: true }).waitFor();
  await expectShown(page.getByRole('region', { name: 'Push history' }).getByText('pushed manually').first());
});

it('keeps a draft while another user changes the record, and does not overwrite that change', async () => {
  await open('/records/employees/emp-5');
  await button('Edit').click();
  await page.getByLabel('Job title', { exact: true }).fill('Typed for a while');
  await stack.call('PATCH', '/records/employees/emp-5', { fields: { department: 'Moved meanwhile' } });
  const department = page.getByLabel('Department', { exact: true });
  await until('the page knows', async () => (await department.inputValue()) === 'Moved meanwhile');
  await button('Save').click();
  await page.getByText(/^Saved\./).waitFor();

  const { fields } = await stack.call<{ fields: Record<string, string> }>('GET', '/records/employees/emp-5');
  expect(fields).toMatchObject({ job_title: 'Typed for a while', department: 'Moved meanwhile' });
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
  const said = row.filter({ hasText: /PocketBase: Must be a valid email address/i });
  await expectShown(said);

  await changeEmail('katherine.johnson@sample-company.example');

  await card.getByText('Synced', { exact: true }).waitFor();
  await said.waitFor({ state: 'detached' });
});

it('counts a failed record on the home page without a reload, and links to it', async () => {
  const { data } = await stack.call<{ data: { id: string; app: string }[] }>('GET', '/integrations');
  const pocketBase = data.find(({ app }) => app === 'PocketBase')?.id as string;
  const changeEmail = async (email: string): Promise<void> => {
    await stack.call('PATCH', '/records/employees/emp-6', { fields: { email } });
    await stack.call('POST', `/integrations/${pocketBase}/records/employees/emp-6/push-now`);
  };
  await open('/');
  await heading('Home').waitFor();
  await page.getByRole('region', { name: 'Needs attention' }).waitFor();
  await page.getByRole('table', { name: 'Integrations' }).getByText('PocketBase (Demo)').waitFor();
  await page.getByRole('table', { name: 'Sync runs' }).getByRole('link').first().waitFor();

  const figure = page.getByRole('link', { name: /^\d+ Employees: Sync failed$/ });
  const readFigure = async (): Promise<number> =>
    (await figure.count()) === 0 ? 0 : Number((await figure.innerText()).match(/\d+/)?.[0]);
  const before = await readFigure();

  await changeEmail('no address');

  await until('the figure counts it', async () => (await readFigure()) === before + 1);
  await figure.click();
  await heading('Employees').waitFor();
  expect(new URL(page.url()).searchParams.get('status')).toBe('sync_failed');
  const rows = page.getByRole('table').getByRole('row').filter({ hasText: 'Sync failed' });
  await until('the list has as many', async () => (await rows.count()) === before + 1);

  await changeEmail('mary.parker@sample-company.example');
  await until('the list has one less', async () => (await rows.count()) === before);
});

it('checks a third party before anything is synced with it', async () => {
  await open('/integrations/new?connector=scim');
  await page.getByLabel('Base url').fill('http://127.0.0.1:9/scim/v2');
  await page.getByLabel('Account name').fill('Unreachable');
  await page
    .getByLabel('Token', { exact: true })
    .or(page.locator('input[type=password]'))
    .first()
    .fill('secret');
  await button('Connect and check').click();

  await page.getByText('The connection check failed', { exact: true }).waitFor();
  await expectShown(button('Start sync').and(page.locator('[aria-disabled=true]')));
});

it('links a product of the catalogue by what differs between accounts, and says what is wrong', async () => {
  await open('/integrations/new');
  await page.getByLabel('Search products').fill('okta');
  await button(/^Okta/).click();
  await page.getByLabel('Okta domain').fill('acme.okta.com/evil');
  await page.getByLabel(/^API token/).fill('secret');
  await button('Connect and check').click();

  await page.getByText('Enter a host name, without https:// and without a path.').first().waitFor();
  await expectShown(page.getByText('Not yet proved against the live service.').first());
});

it('asks for what a way to sign in needs, and for nothing of another way', async () => {
  await open('/integrations/new');
  await page.getByLabel('Search products').fill('entra');
  await button(/^Microsoft Entra ID/).click();
  const app = button('Add an OAuth app');

  await page.getByLabel('Tenant ID').waitFor();
  expect(await app.count()).toBe(0);
  await page.getByRole('combobox', { name: 'How to sign in' }).click();
  await page.getByRole('option', { name: 'Consent of an administrator' }).click();
  await app.waitFor();
  expect(await page.getByLabel('Client secret').count()).toBe(0);
});

it('shows how many records a mapping change affects, and pauses and resumes the integration', async () => {
  const { data } = await stack.call<{ data: { id: string; app: string }[] }>('GET', '/integrations');
  const id = data.find(({ app }) => app === 'PocketBase')?.id as string;
  await open(`/integrations/${id}`);
  await page.getByRole('tab', { name: 'Mapping' }).click();
  await button('Remove department').click();
  await button('Preview changes').click();
  await page.getByText(/would be pushed again/).waitFor();
  await button('Cancel').click();
  await button('Pause').click();
  await page.getByRole('dialog').getByRole('button', { name: 'Pause' }).click();
  await button('Resume').click();
  await button('Pause').waitFor();

  expect((await stack.call<{ state: string }>('GET', `/integrations/${id}`)).state).toBe('active');
});

it('changes a field on its way, and tries it on real records before it is saved', async () => {
  const { data } = await stack.call<{ data: { id: string; app: string }[] }>('GET', '/integrations');
  const id = data.find(({ app }) => app === 'PocketBase')?.id as string;
  await open(`/integrations/${id}`);
  await page.getByRole('tab', { name: 'Mapping' }).click();
  await button('Settings of job_title').click();
  await button('Add step').click();
  await page.getByRole('combobox', { name: 'Step 1' }).click();
  await page.getByRole('option', { name: 'Upper or lower case' }).click();
  await page.getByRole('combobox', { name: 'Case', exact: true }).click();
  await page.getByRole('option', { name: 'upper' }).click();
  await button('Done').click();
  await expectShown(page.getByText('Upper or lower case'));
  await button('Preview changes').click();
  await button(/as sent to the app/).click();

  await expectShown(page.getByRole('cell', { name: 'ENGINEER', exact: true }).first());
  await button('Cancel').click();
});

it('changes what happens to a drift and a safety threshold of a record type', async () => {
  await open(`/integrations/${crm()}`);
  await page.getByRole('tab', { name: 'Settings' }).click();
  const form = page.getByRole('form', { name: 'Settings of contacts' });
  await form.getByLabel('If a pushed record is changed in the app').selectOption('repair');
  await form.getByLabel('Overlap of hourly syncs in minutes').fill('30');
  await form.getByLabel('Records deleted in Syncline: records').fill('7');
  await form.getByLabel('Records deleted in Syncline: share in %').fill('2.5');
  await form.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Saved.').waitFor();

  const { type_settings: settings } = await stack.call<{ type_settings: Record<string, unknown> }>(
    'GET',
    `/integrations/${crm()}`,
  );
  expect(settings['contacts']).toMatchObject({
    on_drift: 'repair',
    overlap_minutes: 30,
    safety_thresholds: {
      pull_delete: { count: 7, share: 0.025, window_hours: 168 },
      push_delete: { count: 20, share: 0.1, window_hours: 168 },
    },
  });
});

/** The figures and the breakdown of a row of Sync Status. */
async function readStatusRow(
  nth: number,
): Promise<{ difference: string; inSyncline: string; inApp: string; breakdown: string }> {
  const cells = await page
    .getByRole('table', { name: 'Sync Status' })
    .getByRole('row')
    .nth(nth)
    .getByRole('cell')
    .allInnerTexts();
  const [, , , difference = '', inSyncline = '', inApp = '', breakdown = ''] = cells.map((text) =>
    text.trim(),
  );
  return { difference, inSyncline, inApp, breakdown };
}

it('shows the counts of the third party in Sync Status, with a difference and without', async () => {
  const gone = ['contact00000101', 'contact00000102', 'contact00000103'];
  const before = await stack.countThere('contacts');
  await open(`/sync-status?integration_id=${crm()}`);
  await page.getByRole('table', { name: 'Sync Status' }).waitFor();
  const companies = await stack.countThere('companies');
  expect(await readStatusRow(1)).toEqual({
    difference: '0',
    inSyncline: `${before + companies}`,
    inApp: `${before + companies}`,
    breakdown: expect.stringMatching(
      new RegExp(`^Companies: ${companies} − ${companies} = 0\\s+Contacts: ${before} − ${before} = 0$`),
    ),
  });

  // An incremental run notices deletions only by the counts, which are read because a record has changed.
  await stack.deleteThere('contacts', gone);
  await stack.changeThere('contacts', 'contact00000104', { company: 'Changed among deletions' });
  const left = await stack.countThere('contacts');
  const syncLastDay = async () => {
    await button('Sync changes from last day').click();
    await page.getByText(/was kicked off|already in progress/).waitFor();
    await heading('Changes from last day').waitFor();
    await page.getByRole('main').getByText('Succeeded').first().waitFor();
    await open(`/sync-status?integration_id=${crm()}`);
    await page
      .getByRole('table', { name: 'Sync Status' })
      .getByRole('row')
      .filter({ hasText: '+3' })
      .first()
      .waitFor();
  };
  // A difference that two counts have found is repaired (rules.md 52).
  await syncLastDay();
  await syncLastDay();
  await page
    .getByRole('row')
    .nth(1)
    .filter({ hasText: `Contacts: ${left} − ${left} = 0` })
    .waitFor();

  expect(left).toBe(before - gone.length);
  expect(await readStatusRow(2)).toEqual({
    difference: '+3',
    inSyncline: `${before + companies}`,
    inApp: `${left + companies}`,
    breakdown: expect.stringContaining(`Contacts: ${before} − ${left} = +3`),
  });
  expect(await readStatusRow(1)).toMatchObject({
    difference: '0',
    inSyncline: `${left + companies}`,
    inApp: `${left + companies}`,
  });
});

const contactHere = async (id: string): Promise<unknown> =>
  (
    await stack.call<{ fields: { company: string } }>(
      'GET',
      `/records/contacts/${encodeURIComponent(`${crm()}:${id}`)}`,
    )
  ).fields.company;

it('previews a Sync Now, applies exactly the preview, then says why it is no longer valid', async () => {
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
  await modal.getByText(/You can close this dialogue; the work continues/).waitFor();
  letAnswer();
  await page.waitForURL(/\/overviews\/ovw_/);
  await page.unroute('**/v1/integrations/*/overviews');
  const overview = new URL(page.url()).pathname.replace('/console', '');
  const item = page
    .getByRole('region', { name: 'What Sync Now would do' })
    .getByRole('row')
    .filter({ hasText: 'contact00000003' });
  await item.filter({ hasText: 'Update' }).getByText('Seen in the overview').waitFor();
  expect(await contactHere('contact00000003')).not.toBe('Seen in the overview');

  // The response arrives after the page has shown that the overview is no longer valid.
  await page.route('**/v1/integrations/*/sync-now', async (route) => {
    const response = await route.fetch({ timeout: 90_000 });
    await page.getByText('Sync Overview data no longer valid', { exact: true }).waitFor();
    await route.fulfill({ response });
  });
  await button('Sync Now').click();
  await page.getByRole('dialog').getByRole('button', { name: 'Sync Now' }).click();
  await page.waitForURL(/\/sync-runs\/run_/);
  await page.unroute('**/v1/integrations/*/sync-now');
  await page.getByRole('main').getByText('Succeeded').first().waitFor();
  expect(await contactHere('contact00000003')).toBe('Seen in the overview');

  await open(overview);
  await heading('Sync Overview data no longer valid').waitFor();
  await page.getByRole('link', { name: 'Sync Log', exact: true }).click();
  await page.waitForURL(/\/sync-runs\/run_/);
});

it('shows the overview although the proxy gave up on the request with 504', async () => {
  await open(`/integrations/${crm()}`);
  const keys: (string | undefined)[] = [];
  await page.route('**/v1/integrations/*/overviews', async (route) => {
    keys.push(route.request().headers()['idempotency-key']);
    if (keys.length > 1) return route.continue();
    await route.fetch({ timeout: 90_000 });
    await route.fulfill({ status: 504, contentType: 'text/html', body: '<h1>504 Gateway Time-out</h1>' });
  });
  await button('Sync Overview').click();
  await page.waitForURL(/\/overviews\/ovw_/);
  await page.unroute('**/v1/integrations/*/overviews');

  expect(keys).toHaveLength(2);
  expect(keys[1]).toBe(keys[0]);
});

it('says on the sign-in page that a connection without TLS cannot sign in', async () => {
  const other = await (await desk.openBrowser()).newPage();
  await other.addInitScript('Object.defineProperty(window, "isSecureContext", { value: false })');
  await desk.open(other, '/sign-in');

  await expectShown(other.getByText('This page was opened without encryption'));
  await other.context().close();
});

it('notifies of a finished background overview live, and marks it viewed after a second', async () => {
  await open(`/integrations/${crm()}`);
  await page.route('**/v1/integrations/*/overviews', (route) =>
    route.continue({ headers: { ...route.request().headers(), prefer: 'respond-async' } }),
  );
  const accepted = page.waitForResponse('**/v1/integrations/*/overviews');
  await button('Sync Overview').click();
  expect((await accepted).status()).toBe(202);
  const modal = page.getByRole('dialog', { name: /^Sync Overview of/ });
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
  await expectShown(heading('Sync Overview'));
  await expectShown(button('Sync Now'));
});

it('syncs now without an overview', async () => {
  await stack.changeThere('contacts', 'contact00000005', { company: 'Synced now' });
  await open(`/integrations/${crm()}`);
  await button('Sync Now').click();
  await page.waitForURL(/\/sync-runs\/run_/);
  await page.getByRole('main').getByText('Succeeded').first().waitFor();

  expect(await contactHere('contact00000005')).toBe('Synced now');
});

it('shows the secret of a new endpoint once, logs its deliveries, resends and recovers missed ones', async () => {
  await open('/webhooks');
  await button('Add endpoint').click();
  await page.getByRole('dialog').getByLabel('URL').fill(receiver.url);
  await page.getByRole('dialog').getByRole('button', { name: 'Add endpoint' }).click();
  const secret = await page.getByRole('dialog').locator('pre').innerText();
  expect(secret).toMatch(/^whsec_/);
  receiver.verifyWith(secret);
  await button('Done').click();
  await page.getByRole('link', { name: receiver.url }).click();
  await heading('Webhook endpoint').waitFor();
  expect(await page.content()).not.toContain(secret);

  await button('Send test event').click();
  await heading('TEST').waitFor();
  await page.getByRole('article', { name: 'Attempt 1' }).getByText('Status 204').waitFor();
  await page.getByRole('main').getByText('Delivered').first().waitFor();
  const first = page.url();
  await button('Resend').click();
  await page.waitForURL((url) => url.href !== first);
  await page.getByRole('article', { name: 'Attempt 1' }).getByText('Status 204').waitFor();
  const tests = receiver.events.filter(({ type }) => type === 'TEST');
  expect(tests).toHaveLength(2);
  expect(tests[0]?.id).toBe(tests[1]?.id);

  await page.getByRole('link', { name: 'Endpoint', exact: true }).click();
  await button('Disable').click();
  await page.getByRole('dialog').getByRole('button', { name: 'Disable' }).click();
  await page.getByText('The endpoint is disabled', { exact: true }).waitFor();
  await button('Send test event')
    .and(page.getByTitle('The endpoint is disabled. Enable it first.', { exact: true }))
    .waitFor();
  await stack.changeThere('contacts', 'contact00000009', { company: 'Changed while it was off' });
  await stack.call('POST', `/integrations/${crm()}/sync-now`, {});
  await button('Enable').click();
  await page.getByRole('dialog').getByRole('button', { name: 'Enable' }).click();
  await button('Recover missed').waitFor();
  const missed = page
    .getByRole('region', { name: 'Deliveries to this endpoint' })
    .getByRole('row')
    .filter({ hasText: 'DATA_UPDATE' });
  await missed.getByText('Delivered').first().waitFor();
  expect(receiver.events.map(({ type }) => type)).toContain('DATA_UPDATE');

  await button('Recover missed').click();
  await page.getByRole('dialog').getByRole('button', { name: 'Send again' }).click();
  await page.getByText('No missed deliveries to send.').waitFor();
});

/** Adds an option of a multiple choice, and closes the list. */
async function chooseAlso(name: string, option: RegExp): Promise<void> {
  await page.getByRole('dialog').getByRole('combobox', { name }).press('ArrowDown');
  await page.getByRole('option', { name: option }).click();
  await page.keyboard.press('Tab');
}

it('creates an endpoint for some events of one integration, and edits it', async () => {
  const settings = page.getByRole('table', { name: 'Settings' });
  const url = `${receiver.url}/filtered`;
  await open('/webhooks');
  await button('Add endpoint').click();
  await page.getByRole('dialog').getByLabel('URL').fill(url);
  await page.getByRole('dialog').getByLabel('Description').fill('Of the CRM');
  await chooseAlso('Events', /^DATA_NEW:/);
  await chooseAlso('Integrations', /^PocketBase CRM/);
  await page.getByRole('dialog').getByLabel('Maximum requests per second').fill('5');
  await page.getByRole('dialog').getByRole('button', { name: 'Add endpoint' }).click();
  await button('Done').click();
  await page.getByRole('row').filter({ hasText: url }).getByText('DATA_NEW', { exact: true }).waitFor();
  await page.getByRole('link', { name: url, exact: true }).click();
  await settings.filter({ hasText: /Of the CRM.*DATA_NEW.*PocketBase CRM.*At most 5/ }).waitFor();

  await button('Edit').click();
  await until(
    'the form shows what it is now',
    async () => (await page.getByRole('dialog').getByLabel('URL').inputValue()) === url,
  );
  await chooseAlso('Events', /^SYNC_COMPLETE:/);
  await page.getByRole('dialog').getByRole('combobox', { name: 'Integrations' }).press('Backspace');
  await page.getByRole('dialog').getByLabel('Maximum requests per second').fill('9');
  await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await settings.filter({ hasText: /DATA_NEW, SYNC_COMPLETE.*Integrations\s*All.*At most 9/ }).waitFor();

  const id = new URL(page.url()).pathname.split('/').at(-1) as string;
  expect(await stack.call('GET', `/webhook-endpoints/${id}`)).toMatchObject({
    url,
    description: 'Of the CRM',
    event_types: ['DATA_NEW', 'SYNC_COMPLETE'],
    integration_ids: null,
    rate_per_second: 9,
  });
  await button('Disable').click();
  await page.getByRole('dialog').getByRole('button', { name: 'Disable' }).click();
  await page.getByText('The endpoint is disabled', { exact: true }).waitFor();
});

it('shows a new API key once, and revokes it', async () => {
  await open('/settings/api-keys');
  await button('Create API key').click();
  await page.getByLabel('Name').fill('Of the test');
  await page.getByRole('dialog').getByRole('button', { name: 'Create API key' }).click();
  const key = await page.getByRole('dialog').locator('pre').innerText();
  await button('Done').click();
  const row = page.getByRole('row').filter({ hasText: 'Of the test' });
  await row.getByRole('button', { name: 'Revoke' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
  await row.getByText('Revoked').waitFor();

  expect(
    (await fetch(`${stack.ready.api_url}/v1/tenant`, { headers: { authorization: `Bearer ${key}` } })).status,
  ).toBe(401);
  expect(await page.content()).not.toContain(key);
});

it('lets a viewer read, and says why other actions are not allowed', async () => {
  const other = await desk.invite(page, {
    name: 'Vera Viewer',
    email: 'vera@sample-company.example',
    role: 'Viewer',
  });
  await other.goto(`${stack.ready.console_url}/records/employees`);
  await other.getByRole('link', { name: 'Ada Lovelace' }).click();

  await other.getByRole('heading', { name: 'Fields' }).waitFor();
  await expectShown(
    button('Edit', other).and(other.getByTitle('This requires the role operator. Your role is viewer.')),
  );
  await other.goto(`${stack.ready.console_url}/settings/audit-log`);
  await other.getByText('An admin of your company can give you the required role.').waitFor();
  await other.context().close();
});

it('shows the sign-in, and then the page again, after the session was ended in another tab', async () => {
  const browser = await desk.openBrowser();
  const [tab, other] = [await browser.newPage(), await browser.newPage()];
  await desk.open(tab, '/sync-runs');
  await desk.signIn(tab, desk.stack.ready.console_email);
  await tab.getByRole('heading', { level: 1, name: 'Sync Logs' }).waitFor();
  // This tab has not loaded the chunk of the sign-in page yet.
  await desk.open(other, '/sync-runs');
  await other.getByRole('heading', { level: 1, name: 'Sync Logs' }).waitFor();
  await tab.getByRole('button', { name: /Your menu/ }).click();
  await tab.getByRole('menuitem', { name: 'Sign out' }).click();
  await other.getByRole('heading', { level: 1, name: 'Sign in' }).waitFor();
  await desk.signIn(other, desk.stack.ready.console_email);

  await other.getByRole('heading', { level: 1, name: 'Sync Logs' }).waitFor();
  expect(new URL(other.url()).pathname).toBe('/console/sync-runs');
  await browser.close();
});

it('signs out, and requires a sign-in afterwards', async () => {
  await open('/notifications');
  await heading('Notifications').waitFor();
  await page.getByRole('button', { name: /Your menu/ }).click();
  await page.getByRole('menuitem', { name: 'Sign out' }).click();
  await heading('Sign in').waitFor();
  await open('/settings/api-keys');

  await heading('Sign in').waitFor();
  expect(await page.getByText('Of the test').count()).toBe(0);
});

it('begins with less than 250 KB of scripts, gzipped', async () => {
  const index = await (await fetch(stack.ready.console_url)).text();
  const first = [...index.matchAll(/(?:src|href)="(\/console\/assets\/[^"]+\.js)"/g)].map(
    ([, file]) => file as string,
  );
  const scripts = await Promise.all(
    first.map(async (file) => (await fetch(new URL(file, stack.ready.api_url))).arrayBuffer()),
  );
  const size = scripts.reduce((sum, script) => sum + gzipSync(Buffer.from(script)).length, 0);

  expect(size / 1_000).toBeGreaterThan(50);
  expect(size / 1_000).toBeLessThan(250);
});
