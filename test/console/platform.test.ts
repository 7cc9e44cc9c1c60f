/** Operators in the console: the outbox, and a tenant from its creation to its receipt. */
import { setTimeout as sleep } from 'node:timers/promises';
import fs from 'node:fs/promises';
import { Client } from 'pg';
import type { Page } from 'playwright-core';
import { expectShown, seriousFindings } from './browser';
import { button, Desk, heading } from './desk';
import type { Stack } from './stack';

jest.setTimeout(240_000);

const TENANT = 'Ada & Sons';

let desk: Desk;
let stack: Stack;
let page: Page;

beforeAll(async () => {
  desk = await Desk.setUp();
  ({ stack } = desk);
  page = await (await desk.openBrowser()).newPage();
}, 200_000);

afterEach(() => desk.expectNoTrouble());

afterAll(async () => {
  await desk?.close();
});

async function signIn(on: Page, key = stack.ready.platform_key): Promise<void> {
  await on.locator('input[type=password]').fill(key);
  await button(on, 'Sign in').click();
}

/** A message that was refused and waits for its next attempt. @returns its id. */
async function givenRefusedMessage(): Promise<string> {
  const database = new Client({ connectionString: stack.ready.database_url });
  await database.connect();
  try {
    const { rows } = await database.query<{ id: string }>(
      `insert into outbox (tenant_id, topic, subject_id, next_due_at, leased_until, attempts, last_error)
       select tenant_id, 'sync_schedule', integration_id, now(), now() + interval '1 hour', 3,
         'Error: unknown time zone europe/berlin'
       from integrations limit 1
       returning outbox_id::text as id`,
    );
    return rows[0]?.id as string;
  } finally {
    await database.end();
  }
}

it('asks operators for the platform key first, and refuses a wrong one', async () => {
  await desk.open(page, '/platform/outbox');
  await heading(page, 'Sign in as operator').waitFor();
  await signIn(page, 'not the platform key');
  await page.getByRole('alert').filter({ hasText: 'platform_key_wrong' }).waitFor();
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    expect(await seriousFindings(page)).toEqual([]);
  }
  await signIn(page);

  await heading(page, 'Outbox').waitFor();
  expect(JSON.stringify(await page.context().storageState())).not.toContain(stack.ready.platform_key);
});

it('shows a message that Temporal refused and why, and sends it again', async () => {
  await givenRefusedMessage();
  const row = page.getByRole('row').filter({ hasText: 'unknown time zone europe/berlin' });
  await row.waitFor();
  await expectShown(row.getByText('Sync schedule'));
  expect(await seriousFindings(page)).toEqual([]);

  await row.getByRole('button', { name: 'Retry' }).click();

  await page.getByText('The message is sent again now.').waitFor();
  await row.waitFor({ state: 'detached' });
});

it('publishes a version of a definition: dry run, approval, rollout', async () => {
  await desk.open(page, '/platform/definitions');
  await page.getByRole('link', { name: 'okta', exact: true }).click();
  await heading(page, 'okta').waitFor();
  expect(await seriousFindings(page)).toEqual([]);

  await page.getByRole('button', { name: 'Publish version 1' }).click();
  await button(page, 'Begin dry run').click();

  await page.getByText('Needs approval').waitFor();
  expect(await seriousFindings(page)).toEqual([]);
  await button(page, 'Approve').click();
  await button(page, 'Begin rollout').click();
  await page.getByText('Completed', { exact: true }).waitFor();
});

it('lets integrations without a definition adopt one', async () => {
  await desk.open(page, '/platform/definitions/hibob');
  await heading(page, 'hibob').waitFor();

  await page.getByRole('button', { name: 'Adopt version 1' }).click();
  await expectShown(page.getByText('Their settings, credentials and links stay as they are.'));
  expect(await seriousFindings(page)).toEqual([]);
  await button(page, 'Begin dry run').click();

  await heading(page, 'hibob: adoption of version 1').waitFor();
  await page.getByText('Needs approval').waitFor();
  await button(page, 'Cancel rollout').click();
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel rollout' }).click();
  await page.getByText('Canceled', { exact: true }).waitFor();
});

it('creates a tenant and its first admin, who can sign in', async () => {
  await page.getByRole('link', { name: 'Tenants' }).click();
  await heading(page, 'Tenants').waitFor();
  await expectShown(page.getByRole('link', { name: 'Sample Company' }));
  expect(await seriousFindings(page)).toEqual([]);
  await button(page, 'Create tenant').click();
  const form = page.getByRole('dialog', { name: 'Create tenant' });
  await form.getByLabel('Name').fill(TENANT);
  await form.getByRole('combobox', { name: 'Time zone' }).fill('Europe/Vi');
  await page.getByRole('option', { name: 'Europe/Vienna' }).click();
  expect(await seriousFindings(page)).toEqual([]);
  await form.getByRole('button', { name: 'Create tenant' }).click();

  await heading(page, TENANT).waitFor();
  await expectShown(page.getByRole('cell', { name: 'Europe/Vienna' }));
  await button(page, 'Add admin').click();
  await page.getByRole('dialog').getByLabel('Name').fill('Ada');
  await page.getByRole('dialog').getByLabel('E-mail').fill('ada@example.com');
  await page.getByRole('dialog').getByRole('button', { name: 'Add admin' }).click();
  const link = await page.getByRole('dialog', { name: 'Sign-in link for Ada' }).locator('pre').innerText();
  await page.keyboard.press('Escape');
  const admin = await (await desk.openBrowser()).newPage();
  await desk.choosePassword(admin, link);
  await desk.signIn(admin, 'ada@example.com');
  await expectShown(heading(admin, 'Home'));
  await admin.context().close();
});

