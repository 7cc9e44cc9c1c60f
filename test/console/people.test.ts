/** Effects of other admins and of background work: banners, notifications, e-mails, superseded overviews. */
import type { Page } from 'playwright-core';
import { listIntegration, type ListServer, startListServer } from '../support/servers/list-server';
import { until } from '../support/until';
import { expectShown } from './browser';
import { button, Desk, heading } from './desk';
import type { Mail, Stack } from './stack';

jest.setTimeout(240_000);
const SECOND = { name: 'Second Admin', email: 'second@sample-company.example', role: 'Admin' } as const;

let desk: Desk;
let stack: Stack;
let first: Page;
let lists: ListServer;
let listsId: string;

beforeAll(async () => {
  [desk, lists] = await Promise.all([Desk.setUp(), startListServer()]);
  ({ stack } = desk);
  first = await desk.sitDown();
}, 200_000);

afterEach(() => desk.expectNoTrouble());

afterAll(async () => {
  letPagesGo();
  await desk?.close();
  await lists?.stop();
});

let letPagesGo = (): void => undefined;

/** Holds back the pages after the first one of a list until they are released. */
function holdPages(): void {
  const released = new Promise<void>((resolve) => (letPagesGo = resolve));
  lists.beforePage = ({ page }) => (page === 0 ? undefined : released);
}

/** Lists with a total count, so that progress can be shown. */
function slowLists(): { config: Record<string, unknown>; record_types: object } {
  const linked = listIntegration(lists.url, ['contacts']) as ReturnType<typeof slowLists>;
  const { contacts } = linked.config.record_types as { contacts: { list: object } };
  return {
    ...linked,
    config: {
      ...linked.config,
      record_types: { contacts: { ...contacts, list: { ...contacts.list, total: { at: '/total' } } } },
    },
  };
}

const bell = (page: Page) => page.getByRole('link', { name: /^Notifications/ });
const unread = async (page: Page): Promise<number> =>
  Number((await bell(page).getAttribute('aria-label'))?.match(/\d+/)?.[0] ?? 0);
const notice = (page: Page, title: string | RegExp) =>
  page.getByRole('listitem').filter({ hasText: title }).first();

it('shows a banner with progress during the initial sync, and why changes are refused until its end', async () => {
  lists.fill('contacts', 1_200);
  // The form is open before the integration is connected and the onboarding lock takes effect.
  const form = await first.context().newPage();
  await desk.open(form, `/records/contacts/${encodeURIComponent(`${desk.crm}:contact00000011`)}`);
  await button(form, 'Edit').click();
  await form.getByLabel('New field').fill('nickname');
  await button(form, 'Add field').click();
  await form.getByLabel('Nickname', { exact: true }).fill('Mrs Eleven');

  const { config, record_types: mappings } = slowLists();
  await desk.open(first, '/integrations/new?connector=rest');
  await first.getByLabel('Account name').fill('Slow');
  for (const [name, label] of [
    ['app', 'App'],
    ['base_url', 'Base url'],
    ['auth', 'Auth'],
    ['check', 'Check'],
    ['record_types', 'Record types'],
  ] as const)
    await first
      .getByLabel(new RegExp(`^${label}( \\*)?$`))
      .fill(typeof config[name] === 'string' ? config[name] : JSON.stringify(config[name]));
  await first.getByLabel('Mappings by record type').fill(JSON.stringify(mappings));
  await button(first, 'Connect and check').click();
  // The check reads two pages.
  await first.getByText('is reachable and accepts the credentials').waitFor();
  holdPages();
  await button(first, 'Start sync').click();

  const banner = (on: Page) =>
    on.getByRole('alert').filter({ hasText: 'Lists (Slow): initial sync in progress' });
  await banner(first).getByText('Contacts: 1,000 of 1,200 records (running)').waitFor();
  await expectShown(banner(first).getByRole('progressbar').and(first.locator('[aria-valuenow^="83"]')));
  listsId = new URL(first.url()).pathname.split('/').at(-1) as string;
  await button(first, 'Sync Overview')
    .and(
      first.getByTitle('The initial sync of Lists is in progress. Wait until it is complete.', {
        exact: true,
      }),
    )
    .waitFor();

  await banner(form).waitFor();
  await button(form, 'Save').click();
  const refusal = form.getByRole('alert').filter({ hasText: /onboarding_in_progress/ });
  await refusal.getByRole('link', { name: 'What does onboarding_in_progress mean?' }).waitFor();
  await button(form, 'Cancel').click();
  await button(form, 'Edit')
    .and(
      form.getByTitle('This record is read-only until the initial sync of its integration is complete.', {
        exact: true,
      }),
    )
    .waitFor();

  letPagesGo();
  await banner(first).waitFor({ state: 'detached' });
  await banner(form).waitFor({ state: 'detached' });
  await form.getByText('The initial sync of these records is in progress.').waitFor({ state: 'detached' });
  await expectShown(button(form, 'Edit').and(form.locator(':not([title])')));
  await form.close();
});

it('replaces an open overview when another admin requests one, and links to the new one', async () => {
  const second = await desk.invite(first, SECOND);
  await desk.open(first, `/integrations/${desk.crm}`);
  await button(first, 'Sync Overview').click();
  await first.waitForURL(/\/overviews\/ovw_/);
  await button(first, 'Sync Now').waitFor();

  await desk.open(second, `/integrations/${desk.crm}`);
  await button(second, 'Sync Overview').click();
  await second.waitForURL(/\/overviews\/ovw_/);

  await heading(first, 'Sync Overview data no longer valid').waitFor();
  await first
    .getByRole('alert')
    .filter({ hasText: 'Another user or API key requested a newer Sync Overview.' })
    .filter({ hasText: `by ${SECOND.name}` })
    .waitFor();
  await button(first, 'Sync Overview').waitFor();
  await first.getByRole('link', { name: 'New overview' }).click();
  await heading(first, 'Sync Overview').waitFor();
  expect(new URL(first.url()).pathname).toBe(new URL(second.url()).pathname);
  await second.context().close();
});

