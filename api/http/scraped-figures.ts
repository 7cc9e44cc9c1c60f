/** Figures of the database behind metrics: no scrape waits for them for long, however often it comes. */

const SCRAPE_WITHIN_MS = 2_000;

/** Rejects if `read` takes longer than a scrape may wait. */
export async function withinScrape<T>(read: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('The database did not answer a scrape.')), SCRAPE_WITHIN_MS);
  });
  return Promise.race([read, late]).finally(() => clearTimeout(timer));
}

/** Shares one read between all scrapes of `keptMs`. A read that fails is not kept. */
export function keptFor<T>(keptMs: number, read: () => Promise<T>): () => Promise<T> {
  let kept: { figures: Promise<T>; until: number } | undefined;
  return () => {
    if (kept !== undefined && performance.now() < kept.until) return kept.figures;
    const figures = read();
    const reading = { figures, until: Number.POSITIVE_INFINITY };
    kept = reading;
    figures.then(
      () => (reading.until = performance.now() + keptMs),
      () => (reading.until = 0),
    );
    return figures;
  };
}
