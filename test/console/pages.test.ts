/** Every page and dialogue: accessibility, keyboard use and phones; and the links to Temporal's UI. */
import { Client } from 'pg';
import type { Page } from 'playwright-core';
import { fromTypeId } from '../../db/sql/ids';
import { listIntegration, type ListServer, startListServer } from '../support/servers/list-server';
import { until } from '../support/until';
import { expectShown, seriousFindings } from './browser';
import { button, Desk, heading } from './desk';
import { expectFocusIsSeen, isFocused, tabTo } from './keyboard';
import type { Stack } from './stack';

jest.setTimeout(240_000);

let desk: Desk;
let stack: Stack;
let page: Page;
let lists: ListServer;

beforeAll(async () => {
  [desk, lists] = await Promise.all([Desk.setUp(), startListServer()]);
  ({ stack } = desk);
  page = await desk.sitDown();
  await parkDeletions();
}, 240_000);

afterEach(() => desk.expectNoTrouble());

afterAll(async () => {
  await desk?.close();
  await lists?.stop();
});

const first = async (list: string): Promise<string> =>
  (await stack.call<{ data: { id: string }[] }>('GET', list)).data[0]?.id as string;

/** Deletes enough contacts at once to require a deletion review. */
async function parkDeletions(): Promise<void> {
  const ids = Array.from({ length: 30 }, (_, index) => `contact${String(index + 151).padStart(8, '0')}`);
  await stack.deleteThere('contacts', ids);
  await stack.call('POST', `/integrations/${desk.crm}/sync-runs`, { kind: 'full' });
  await until(
    'the deletions are parked',
    async () => (await first('/deletion-reviews')) !== undefined,
    60_000,
  );
}

/** A sync run of another tenant. */
async function runOfAnotherTenant(): Promise<string> {
  const { id } = await stack.call<{ id: string }>(
    'POST',
    '/tenants',
    { name: 'Another Company', time_zone: 'Europe/Paris' },
    stack.ready.platform_key,
  );
  const { key } = await stack.call<{ key: string }>(
    'POST',
    `/tenants/${id}/api-keys`,
    { name: 'other', role: 'admin' },
    stack.ready.platform_key,
  );
  lists.fill('secrets', 3);
  await stack.call('POST', '/integrations', listIntegration(lists.url, ['secrets']), key);
  return until(
    'their run is there',
    async () =>
      (await stack.call<{ data: { id: string }[] }>('GET', '/sync-runs', undefined, key)).data[0]?.id,
  );
}

async function previewedErasure(): Promise<string> {
  const { id } = await stack.call<{ id: string }>('POST', '/erasures', {
    records: [{ record_type: 'employees', external_id: 'emp-3' }],
  });
  await until(
    'the preview is ready',
    async () => (await stack.call<{ state: string }>('GET', `/erasures/${id}`)).state === 'ready',
    60_000,
  );
  return id;
}

/** Values of the placeholders in paths. */
const PLACES: Record<string, () => Promise<string> | string> = {
  crm: () => desk.crm,
  overview: async () =>
    (await stack.call<{ overview: { id: string } }>('POST', `/integrations/${desk.crm}/overviews`, {}))
      .overview.id,
  endpoint: () => first('/webhook-endpoints'),
  delivery: () => first('/webhook-deliveries'),
  run: () => first('/sync-runs'),
  otherTenants: runOfAnotherTenant,
  review: () => first('/deletion-reviews'),
  erasure: previewedErasure,
};

async function addressOf(pattern: string): Promise<string> {
  const [braced, name = ''] = pattern.match(/\{(\w+)\}/) ?? [];
  return braced === undefined ? pattern : pattern.replace(braced, (await PLACES[name]?.()) as string);
}

