/**
 * Every request of the console's list of employees: pages, searches and filters, at the beginning and at the
 * end.
 */
import { median } from '../measure';
import { getPage, readerOf } from '../pages';
import type { LinkedTenant, Product } from '../product';
import { employeeId } from './employees';

export interface RequestTimes {
  what: string;
  medianMs: number;
  slowestMs: number;
  requests: number;
}

export const LIST = '/v1/records/employees';
const LIMIT = 100;

interface Places {
  employees: number;
  /** Of a page near the end. */
  deepPath: string;
  /** On the wire. `half` has every second employee, `few` one in 25,000. */
  integrations: { all: string; half: string; few: string };
}

export async function timeListRequests(
  product: Product,
  tenant: LinkedTenant,
  { employees, integrations, deepPath }: Places,
): Promise<RequestTimes[]> {
  const read = readerOf(product, tenant);
  const one = async (what: string, path: string, holds?: number): Promise<RequestTimes> => ({
    what,
    requests: 20,
    ...(await read(path, holds)),
  });
  const at = (query: string): string => `${LIST}?limit=${LIMIT}&${query}`;
  const late = employeeId(employees - 9);
  return [
    await one('first page', `${LIST}?limit=${LIMIT}`, LIMIT),
    await one('a page near the end', deepPath),
    await one('words that many have', at('q=finance'), LIMIT),
    await one('two words that many have', at('q=finance specialist'), LIMIT),
    await walkAll('a word of one near the end, to the end', at(`q=${late}`), 1),
    await walkAll('words that match no record, to the end', at('q=no record of this name'), 0),
    await one('synced ones', at('status=synced'), LIMIT),
    await walkAll('those that wait, to the end', at('status=sync_pending'), employees / 100),
    await walkAll('the few that failed, to the end', at('status=sync_failed'), employees / 5_000),
    await walkAll('those being sent: none, to the end', at('status=syncing'), 0),
    await one('of an integration that has all', at(`integration_id=${integrations.all}`), LIMIT),
    await one('of one that has half', at(`integration_id=${integrations.half}`), LIMIT),
    await walkAll(
      'of one that has a few, to the end',
      at(`integration_id=${integrations.few}`),
      employees / 25_000,
    ),
    await walkAll(
      'failed ones of an integration, to the end',
      at(`integration_id=${integrations.all}&status=sync_failed`),
      employees / 5_000,
    ),
    await walkAll(
      'words, status and integration, to the end',
      at(`q=finance&integration_id=${integrations.all}&status=sync_pending`),
    ),
  ];

  /** As the console scrolls: page after page, and over empty ones. Twice, to the end of the list. */
  async function walkAll(what: string, path: string, holds?: number): Promise<RequestTimes> {
    const times: number[] = [];
    for (let round = 0; round < 2; round += 1) {
      let found = 0;
      for (let next: string | null = path; next !== null;) {
        const startedAt = performance.now();
        const page = await getPage(product, tenant, next);
        times.push(performance.now() - startedAt);
        found += page.data.length;
        next = page.next_cursor === null ? null : `${path}&cursor=${encodeURIComponent(page.next_cursor)}`;
      }
      if (holds !== undefined && found !== holds)
        throw new Error(`${path} holds ${found} records where ${holds} should be.`);
    }
    return { what, medianMs: median(times), slowestMs: Math.max(...times), requests: times.length };
  }
}
