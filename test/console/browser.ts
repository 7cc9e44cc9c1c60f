/** Chromium, with a record of errors on its pages. */
import fs from 'node:fs';
import { type Browser, type BrowserContext, chromium, type Locator, type Page } from 'playwright-core';

const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const QUIET = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export function launchBrowser(): Promise<Browser> {
  const executablePath = process.env.CHROMIUM ?? CHROMIUM.find((file) => fs.existsSync(file));
  if (executablePath === undefined)
    throw new Error(
      'Chromium is missing. Install it (Debian, Ubuntu: apt-get install chromium), or name it in CHROMIUM.',
    );
  return chromium.launch({ executablePath, headless: true, args: QUIET });
}

/** Waits until it is on the page: pages show cached data first, and the rest after it is read. */
export const expectShown = (what: Locator): Promise<void> => what.waitFor();

/** Records errors in the browser's console, CSP violations included, uncaught errors and foreign requests. */
export function watch(context: BrowserContext, troubles: string[]): void {
  context.on('console', (message) => {
    // The page shows error responses of the API; the browser logs them too.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
      troubles.push(message.text());
  });
  context.on('weberror', (error) => troubles.push(String(error.error())));
  context.on('request', (request) => {
    const { protocol, hostname } = new URL(request.url());
    if (protocol.startsWith('http') && hostname !== '127.0.0.1')
      troubles.push(`asked elsewhere: ${request.url()}`);
  });
}

const axe = fs.readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
interface Finding {
  id: string;
  impact: string | null;
  nodes: { target: string[] }[];
}

/** Resolves after all transitions, during which colors have no final contrast. */
const SETTLED = `new Promise((resolve) =>
  requestAnimationFrame(() => requestAnimationFrame(resolve))).then(() =>
  Promise.allSettled(document.getAnimations()
    .filter((one) => one instanceof CSSTransition)
    .map((one) => one.finished)))`;

/** The serious findings of axe, after all transitions. */
export async function seriousFindings(page: Page): Promise<string[]> {
  await page.evaluate(SETTLED);
  await page.evaluate(axe);
  const findings = await page.evaluate(
    async () =>
      (await (globalThis as unknown as { axe: { run(): Promise<{ violations: Finding[] }> } }).axe.run())
        .violations,
  );
  return findings
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(' ')).join(', ')}`);
}