/** Every page: its path and its heading. */
const PAGES: [string, string | RegExp][] = [
  ['/', 'Home'],
  ['/records/employees', 'Employees'],
  ['/records/employees/emp-1', 'Ada Lovelace'],
  ['/records/employees/missing', 'missing'],
  ['/integrations', 'Integrations'],
  ['/integrations/new?connector=postgres', 'Connect an app'],
  ['/integrations/{crm}', 'PocketBase CRM'],
  ['/overviews', 'Sync Overview'],
  ['/overviews/{overview}', 'Sync Overview'],
  ['/webhooks', 'Webhooks'],
  ['/webhooks/{endpoint}', 'Webhook endpoint'],
  ['/webhook-deliveries/{delivery}', /^[A-Z_]+$/],
  ['/sync-runs', 'Sync Logs'],
  ['/sync-runs/{run}', /./],
  ['/sync-runs/{otherTenants}', 'Sync Log'],
  ['/sync-status?integration_id={crm}', 'Sync Status'],
  ['/conflicts', 'Conflicts'],
  ['/drifts', 'Drifts'],
  ['/drifts?integration_id={crm}', 'Drifts'],
  ['/parked-work', 'Parked work'],
  ['/push-reviews', 'Pushes to review'],
  ['/deletion-reviews', 'Deletions to review'],
  ['/deletion-reviews/{review}', '30 deletions of contacts'],
  ['/notifications', 'Notifications'],
  ['/settings', 'Settings'],
  ['/settings/people', 'Users'],
  ['/settings/api-keys', 'API keys'],
  ['/settings/oauth-apps', 'OAuth apps'],
  ['/settings/audit-log', 'Audit log'],
  ['/erasures', 'Erasures'],
  ['/erasures/{erasure}', 'Erasure of 1 record'],
  ['/account', 'Sample Admin'],
  ['/no/such/page', 'Page not found'],
  ['/password', 'Set a password'],
  ['/password#token=a-token', 'Set a password'],
];

/** Each dialogue: its name, the page, and the button that opens it. */
const DIALOGUES: [string, string, string][] = [
  ['Add webhook endpoint', '/webhooks', 'Add endpoint'],
  ['Edit webhook endpoint', '/webhooks/{endpoint}', 'Edit'],
  ['Add user', '/settings/people', 'Add user'],
  ['Create API key', '/settings/api-keys', 'Create API key'],
  ['Add an OAuth app', '/settings/oauth-apps', 'Add an OAuth app'],
  ['Preview erasure', '/erasures', 'Preview erasure'],
  ['Erase 1 record?', '/erasures/{erasure}', 'Erase'],
  ['Pause PocketBase CRM?', '/integrations/{crm}', 'Pause'],
  ['Delete 30 records in Syncline?', '/deletion-reviews/{review}', 'Approve deletion'],
  ['Sync Overview of PocketBase CRM', '/integrations/{crm}', 'Sync Overview'],
];

async function openWhole(at: string, title: string | RegExp): Promise<void> {
  // A change of the URL fragment alone does not reload a page.
  await page.goto('about:blank');
  await desk.open(page, at);
  await heading(page, title).waitFor();
  await page.waitForLoadState('load');
  await page
    .getByRole('status', { name: /oading/ })
    .first()
    .waitFor({ state: 'detached' });
}

/** Findings of axe in both themes and on both screen sizes, and elements wider than the screen. */
async function findShortcomings(): Promise<string[]> {
  const found: string[] = [];
  for (const [width, height] of [
    [1280, 900],
    [390, 844],
  ] as const) {
    await page.setViewportSize({ width, height });
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      found.push(
        ...(await seriousFindings(page)).map((finding) => `${finding} (${colorScheme}, ${width} pixels)`),
      );
    }
    if (
      await page.evaluate<boolean>(
        'document.documentElement.scrollWidth > document.documentElement.clientWidth',
      )
    )
      found.push(`The page is wider than ${width} pixels.`);
    for (const dialogue of await page.getByRole('dialog').all()) {
      const { x, width: wide } = (await dialogue.boundingBox()) ?? { x: 0, width: 0 };
      if (x < 0 || x + wide > width) found.push(`The dialogue is wider than ${width} pixels.`);
    }
  }
  await page.setViewportSize({ width: 1280, height: 900 });
  return found;
}

it.each(PAGES)(
  'has a page %s without a serious finding of axe in either theme, that fits a phone',
  async (at, title) => {
    await openWhole(await addressOf(at), title);

    expect(await findShortcomings()).toEqual([]);
  },
);

it.each(DIALOGUES)(
  'has a dialogue “%s” without a serious finding of axe in either theme, that fits a phone',
  async (title, at, opener) => {
    // Keeps the dialogue of an overview open: the answer that the overview has ended never arrives.
    const overviews = '**/v1/integrations/*/overviews';
    await page.route(overviews, async (route) => {
      await route.fetch({ headers: { ...route.request().headers(), prefer: 'respond-async' } });
    });
    await desk.open(page, await addressOf(at));
    await button(page, opener).click();
    await page.getByRole('dialog', { name: title }).waitFor();

    expect(await findShortcomings()).toEqual([]);
    await page.unroute(overviews);
  },
);

