/** Lets an activity report, from wherever it is, that it has stored a step that it will not repeat. */
import { AsyncLocalStorage } from 'node:async_hooks';

const current = new AsyncLocalStorage<() => Promise<void>>();

export const withProgress = <T>(onProgress: () => Promise<void>, run: () => Promise<T>): Promise<T> =>
  current.run(onProgress, run);

/** Outside of an activity it does nothing. */
export async function noteProgress(): Promise<void> {
  await current.getStore()?.();
}
