/**
 * `npm run screenshots`: starts the stack of `npm start` in a copy of this checkout, makes something worth
 * looking at, and writes a picture of each page of the console to `docs/screenshots`. It needs Chromium
 * (Debian, Ubuntu: apt-get install chromium) and two minutes, and takes all of it down again.
 */
import fs from 'node:fs';
import path from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { launchBrowser, watch } from '../../test/console/browser';
import { type Stack, startStack } from '../../test/console/stack';
import { projectFolder } from '../tools/paths';
import { changeEmployee, type Scene, setScene } from './screenshot-scene';

const FOLDER = path.join(projectFolder, 'docs/screenshots');
const PASSWORD = 'a few words that are hard to guess';
/** Light last: its Sync Now ends what the overview shows. */
const LOOKS = {
  dark: { colorScheme: 'dark', viewport: { width: 1280, height: 800 } },
  phone: { colorScheme: 'light', viewport: { width: 390, height: 844 } },
  light: { colorScheme: 'light', viewport: { width: 1280, height: 800 } },
} as const;
export type Look = keyof typeof LOOKS;

interface Picture {
  name: string;
  at: string;
  /** Light unless given. */
  looks?: Look[];
  /** What has to be done on the page first. */
  before?: (page: Page) => Promise<void>;
}

export const listPictures = ({ overviewId, endpointId }: Scene, crm: string): Picture[] => [
  { name: 'home', at: '/' },
  { name: 'employees', at: '/records/employees', looks: ['light', 'phone'] },
  { name: 'employee', at: '/records/employees/emp-3', looks: ['light', 'dark'] },
  { name: 'integrations', at: '/integrations' },
  { name: 'overview', at: `/overviews/${overviewId}`, looks: ['light', 'dark'] },
  { name: 'sync-now', at: `/integrations/${crm}`, before: startSync },
  { name: 'sync-logs', at: '/sync-runs' },
  { name: 'sync-status', at: `/sync-status?integration_id=${crm}` },
  { name: 'webhooks', at: `/webhooks/${endpointId}` },
  { name: 'notifications', at: '/notifications' },
  { name: 'settings', at: '/settings' },
];

/** The answer is held back, so that there is time to look at the dialogue. */
async function startSync(page: Page): Promise<void> {
  await page.route('**/v1/integrations/*/sync-now', () => undefined);
  await page.getByRole('button', { name: 'Sync Now' }).click();
  await page.getByRole('dialog').getByRole('progressbar').waitFor();
}

/** Opens a signed-in page with the given color scheme. */
export async function signIn(
  browser: Browser,
  { ready }: Pick<Stack, 'ready'>,
  look: Look,
  troubles: string[],
): Promise<Page> {
  const context = await browser.newContext({ ...LOOKS[look], reducedMotion: 'reduce', locale: 'en-GB' });
  watch(context, troubles);
  const page = await context.newPage();
  await page.goto(`${ready.console_url}/sign-in`);
  await page.getByLabel('E-mail').fill(ready.console_email);
  await page.locator('input[type=password]').fill(PASSWORD);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('banner').waitFor();
  return page;
}

export async function choosePassword(browser: Browser, link: string): Promise<void> {
  const page = await browser.newPage();
  await page.goto(link);
  await page.getByLabel('New password').fill(PASSWORD);
  await page.getByLabel('Confirm password').fill(PASSWORD);
  await page.getByRole('button', { name: 'Set password' }).click();
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  await page.close();
}

/** The page as it looks when everything on it has been read. */
export async function takePicture(
  page: Page,
  consoleUrl: string,
  { at, before }: Picture,
  file: string,
): Promise<void> {
  await page.goto(`${consoleUrl}${at}`);
  await page.getByRole('heading', { level: 1 }).waitFor();
  await before?.(page);
  await page
    .getByRole('status', { name: /oading/ })
    .first()
    .waitFor({ state: 'detached' });
  await page.waitForTimeout(700); // what fades in has come in
  await page.screenshot({ path: file, animations: 'disabled' });
  await page.unrouteAll({ behavior: 'ignoreErrors' });
}

async function main(): Promise<void> {
  fs.mkdirSync(FOLDER, { recursive: true });
  const browser = await launchBrowser();
  console.log('Starting the stack of npm start …');
  const stack = await startStack();
  const troubles: string[] = [];
  try {
    await choosePassword(browser, stack.ready.console_link as string);
    const scene = await setScene(stack);
    for (const look of Object.keys(LOOKS) as Look[]) {
      const page = await signIn(browser, stack, look, troubles);
      await changeEmployee(stack, 'emp-7', {
        job_title: look === 'light' ? 'Account Director' : 'Head of Sales',
      }); // waits for its grace period
      for (const picture of listPictures(scene, stack.ready.crm_integration_id)) {
        if (!(picture.looks ?? ['light']).includes(look)) continue;
        const file = path.join(FOLDER, `${picture.name}${look === 'light' ? '' : `-${look}`}.png`);
        await takePicture(page, stack.ready.console_url, picture, file);
        console.log(
          `  ${path.relative(projectFolder, file)}, ${Math.round(fs.statSync(file).size / 1_000)} KB`,
        );
      }
      await page.context().close();
      if (troubles.length > 0) throw new Error(`In the browser's console:\n${troubles.join('\n')}`);
    }
  } finally {
    await browser.close();
    await stack.stop();
  }
}

if (require.main === module)
  void main().then(
    () => process.exit(0),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