it.each(DIALOGUES.filter(([title]) => !title.startsWith('Sync Overview')))(
  'gives the focus back to what opened the dialogue “%s” once it is closed by keyboard',
  async (title, at, name) => {
    await openWhole(await addressOf(at), /./);
    const opener = button(page, name);
    await opener.focus();
    await page.keyboard.press('Enter');
    const dialogue = page.getByRole('dialog', { name: title });
    await dialogue.waitFor();
    await until('the focus is in the dialogue', () =>
      page.evaluate<boolean>('document.activeElement?.closest("[role=dialog]") != null'),
    );
    await page.keyboard.press('Escape');
    await dialogue.waitFor({ state: 'detached' });

    expect(await until('the focus is back', () => isFocused(opener))).toBe(true);
  },
);

it("shows another company's run as one that does not exist", async () => {
  const said: string[] = [];
  for (const run of [await runOfAnotherTenant(), 'run_01890a5d-ac96-774b-bcce-b302099a8057']) {
    await openWhole(`/sync-runs/${run}`, 'Sync Log');
    const alert = page.getByRole('main').getByRole('alert').first();
    await alert.getByText('What does sync_run_not_found mean?').waitFor();
    said.push((await alert.innerText()).replace(/Request \S+/, '').replaceAll(run, 'it'));
  }

  expect(said[0]).toBe(said[1]);
  expect(await page.getByRole('main').innerText()).not.toContain('Lists');
});

it('works without a mouse: signing in, finding and changing an employee', async () => {
  const other = await (await desk.openBrowser()).newPage();
  await desk.open(other, '/sign-in');
  await heading(other, 'Sign in').waitFor();
  await tabTo(other, other.getByLabel('E-mail'));
  await expectFocusIsSeen(other);
  await other.keyboard.type(stack.ready.console_email);
  await other.keyboard.press('Tab');
  await desk.typePassword(other);
  await other.keyboard.press('Enter');
  await heading(other, 'Home').waitFor();
  await tabTo(other, other.getByRole('link', { name: 'Employees', exact: true }));
  await other.keyboard.press('Enter');
  await heading(other, 'Employees').waitFor();

  await tabTo(other, other.getByRole('link', { name: 'Skip to content' }));
  await expectFocusIsSeen(other);
  await other.keyboard.press('Enter');
  await tabTo(other, other.getByLabel('Search'));
  await expectFocusIsSeen(other);
  await other.keyboard.type('grace');
  await other.getByRole('link', { name: 'Ada Lovelace' }).waitFor({ state: 'detached' });
  await tabTo(other, other.getByRole('link', { name: 'Grace Hopper' }));
  await expectFocusIsSeen(other);
  await other.keyboard.press('Enter');
  await heading(other, 'Grace Hopper').waitFor();

  await tabTo(other, button(other, 'Edit'));
  await expectFocusIsSeen(other);
  await other.keyboard.press('Enter');
  await until('the focus is on the first field', () =>
    isFocused(other.getByRole('table', { name: 'Fields' }).getByRole('textbox').first()),
  );
  await tabTo(other, other.getByLabel('Job title', { exact: true }));
  await expectFocusIsSeen(other);
  await other.keyboard.press('Control+A');
  await other.keyboard.type('Commodore');
  await other.keyboard.press('Enter');
  await other.getByText(/^Saved\./).waitFor();

  await until('the focus is where one began to edit', () => isFocused(button(other, 'Edit')));
  expect(
    (await stack.call<{ fields: { job_title: string } }>('GET', '/records/employees/emp-2')).fields.job_title,
  ).toBe('Commodore');
  await other.context().close();
});

/** Workers have ended while they worked on an overview. */
async function givenParkedWork(overviewId: string): Promise<void> {
  const database = new Client({ connectionString: stack.ready.database_url });
  await database.connect();
  await database.query(
    `insert into running_work (tenant_id, work_id, kind, subject_id, seen_at, is_suspect, deaths, parked_at)
     select tenant_id, gen_random_uuid(), 'overview', $1, now(), true, 2, now() from integrations limit 1`,
    [fromTypeId('ovw', overviewId)],
  );
  await database.end();
}