it('a link that is followed right after typing leads to its page, also if that page loads slowly', async () => {
  await desk.open(page, '/platform/tenants');
  const link = page.getByRole('link', { name: TENANT });
  await link.waitFor();
  const scripts = /\.js$/;
  await page.route(scripts, async (route) => {
    await sleep(1_000);
    await route.continue();
  });
  await page.getByLabel('Search').fill('& SON');
  await link.click();

  await expectShown(heading(page, TENANT));
  await page.unroute(scripts);
});

it('finds the tenant by a part of its name, and exports it to the last line', async () => {
  await desk.open(page, '/platform/tenants');
  await page.getByLabel('Search').fill('& SON');
  await page.getByRole('link', { name: 'Sample Company' }).waitFor({ state: 'detached' });
  await page.getByRole('link', { name: TENANT }).click();
  await heading(page, TENANT).waitFor();

  const [started] = await Promise.all([
    page.waitForEvent('download'),
    button(page, 'Export all data').click(),
  ]);

  await page.getByText(/^The export is complete: \d+ rows/).waitFor();
  expect(started.suggestedFilename()).toMatch(/^export-ten_\w+\.jsonl$/);
  const lines = (await fs.readFile(await started.path(), 'utf8')).trim().split('\n');
  expect(JSON.parse(lines.at(-1) as string)).toMatchObject({ kind: 'end', rows: lines.length - 2 });
});

it('does not save an export that was cut off, and says so', async () => {
  const exports = '**/export';
  await page.route(exports, (route) =>
    route.fulfill({ contentType: 'application/x-ndjson', body: '{"kind":"export"}\n{"kind":"records"}\n' }),
  );
  await button(page, 'Export all data').click();

  await expectShown(page.getByRole('alert').getByText('The export was cut off'));
  await page.unroute(exports);
});

it('deletes a tenant only after its name was typed, and shows the progress and the receipt', async () => {
  const tenantId = new URL(page.url()).pathname.split('/').at(-1) as string;
  await button(page, 'Delete tenant').click();
  const dialogue = page.getByRole('dialog', { name: `Delete ${TENANT}?` });
  const confirm = dialogue.getByRole('button', { name: 'Delete tenant' });
  await dialogue.getByLabel(/Type the name/).fill('Ada');
  expect(await confirm.getAttribute('aria-disabled')).toBe('true');
  await dialogue.getByLabel(/Type the name/).fill(TENANT);
  expect(await seriousFindings(page)).toEqual([]);
  await confirm.click();

  await heading(page, 'Deleted tenant').waitFor();
  await expectShown(page.getByRole('status').filter({ hasText: /is ending|being deleted/ }));
  // A quarter of an hour later, in the words of the API.
  const found = { deleted_rows: { people: 1 }, webhook_subscriptions: { canceled: 2, left: 1 } };
  const receipt = '**/deletion';
  await page.route(receipt, async (route) => {
    const response = await route.fetch();
    const json = { ...(await response.json()), state: 'done', finished_at: new Date().toISOString() };
    await route.fulfill({ response, json: { ...json, ...found } });
  });
  await page.getByRole('row', { name: 'People 1' }).waitFor();
  await expectShown(page.getByText('Those of 1 integration are left'));
  expect(await seriousFindings(page)).toEqual([]);
  const [started] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('link', { name: 'Download receipt' }).click(),
  ]);
  expect(started.suggestedFilename()).toBe(`deletion-receipt-${tenantId}.json`);
  await page.unroute(receipt);
});

it('finds the receipt of a deleted tenant by its id', async () => {
  const tenantId = new URL(page.url()).pathname.split('/').at(-1) as string;
  await page.getByRole('link', { name: 'Tenants' }).click();
  await page.getByRole('link', { name: 'Sample Company' }).waitFor();
  await page.getByRole('link', { name: TENANT }).waitFor({ state: 'detached' });
  await page.getByLabel('Search').fill(tenantId);
  await page.getByRole('link', { name: `Show ${tenantId}` }).click();

  await expectShown(heading(page, 'Deleted tenant'));
});

it('shows operators no page of a tenant, and a person of a tenant no page of operators', async () => {
  await desk.open(page, '/records/employees');
  await heading(page, 'Sign in').waitFor();
  await desk.open(page, '/platform/outbox');
  await heading(page, 'Outbox').waitFor();

  const person = await desk.sitDown();
  await desk.open(person, '/platform/outbox');
  await expectShown(heading(person, 'Sign in as operator'));
  await person.context().close();
});

it('shows operators the audit log of the platform, with refused sign-ins', async () => {
  await desk.open(page, '/platform/audit-log');
  await page.getByRole('cell', { name: 'outbox_message.retried' }).waitFor();

  await expectShown(page.getByRole('row').filter({ hasText: 'sign_in.failed' }));
  expect(await seriousFindings(page)).toEqual([]);
});

it('signs out, and requires the key afterwards', async () => {
  await button(page, 'Operator').click();
  await page.getByRole('menuitem', { name: 'Sign out' }).click();
  await heading(page, 'Sign in as operator').waitFor();
  await desk.open(page, '/platform/outbox');

  await expectShown(heading(page, 'Sign in as operator'));
});
