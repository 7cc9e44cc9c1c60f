/**
 * Reading employees from Kinto by the configuration that docs/connectors/rest-reading.md shows: tombstones,
 * addresses of pages that hold their place.
 */
import { rest } from '../../../connectors/rest';
import { documentedExample, documentedMapping } from './documented';
import { kintoHarness } from './harness-kinto';
import type { ReadingHarness } from './reading-harness';

const RECORDS = '/buckets/hr/collections/employees/records';
const example = documentedExample('kinto-pull');

function configFor(url: string, collection = 'employees') {
  const text = JSON.stringify({ ...example.config, base_url: url }).replaceAll(
    '/collections/employees',
    `/collections/${collection}`,
  );
  return rest.configSchema.parse(
    JSON.parse(text.replace('"name":"Next-Page"', '"name":"Next-Page","size":7,"size_parameter":"_limit"')),
  );
}

export const kintoReading: ReadingHarness = {
  title: 'rest from Kinto',
  connector: rest,
  recordType: 'employees',
  mapping: documentedMapping(example, 'employees'),
  lastNameAt: '/name/last',
  hasTombstones: true,
  described: {
    fields: ['/name/first', '/name/last', 'email', 'active'],
    picklist: { name: 'grade', values: ['junior', 'senior'] },
  },
  async start() {
    const kinto = await kintoHarness.start();
    let created = 0;
    return {
      config: configFor(kinto.url),
      configWithoutDataset: configFor(kinto.url, 'missing'),
      credentials: kinto.credentials,
      wrongCredentials: kinto.wrongCredentials,
      async create(count) {
        const ids: string[] = [];
        for (let index = 0; index < count; index += 1) {
          const record = {
            email: `user-${(created += 1)}@example.com`,
            name: { first: 'Ada', last: 'Lovelace' },
          };
          ids.push(((await kinto.call('POST', RECORDS, record)) as { id: string }).id);
        }
        return ids;
      },
      async rename(remoteId, last) {
        await kinto.call('PATCH', `${RECORDS}/${remoteId}`, { name: { last } });
      },
      remove: (remoteId) => kinto.remove(remoteId),
      ids: async () => (await kinto.list()).map(({ remoteId }) => remoteId),
      stop: () => kinto.stop(),
    };
  },
};
