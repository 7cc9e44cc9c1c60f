/** Keyboard use. */
import type { Locator, Page } from 'playwright-core';

const STOPS_MAX = 80;

export const isFocused = (element: Locator): Promise<boolean> =>
  element.evaluate((found) => found === found.ownerDocument.activeElement);

/** Presses Tab until the element has the focus. Throws if it never has. */
export async function tabTo(page: Page, element: Locator): Promise<void> {
  await element.waitFor();
  for (let stop = 0; stop < STOPS_MAX; stop += 1) {
    await page.keyboard.press('Tab');
    if (await isFocused(element)) return;
  }
  throw new Error(`${String(element)} is not among the first ${STOPS_MAX} stops of the Tab key.`);
}

/** The styles of the focused element and its parent, with the focus and without. It keeps the focus. */
const LOOKS = `(async () => {
  const focused = document.activeElement;
  const settled = () => Promise.all(document.getAnimations()
    .filter((one) => one instanceof CSSTransition)
    .map((one) => one.finished.catch(() => undefined)));
  const look = async () => {
    await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
    await settled();
    return [focused, focused.parentElement].map((element) => {
      const { outline, borderColor, boxShadow, backgroundColor, transform } = getComputedStyle(element);
      return [outline, borderColor, boxShadow, backgroundColor, transform].join(' ');
    }).join(' ');
  };
  const withFocus = await look();
  focused.blur();
  const without = await look();
  focused.focus({ focusVisible: true });
  return { withFocus, without };
})()`;

/** Throws unless the focused element looks different from an unfocused one. */
export async function expectFocusIsSeen(page: Page): Promise<void> {
  const { withFocus, without } = await page.evaluate<{ withFocus: string; without: string }>(LOOKS);
  if (withFocus === without)
    throw new Error(
      `The focus is not seen on ${await page.evaluate<string>('document.activeElement.outerHTML.slice(0, 300)')}`,
    );
}
