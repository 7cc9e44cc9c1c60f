/** The app of `npm start` that is connected by consent: a real authorization server, in three clicks. */
import type { Locator, Page } from 'playwright-core';
import { until } from '../support/until';
import { seriousFindings } from './browser';
import { button, Desk, heading } from './desk';
import type { Stack } from './stack';

jest.setTimeout(400_000);

const APP = 'Sample address book';
const CONTACTS = 24;

let desk: Desk;
let stack: Stack;
let admin: Page;
beforeAll(async () => {
  desk = await Desk.setUp();
  ({ stack } = desk);
  admin = await desk.sitDown();
}, 240_000);
afterEach(() => desk.expectNoTrouble());
afterAll(() => desk?.close());

interface Integration {
  id: string;
  app: string;
  state: string;
}
const integrationsOfApp = async () =>
  (await stack.call<{ data: Integration[] }>('GET', '/integrations?limit=100')).data.filter(
    ({ app }) => app === APP,
  );
const lastRun = async ({ id }: Integration) =>
  (
    await stack.call<{ data: { state: string; kind: string }[] }>(
      'GET',
      `/sync-runs?integration_id=${id}&limit=1`,
    )
  ).data[0]?.state;

/** From the open catalogue. @returns how often the person has clicked */
async function connect(page: Page, { answer = 'Allow' } = {}): Promise<number> {
  let clicks = 0;
  const click = async (target: Locator): Promise<void> => {
    await target.click();
    clicks += 1;
  };
  await desk.open(page, '/integrations/new');
  await click(page.getByRole('group', { name: 'Product' }).getByRole('button', { name: APP }));
  await click(button(page, `Continue to ${APP}`));
  await heading(page, APP).waitFor();
  await click(button(page, answer));
  return clicks;
}

it('an admin connects an app with three clicks, and its records arrive', async () => {
  await desk.open(admin, '/integrations/new');
  await admin.getByLabel('Search products').fill('address');
  await button(admin, new RegExp(APP)).waitFor();
  expect(await seriousFindings(admin)).toEqual([]);

  const clicks = await connect(admin);
  await heading(admin, `${APP} is connected`).waitFor();

  expect(clicks).toBe(3);
  const [linked] = (await integrationsOfApp()) as [Integration];
  expect(linked.state).toBe('active');
  await until('the first run is done', async () => (await lastRun(linked)) === 'succeeded', 60_000);
  const id = `${linked.id}:person-${CONTACTS}`;
  expect(await stack.call('GET', `/records/contacts/${id}`)).toMatchObject({
    fields: { email: `person.${CONTACTS}@address-book.example` },
  });
  await admin.getByRole('link', { name: /^Go back/ }).click();
  await heading(admin, 'Integrations').waitFor();
  await admin.getByText(APP).first().waitFor();
});

it('the token is replaced, and the new one works, also after a restart', async () => {
  const [{ id }] = (await integrationsOfApp()) as [Integration];
  const usedTokens = () =>
    new Set(
      [...stack.logOf('sample-app').matchAll(/was read with the access token (\S+)/g)].map(
        ([, name]) => name,
      ),
    );
  const callUntil = (count: number) =>
    until(
      `${count} tokens were used`,
      async () => {
        expect(await stack.call('POST', `/integrations/${id}/check`)).toMatchObject({ ok: true });
        await admin.waitForTimeout(1_000);
        return usedTokens().size >= count;
      },
      120_000,
    );
  await callUntil(2);
  expect(stack.logOf('sample-app')).toContain('was handed out for a refresh token, which is replaced');

  await stack.restart({ SAMPLE_APP_PORT: new URL(stack.ready.sample_app_url).port });

  await callUntil(2);
  expect(await integrationsOfApp()).toMatchObject([{ id, state: 'active' }]);
});

it('a person who does not agree reads so, and nothing is connected', async () => {
  const before = await integrationsOfApp();
  const page = await desk.invite(admin, { name: 'Bo', email: 'bo@example.com', role: 'Admin' });

  await connect(page, { answer: 'Deny' });

  await page.getByText('You did not agree at the provider').waitFor();
  expect(await integrationsOfApp()).toEqual(before);
});

it('the app is connected as before when its port was taken at the next start', async () => {
  const before = stack.ready.sample_app_url;
  await stack.restart({});
  expect(stack.ready.sample_app_url).not.toBe(before);
  const page = await (await desk.openBrowser()).newPage();
  await desk.open(page, '/');
  await desk.signIn(page, stack.ready.console_email);
  await heading(page, 'Home').waitFor();

  await connect(page);

  await heading(page, `${APP} is connected`).waitFor();
});
