/** How people's data leaves Syncline: erasures with preview and receipt, the export, background tasks. */
import fs from 'node:fs/promises';
import type { Page } from 'playwright-core';
import { until } from '../support/until';
import { expectShown } from './browser';
import { button, Desk, heading } from './desk';
import { isFocused, tabTo } from './keyboard';
import type { Stack } from './stack';

jest.setTimeout(240_000);

let desk: Desk;
let stack: Stack;
let page: Page;

beforeAll(async () => {
  desk = await Desk.setUp();
  ({ stack } = desk);
  page = await desk.sitDown();
}, 200_000);

afterEach(() => desk.expectNoTrouble());

afterAll(async () => {
  await desk?.close();
});

const EMAIL = 'gone.person@example.com';
const PATH = '/records/employees/emp-gone';
const card = (name: string) => page.getByRole('article', { name });
const cell = (name: string | RegExp) => page.getByRole('cell', { name, exact: true });

/** An employee who has been pushed to both apps. */
async function givenEmployee(): Promise<void> {
  await stack.call('PUT', PATH, {
    fields: { first_name: 'Gone', last_name: 'Forgotten', email: EMAIL, job_title: 'Clerk' },
  });
  await desk.open(page, PATH);
  await card('PocketBase (Demo)').getByRole('button', { name: 'Push now' }).click();
  await card('PocketBase (Demo)').getByText('Synced', { exact: true }).waitFor();
}

async function download(name: string): Promise<{ file: string; text: string }> {
  const [started] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('link', { name }).click(),
  ]);
  return { file: started.suggestedFilename(), text: await fs.readFile(await started.path(), 'utf8') };
}

it('erases a person: a preview counts, an app is chosen, a number is typed, and a receipt stays', async () => {
  await givenEmployee();
  const count = await stack.countThere('employees');
  await desk.open(page, '/');
  await page.getByRole('link', { name: 'Erasures' }).click();
  await button(page, 'Preview erasure').click();
  const form = page.getByRole('dialog', { name: 'Preview erasure' });
  await form.getByLabel('E-mail address').last().fill(EMAIL.toUpperCase());
  await form.getByRole('button', { name: 'Preview erasure' }).click();

  await heading(page, 'Erasure of 1 record').waitFor();
  await expectShown(page.getByText(`For ${EMAIL.toUpperCase()}.`));
  await expectShown(page.getByText('Needs confirmation'));
  await expectShown(cell('Pushes'));
  await page.getByRole('combobox', { name: 'What happens in PocketBase (Demo)' }).click();
  await page.getByRole('option', { name: 'Delete' }).click();
  await button(page, 'Erase').click();
  const dialogue = page.getByRole('dialog', { name: 'Erase 1 record?' });
  await dialogue.getByText('PocketBase (Demo): delete 1 record').waitFor();
  const confirm = dialogue.getByRole('button', { name: 'Erase records' });
  await dialogue.getByLabel('Type the number of records (1)').fill('2');
  expect(await confirm.getAttribute('aria-disabled')).toBe('true');
  await page.keyboard.press('Enter');
  await dialogue.getByLabel('Type the number of records (1)').fill('1');
  await confirm.click();

  await expectShown(page.getByText('Waiting for apps'));
  // Receivers of webhooks may still answer for a minute.
  await page.getByRole('button', { name: 'Lift block' }).waitFor({ timeout: 180_000 });
  await expectShown(page.getByRole('row', { name: /^PocketBase \(Demo\) 1 Delete 1 succeeded$/ }));
  expect(await stack.countThere('employees')).toBe(count - 1);
  const { file, text } = await download('Download receipt');
  expect(file).toMatch(/^erasure-receipt-ers_\w+\.json$/);
  expect(JSON.parse(text)).toMatchObject({ state: 'done', records: 1, erased: { records: 1 } });
  expect(text).not.toContain('Forgotten');
  expect(text.toLowerCase()).not.toContain(EMAIL);
  await desk.open(page, PATH);
  await expectShown(page.getByText('Record not found'));
});

it('lets an erased person come back only after the block was lifted', async () => {
  const create = () => stack.call('PUT', PATH, { fields: { last_name: 'Forgotten', email: EMAIL } });
  await expect(create()).rejects.toThrow('record_erased');
  await desk.open(page, '/erasures');
  await page.getByRole('link', { name: '1 record' }).click();
  await button(page, 'Lift block').click();
  await page.getByRole('dialog').getByRole('button', { name: 'Lift block' }).click();

  await expectShown(page.getByText('Erased, block lifted'));
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await create();
  expect(await button(page, 'Lift block').getAttribute('title')).toBe('The block was already lifted.');
});

