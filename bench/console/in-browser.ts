/** What a person in front of Chromium waits for. */
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { until } from '../measure';
import type { Product } from '../product';
import type { BenchEnvironment } from '../environment';

const PASSWORD = 'a few words that are hard to guess';
const EMAIL = 'admin@bench.example';
const SIZE = { width: 1280, height: 800 };

/** Answers the cookies of an admin of the tenant, as `storageState`. */
export async function signIn(
  browser: Browser,
  { url, asPlatform }: Product,
  { tenant }: { tenant: string },
): Promise<Awaited<ReturnType<BrowserContext['storageState']>>> {
  const { invitation } = await asPlatform(`/tenants/${tenant}/first-admin`, {
    name: 'Bench Admin',
    email: EMAIL,
  });
  const page = await browser.newPage();
  await page.goto((invitation as { link: string }).link);
  await page.getByLabel('New password').fill(PASSWORD);
  await page.getByLabel('Confirm password').fill(PASSWORD);
  await page.getByRole('button', { name: 'Set password' }).click();
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  await page.goto(`${url}/console/sign-in`);
  await page.getByLabel('E-mail').fill(EMAIL);
  await page.locator('input[type=password]').fill(PASSWORD);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('banner').waitFor();
  const state = await page.context().storageState();
  await page.context().close();
  return state;
}

type State = Awaited<ReturnType<BrowserContext['storageState']>>;

/**
 * Milliseconds from the navigation to the first row of `selector`, each time in a browser profile that has
 * seen nothing yet.
 */
async function timeColdLoads(
  browser: Browser,
  url: string,
  selector: string,
  times: number,
  storageState?: State,
): Promise<{ ms: number[]; scriptBytes: number }> {
  const ms: number[] = [];
  let scriptBytes = 0;
  for (let time = 0; time <= times; time += 1) {
    const context = await browser.newContext({
      viewport: SIZE,
      ...(storageState === undefined ? {} : { storageState }),
    });
    const page = await context.newPage();
    await page.addInitScript(noteFirst(selector));
    await page.goto(url);
    const at = await until('the first row', 60_000, () =>
      page.evaluate<number | undefined>('globalThis.firstAt'),
    );
    if (time > 0) ms.push(at); // the first one warms up the servers, not the cache
    scriptBytes = await page.evaluate<number>(
      `performance.getEntriesByType('resource').filter(({ name }) => name.endsWith('.js')).reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0)`,
    );
    await context.close();
  }
  return { ms, scriptBytes };
}

/**
 * Runs in the page, as text, because what compiles this file adds calls that no page knows. Looks at each
 * frame whether the element is there.
 */
const noteFirst = (selector: string): string => `{
  const look = () => document.querySelector(${JSON.stringify(selector)}) === null ? requestAnimationFrame(look) : (globalThis.firstAt = performance.now());
  requestAnimationFrame(look);
}`;

export interface LoadTimes {
  pageMs: number[];
  bareMs: number[];
  /** The transferred size of all scripts of the first page. */
  scriptBytes: number;
}

/** The list of employees, and in turns a page that is one line of HTML. */
export async function timeFirstPage(
  environment: BenchEnvironment,
  browser: Browser,
  { url }: Product,
  storageState: State,
  times: number,
): Promise<LoadTimes> {
  const server = http.createServer((_request, response) =>
    response
      .setHeader('content-type', 'text/html')
      .end('<!doctype html><title>Bare</title><a href="/">A link</a>'),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  environment.onClose(async () => server.close());
  const bare = await timeColdLoads(
    browser,
    `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    'a',
    times,
  );
  const page = await timeColdLoads(
    browser,
    `${url}/console/records/employees`,
    'tbody a',
    times,
    storageState,
  );
  return { pageMs: page.ms, bareMs: bare.ms, scriptBytes: page.scriptBytes };
}

export interface StatusTimes {
  /** From the API's answer to the change, to `Sync pending` on the page. */
  pendingMs: number[];
  /** From the moment the database holds the conclusion, to `Synced` on the page. */
  syncedMs: number[];
}

interface Watched {
  /** Of an employee, when it was concluded last; epoch milliseconds. */
  resultAt: () => Promise<number>;
  change: (value: string) => Promise<void>;
}

/** On an open page without interaction. The record sync is due two seconds after the change. */
export async function timeStatusChanges(
  page: Page,
  { change, resultAt }: Watched,
  times: number,
): Promise<StatusTimes> {
  const pendingMs: number[] = [];
  const syncedMs: number[] = [];
  for (let time = 0; time < times; time += 1) {
    const seen = page.evaluate<{ pendingAt: number; syncedAt: number }>(NOTE_STATUSES);
    await change(`Changed ${time} at ${Date.now()}`);
    const answeredAt = Date.now();
    const { pendingAt, syncedAt } = await seen;
    pendingMs.push(Math.max(0, pendingAt - answeredAt));
    syncedMs.push(Math.max(0, syncedAt - (await resultAt())));
  }
  return { pendingMs, syncedMs };
}

/** Runs in the page: records when the first row or card shows `Sync pending`, and then `Synced`. */
const NOTE_STATUSES = `(async () => {
  const text = () => document.querySelector('tbody tr, article')?.textContent ?? '';
  const seenAt = async (pattern) => {
    const startedAt = Date.now();
    while (!pattern.test(text())) {
      if (Date.now() > startedAt + 30_000) throw new Error('The page did not show ' + pattern);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    return Date.now();
  };
  const pendingAt = await seenAt(/Sync pending/);
  return { pendingAt, syncedAt: await seenAt(/Synced/) };
})()`;

export const openPage = async (browser: Browser, storageState: State, url: string): Promise<Page> => {
  const page = await (await browser.newContext({ viewport: SIZE, storageState })).newPage();
  await page.goto(url);
  await page.locator('tbody a, article').first().waitFor();
  await page.waitForTimeout(1_500); // the stream is open by then
  return page;
};
