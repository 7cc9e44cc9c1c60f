/**
 * Reading employees from PocketBase by the configuration that docs/connectors/rest-reading.md shows: numbered
 * pages, no tombstones.
 */
import { rest } from '../../../connectors/rest';
import { documentedExample, documentedMapping } from './documented';
import { pocketBaseHarness } from './harness-pocketbase';
import type { ReadingHarness } from './reading-harness';

const RECORDS = 'collections/employees/records';
const example = documentedExample('pocketbase-pull');

function configFor(url: string, collection = 'employees') {
  const text = JSON.stringify({ ...example.config, base_url: url }).replaceAll(
    '/collections/employees/',
    `/collections/${collection}/`,
  );
  return rest.configSchema.parse(JSON.parse(text.replace('"size":500', '"size":7')));
}

export const pocketBaseReading: ReadingHarness = {
  title: 'rest from PocketBase',
  connector: rest,
  recordType: 'employees',
  mapping: documentedMapping(example, 'employees'),
  lastNameAt: 'last_name',
  hasTombstones: false,
  described: {
    fields: ['external_id', 'first_name', 'last_name', 'email', 'active'],
    picklist: { name: 'grade', values: ['junior', 'senior'] },
  },
  async start() {
    const pocketBase = await pocketBaseHarness.start();
    let created = 0;
    return {
      config: configFor(pocketBase.url),
      configWithoutDataset: configFor(pocketBase.url, 'missing'),
      credentials: pocketBase.credentials,
      wrongCredentials: pocketBase.wrongCredentials,
      async create(count) {
        const ids: string[] = [];
        for (let index = 0; index < count; index += 1) {
          const row = {
            external_id: `emp-${(created += 1)}`,
            email: `user-${created}@example.com`,
            first_name: 'Ada',
            last_name: 'Lovelace',
          };
          ids.push(((await pocketBase.call('POST', RECORDS, row)) as { id: string }).id);
        }
        return ids;
      },
      async rename(remoteId, lastName) {
        await pocketBase.call('PATCH', `${RECORDS}/${remoteId}`, { last_name: lastName });
      },
      remove: (remoteId) => pocketBase.remove(remoteId),
      ids: async () => (await pocketBase.list()).map(({ remoteId }) => remoteId),
      stop: () => pocketBase.stop(),
    };
  },
};