it('begins an erasure at a record without a mouse, and shows a refusal of the API in the dialogue', async () => {
  await desk.open(page, PATH);
  await tabTo(page, button(page, 'Preview erasure'));
  await page.keyboard.press('Enter');
  await heading(page, 'Erasure of 1 record').waitFor();
  const confirmation = '**/v1/erasures/*/confirm';
  await page.route(confirmation, (route) =>
    route.fulfill({
      status: 409,
      contentType: 'application/problem+json',
      json: { status: 409, code: 'erasure_differs', title: 'Another number', detail: 'Preview it again.' },
    }),
  );
  await tabTo(page, button(page, 'Erase'));
  await page.keyboard.press('Enter');
  const typed = page.getByRole('dialog').getByLabel('Type the number of records (1)');
  await typed.waitFor();
  await until('the field has the focus', () => isFocused(typed));
  await page.keyboard.type('1');
  await page.keyboard.press('Enter');

  await page.getByRole('dialog').getByRole('alert').getByText('Preview it again.').waitFor();
  await page.keyboard.press('Escape');
  await expectShown(page.getByText('Needs confirmation'));
  await page.unroute(confirmation);
});

it('erases nothing if no record has the address, and says so', async () => {
  await desk.open(page, '/erasures');
  await button(page, 'Preview erasure').click();
  const form = page.getByRole('dialog', { name: 'Preview erasure' });
  await form.getByLabel('E-mail address').last().fill('unknown@example.com');
  await form.getByRole('button', { name: 'Preview erasure' }).click();

  await heading(page, 'Erasure of 0 records').waitFor();
  await expectShown(page.getByText('No records found'));
  expect(await button(page, 'Erase').getAttribute('title')).toBe('Nothing was found.');
});

it('finds no record with an unknown id, and shows the erasures again after a failure of the API', async () => {
  await desk.open(page, '/erasures');
  await button(page, 'Preview erasure').click();
  const form = page.getByRole('dialog', { name: 'Preview erasure' });
  await form.getByRole('radio', { name: 'Id' }).check();
  await form.getByLabel('Record id').fill('no such record');
  await form.getByRole('button', { name: 'Preview erasure' }).click();
  await expectShown(page.getByText('No records found'));

  const lists = /\/v1\/erasures\?/;
  await page.route(lists, (route) =>
    route.fulfill({
      status: 500,
      contentType: 'application/problem+json',
      json: { status: 500, code: 'internal_error', title: 'Failed', detail: 'Something failed.' },
    }),
  );
  await desk.open(page, '/erasures');
  await page.getByRole('alert').getByText('Something failed.').waitFor();
  await page.unroute(lists);
  await button(page, 'Try again').click();
  await page.getByRole('link', { name: '0 records' }).first().waitFor();
  expect(await page.getByRole('alert').count()).toBe(0);
});

it('exports everything that the company has, to the last line', async () => {
  await desk.open(page, '/settings');

  const { file, text } = await download('Export all data');

  expect(file).toMatch(/^export-ten_\w+\.jsonl$/);
  const lines = text.trim().split('\n');
  expect(JSON.parse(lines[0] as string)).toMatchObject({ kind: 'export', version: 1 });
  expect(JSON.parse(lines.at(-1) as string)).toMatchObject({ kind: 'end', rows: lines.length - 2 });
});

it('offers a viewer neither erasures nor the export, and says which role is needed', async () => {
  const viewer = await desk.invite(page, { name: 'Vera', email: 'vera@example.com', role: 'Viewer' });
  expect(await viewer.getByRole('link', { name: 'Erasures' }).count()).toBe(0);
  await desk.open(viewer, '/erasures');
  await viewer.getByRole('alert').getByText('An admin of your company can give you').waitFor();
  await desk.open(viewer, '/settings');
  expect(await button(viewer, 'Export all data').getAttribute('title')).toContain('the role admin');
  await desk.open(viewer, '/records/employees/emp-1');
  expect(await button(viewer, 'Preview erasure').getAttribute('title')).toContain('the role admin');
  await viewer.context().close();
});

it('rule 60: shows how far background work of an integration is, until it is finished', async () => {
  let done = 1_200;
  const integration = new RegExp(`/v1/integrations/${desk.crm}$`);
  await page.route(integration, async (route) => {
    const response = await route.fetch();
    const task = {
      id: 'btk_01k07nr000e008000000000001',
      kind: 'clear_pass_state',
      done_rows: (done += 100),
      created_at: new Date().toISOString(),
      updated_at: new Date().toISOString(),
    };
    const json = { ...((await response.json()) as object), background_tasks: done > 1_500 ? [] : [task] };
    await route.fulfill({ response, json });
  });
  await desk.open(page, `/integrations/${desk.crm}`);
  const section = page.getByRole('region', { name: 'In the background' });

  await section.getByText('Clearing up after a large sync: 1,300 rows so far').waitFor();
  await section.getByText('1,400 rows so far').waitFor();
  await section.waitFor({ state: 'detached' });
  expect(done).toBe(1_600);
  await page.unroute(integration);
});