it('rule 60: lists parked work with what it is about, which an admin retries and a viewer cannot', async () => {
  const overview = (await PLACES.overview?.()) as string;
  await givenParkedWork(overview);
  const viewer = await desk.invite(page, { name: 'Vera', email: 'vera@example.com', role: 'Viewer' });
  await desk.open(viewer, '/parked-work');
  await desk.open(page, '/');

  await page.getByRole('link', { name: 'Parked work' }).click();
  const row = page.getByRole('row', { name: /Sync Overview/ });
  await row.waitFor();

  expect(await row.getByRole('link').getAttribute('href')).toBe(`/console/overviews/${overview}`);
  expect(await button(viewer, 'Retry').getAttribute('aria-disabled')).toBe('true');
  await button(page, 'Retry').click();
  await page.getByText('No parked work').waitFor();
  expect((await stack.call<{ data: object[] }>('GET', '/parked-work')).data).toEqual([]);
  await viewer.context().close();
});

it("leads operators to the workflows behind an integration in Temporal's UI", async () => {
  // A context of its own, without the checks for errors: Temporal's pages are not part of the console.
  const operator = await desk.browser.newContext({ storageState: await page.context().storageState() });
  operator.setDefaultTimeout(60_000);
  const operatorPage = await operator.newPage();
  const { data } = await stack.call<{ data: { id: string; app: string }[] }>('GET', '/integrations');
  const pocketBase = data.find(({ app }) => app === 'PocketBase')?.id as string;
  for (const [title, integrationId, workflowId] of [
    ['Sync runs', desk.crm, `sync-run:${desk.crm}`],
    ['Pushes', pocketBase, `record-push:${pocketBase}`],
  ] as const) {
    await desk.open(operatorPage, `/integrations/${integrationId}`);
    await button(operatorPage, "Show in Temporal's UI").click();
    const [temporal] = await Promise.all([
      operator.waitForEvent('page'),
      operatorPage.getByRole('menuitem', { name: title }).click(),
    ]);
    await temporal.waitForURL(`${stack.ready.temporal_ui_url}/**`);
    await expectShown(temporal.getByText(workflowId).first());
    await temporal.close();
  }
  await operator.close();
});

it('shows all times in the zone that the company has chosen, on other pages too', async () => {
  const firstTime = page.getByRole('table', { name: 'Sync runs' }).locator('time').first();
  const shownIn = async (zone: string, offset: string): Promise<void> => {
    await openWhole('/sync-runs', 'Sync Logs');
    await firstTime.and(page.locator(`[title*="GMT${offset}"]`)).waitFor();
    const { datetime, title, text } = await firstTime.evaluate((time) => ({
      datetime: time.getAttribute('datetime'),
      title: time.getAttribute('title'),
      text: time.innerText,
    }));
    const at = new Date(datetime as string);
    const clock = new Intl.DateTimeFormat('en-GB', {
      timeZone: zone,
      hour: '2-digit',
      minute: '2-digit',
    }).format(at);
    expect(text).toContain(clock);
    expect(title).toContain(at.toISOString().slice(0, 19));
  };
  await shownIn('Europe/Berlin', '+01:00');

  await desk.open(page, '/settings');
  await page.getByRole('combobox', { name: 'Time zone' }).fill('Tokyo');
  await page.getByRole('option', { name: 'Asia/Tokyo' }).click();
  await page.locator('form').filter({ hasText: 'Time zone' }).getByRole('button', { name: 'Save' }).click();
  await page.getByText('Company settings saved.', { exact: true }).waitFor();

  await shownIn('Asia/Tokyo', '+09:00');
});

it('does not offer the deprecated policy after the switch, and says since when', async () => {
  await desk.open(page, '/settings');
  const choice = page.getByRole('radiogroup', {
    name: 'When the webhook event COMPANY_SYNCHRONIZED is sent',
  });
  await choice.waitFor();

  await expectShown(choice.getByRole('radio', { name: /^After the first record type/, disabled: true }));
  await expectShown(choice.getByRole('radio', { name: /^When all record types/, checked: true }));
  await expectShown(
    page
      .getByText('The first option applies to all companies since')
      .locator('time[datetime="2023-10-10T00:00:00.000Z"]'),
  );
});
