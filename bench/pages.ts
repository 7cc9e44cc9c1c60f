/** How long lists of the API take, and how to get deep into one. */
import { median } from './measure';
import type { LinkedTenant, Product } from './product';

export interface PageTimes {
  medianMs: number;
  slowestMs: number;
}

export interface Page {
  data: unknown[];
  next_cursor: string | null;
}

const TIMES = 20;

export async function getPage({ url }: Product, { headers }: LinkedTenant, path: string): Promise<Page> {
  const response = await fetch(`${url}${path}`, { headers });
  if (!response.ok) throw new Error(`GET ${path} was answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as Page;
}

/**
 * Reads a list 20 times, one after the other, from the request to the parsed answer. Throws where it holds
 * another number than it should.
 */
export function readerOf(
  product: Product,
  tenant: LinkedTenant,
): (path: string, holds?: number) => Promise<PageTimes> {
  return async (path, holds) => {
    const times: number[] = [];
    for (let time = 0; time < TIMES; time += 1) {
      const startedAt = performance.now();
      const { data } = await getPage(product, tenant, path);
      times.push(performance.now() - startedAt);
      if (holds !== undefined && data.length !== holds)
        throw new Error(`${path} holds ${data.length} items where ${holds} should be.`);
    }
    return { medianMs: median(times), slowestMs: Math.max(...times) };
  };
}

/** The path of the page that begins after so many items. */
export async function walkTo(
  product: Product,
  tenant: LinkedTenant,
  path: string,
  items: number,
): Promise<string> {
  let at = `${path}?limit=200`;
  for (let seen = 0; seen < items;) {
    const { data, next_cursor: next } = await getPage(product, tenant, at);
    if (next === null) throw new Error(`${path} ended after ${seen + data.length} items.`);
    seen += data.length;
    at = `${path}?limit=200&cursor=${encodeURIComponent(next)}`;
  }
  return at;
}