it('leaves an overview that takes longer than a minute to the background', async () => {
  const page = await (await desk.openBrowser()).newPage();
  await page.clock.install();
  await desk.open(page, '/sign-in');
  await desk.signIn(page, stack.ready.console_email);
  await heading(page, 'Home').waitFor();
  holdPages();
  await desk.open(page, `/integrations/${listsId}`);
  const route = /\/v1\/integrations\/[^/]+\/overviews$/;
  await page.route(route, (request) =>
    request.continue({ headers: { ...request.request().headers(), prefer: 'respond-async' } }),
  );
  const accepted = page.waitForResponse(route);
  await button(page, 'Sync Overview').click();
  await accepted;
  const modal = page.getByRole('dialog', { name: 'Sync Overview of Lists' });
  await modal.getByText('You can close this dialogue; the work continues.').waitFor();

  await page.clock.fastForward('01:00');

  await expectShown(
    modal.getByText('is processing in the background. You will be sent a notification when it is finished.'),
  );
  letPagesGo();
  await page.context().close();
});

it('notifies the requester of an overview that another admin superseded while it ran', async () => {
  const second = await (await desk.openBrowser()).newPage();
  await desk.open(second, '/sign-in');
  await desk.signIn(second, SECOND.email);
  await heading(second, 'Home').waitFor();
  holdPages();
  await desk.open(first, `/integrations/${listsId}`);
  await button(first, 'Sync Overview').click();
  const modal = first.getByRole('dialog', { name: 'Sync Overview of Lists' });
  await modal.getByText('1,000 of 1,200 records read').waitFor();
  await modal.getByRole('button', { name: 'Close' }).last().click();
  await modal.waitFor({ state: 'detached' });
  const before = await unread(first);

  await desk.open(second, `/integrations/${listsId}`);
  await button(second, 'Sync Overview').click();

  await until('the bell counts one more', async () => (await unread(first)) === before + 1, 60_000);
  await bell(first).click();
  const notification = notice(first, 'What you started for Lists (Slow) could not be completed');
  await notification.getByText('Another user or API key requested a newer Sync Overview.').waitFor();
  expect(await notification.innerText()).not.toContain('in a moment');
  letPagesGo();
  await second.waitForURL(/\/overviews\/ovw_/);
  await notification.getByRole('link', { name: 'Open' }).click();
  await heading(first, 'Sync Overview data no longer valid').waitFor();
  await second.context().close();
});

/** Starts an operation of the CRM that goes on in the background. */
async function startInBackground(what: 'Sync Overview' | 'Sync Now'): Promise<void> {
  await desk.open(first, `/integrations/${desk.crm}`);
  const route = /\/v1\/integrations\/[^/]+\/(overviews|sync-now)$/;
  await first.route(route, (request) =>
    request.continue({ headers: { ...request.request().headers(), prefer: 'respond-async' } }),
  );
  const accepted = first.waitForResponse(route);
  await button(first, what).click();
  expect((await accepted).status()).toBe(202);
  const modal = first.getByRole('dialog', { name: new RegExp(`^${what}`) });
  await modal.getByRole('button', { name: 'Close' }).last().click();
  await first.unroute(route);
}

it('e-mails an unviewed notification once, with a link, and no viewed notification', async () => {
  const about = (mails: Mail[], subject: string): Mail[] => mails.filter((mail) => mail.subject === subject);
  const [seen, opaqueToPlanner] = [
    'Sync Now of PocketBase CRM (Demo CRM) is complete',
    'The Sync Overview of PocketBase CRM (Demo CRM) is ready',
  ];
  await desk.open(first, '/settings');
  await first.getByLabel('Delay in minutes').fill('0.5');
  await first
    .locator('form')
    .filter({ hasText: 'Delay in minutes' })
    .getByRole('button', { name: 'Save' })
    .click();
  await first.getByText('Notification settings saved.', { exact: true }).waitFor();

  await startInBackground('Sync Now');
  await bell(first).click();
  await notice(first, seen).getByText('not e-mailed, because you viewed it').waitFor();
  await startInBackground('Sync Overview');
  await desk.open(first, '/account');
  await heading(first, 'Sample Admin').waitFor();

  // Created after the other, so its e-mail is due later: once it arrives, the other one is decided.
  const mail = await until(
    'the e-mail is here',
    async () => about(await stack.mails(), opaqueToPlanner)[0],
    90_000,
  );
  expect(mail.to).toEqual([expect.objectContaining({ address: stack.ready.console_email })]);
  expect(about(await stack.mails(), seen)).toEqual([]);
  const link = mail.text.match(/http:\/\/\S+\/overviews\/ovw_\w+/)?.[0] as string;
  await first.goto(link);
  await heading(first, 'Sync Overview').waitFor();
  await first.getByRole('region', { name: 'Counts' }).waitFor();
  await bell(first).click();
  await notice(first, opaqueToPlanner)
    .getByText(/^e-mailed .*, because it was not viewed$/)
    .waitFor();
  expect(about(await stack.mails(), opaqueToPlanner)).toHaveLength(1);
});
