/** Browsers and pages on one stack. */
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { launchBrowser, watch } from './browser';
import { type Stack, startStack } from './stack';

const PASSWORD = 'a few words that are hard to guess';

export const heading = (page: Page, name: string | RegExp) => page.getByRole('heading', { level: 1, name });
export const button = (page: Page, name: string | RegExp) =>
  page.getByRole('button', { name, exact: typeof name === 'string' });

export class Desk {
  /** Errors on the pages of all browsers opened by `openBrowser`. */
  readonly troubles: string[] = [];

  private constructor(
    readonly stack: Stack,
    readonly browser: Browser,
  ) {}

  static async setUp(): Promise<Desk> {
    const [stack, browser] = await Promise.all([startStack(), launchBrowser()]);
    return new Desk(stack, browser);
  }

  get crm(): string {
    return this.stack.ready.crm_integration_id;
  }

  /** A browser context without a session. */
  async openBrowser(): Promise<BrowserContext> {
    const opened = await this.browser.newContext({ viewport: { width: 1280, height: 900 } });
    opened.setDefaultTimeout(60_000);
    watch(opened, this.troubles);
    return opened;
  }

  open(page: Page, at: string): Promise<unknown> {
    return page.goto(`${this.stack.ready.console_url}${at}`);
  }

  async choosePassword(page: Page, link: string): Promise<void> {
    await page.goto(link);
    await page.getByLabel('New password').fill(PASSWORD);
    await page.getByLabel('Confirm password').fill(PASSWORD);
    await button(page, 'Set password').click();
    await heading(page, 'Sign in').waitFor();
  }

  async signIn(page: Page, email: string): Promise<void> {
    await page.getByLabel('E-mail').fill(email);
    await page.locator('input[type=password]').fill(PASSWORD);
    await button(page, 'Sign in').click();
  }

  /** A page on which the first admin is signed in. */
  async sitDown(): Promise<Page> {
    const page = await (await this.openBrowser()).newPage();
    await this.choosePassword(page, this.stack.ready.console_link as string);
    await this.signIn(page, this.stack.ready.console_email);
    await heading(page, 'Home').waitFor();
    return page;
  }

  /** Lets an admin add a user. Returns a page on which that user is signed in. */
  async invite(
    admin: Page,
    { name, email, role }: { name: string; email: string; role: 'Viewer' | 'Operator' | 'Admin' },
  ): Promise<Page> {
    await this.open(admin, '/settings/people');
    await button(admin, 'Add user').click();
    const form = admin.getByRole('dialog', { name: 'Add user' });
    await form.getByLabel('Name').fill(name);
    await form.getByLabel('E-mail').fill(email);
    await form.getByRole('combobox', { name: 'Role' }).click();
    await admin.getByRole('option', { name: new RegExp(`^${role}`) }).click();
    await form.getByRole('button', { name: 'Add user' }).click();
    const link = await admin
      .getByRole('dialog', { name: `Sign-in link for ${name}` })
      .locator('pre')
      .innerText();
    const page = await (await this.openBrowser()).newPage();
    await this.choosePassword(page, link);
    await this.signIn(page, email);
    await heading(page, 'Home').waitFor();
    return page;
  }

  /** Types the password, which all users of these tests share. */
  async typePassword(page: Page): Promise<void> {
    await page.keyboard.type(PASSWORD);
  }

  /** Throws if there were errors in a browser since the last call. */
  expectNoTrouble(): void {
    const seen = this.troubles.splice(0);
    if (seen.length > 0) throw new Error(`In the browser's console:\n${seen.join('\n')}`);
  }

  async close(): Promise<void> {
    await this.browser.close();
    await this.stack.stop();
  }
}
