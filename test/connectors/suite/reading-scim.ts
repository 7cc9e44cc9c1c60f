/** Reading users from scim2-server: no tombstones, and its schemas list fields and picklists. */
import { scim } from '../../../connectors/scim';
import { EMPLOYEES_MAPPING, USER_SCHEMA } from '../../../connectors/scim/fields';
import { startScimServer } from '../../support/servers/third-parties';
import type { ReadingHarness } from './reading-harness';

export const scimReading: ReadingHarness = {
  title: 'scim from scim2-server',
  connector: scim,
  recordType: 'employees',
  mapping: { ...EMPLOYEES_MAPPING, direction: 'pull' },
  lastNameAt: '/name/familyName',
  hasTombstones: false,
  described: {
    fields: [
      '/userName',
      '/name/familyName',
      '/active',
      'emails[type eq "work"].value',
      'emails[primary eq true].value',
      '/urn:ietf:params:scim:schemas:extension:enterprise:2.0:User/department',
    ],
  },
  async start() {
    const server = await startScimServer();
    const call = async (method: string, path: string, body?: unknown): Promise<unknown> => {
      const headers = {
        authorization: `Bearer ${server.bearerToken}`,
        'content-type': 'application/scim+json',
      };
      const response = await fetch(server.url + path, {
        method,
        headers,
        body: body === undefined ? null : JSON.stringify(body),
      });
      const text = await response.text();
      if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
      return text === '' ? {} : JSON.parse(text);
    };
    let created = 0;
    return {
      config: scim.configSchema.parse({ base_url: server.url, page_size: 7 }),
      configWithoutDataset: scim.configSchema.parse({
        base_url: server.url,
        record_types: { employees: { resource_type: 'Robot', endpoint: '/Robots', schemas: [USER_SCHEMA] } },
      }),
      credentials: { token: server.bearerToken },
      wrongCredentials: { token: 'wrong' },
      async create(count) {
        const ids: string[] = [];
        for (let index = 0; index < count; index += 1) {
          const user = {
            schemas: [USER_SCHEMA],
            userName: `user-${(created += 1)}`,
            name: { givenName: 'Ada', familyName: 'Lovelace' },
          };
          ids.push(((await call('POST', '/Users', user)) as { id: string }).id);
        }
        return ids;
      },
      async createWithList() {
        const emails = [
          { type: 'home', value: 'home@example.com' },
          { type: 'work', value: 'work@example.com', primary: true },
        ];
        const user = { schemas: [USER_SCHEMA], userName: 'listed', emails };
        const { id: remoteId } = (await call('POST', '/Users', user)) as { id: string };
        const turnRound = async () => {
          await call('PUT', `/Users/${remoteId}`, { ...user, id: remoteId, emails: emails.toReversed() });
        };
        return { remoteId, turnRound };
      },
      async rename(remoteId, familyName) {
        const Operations = [{ op: 'replace', path: 'name.familyName', value: familyName }];
        await call('PATCH', `/Users/${remoteId}`, {
          schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
          Operations,
        });
      },
      async remove(remoteId) {
        await call('DELETE', `/Users/${remoteId}`);
      },
      async ids() {
        const { Resources: users = [] } = (await call('GET', '/Users?count=1000')) as {
          Resources?: { id: string }[];
        };
        return users.map(({ id }) => id);
      },
      stop: () => server.stop(),
    };
  },
};
