/** The REST connector against Kinto, by the configuration that docs/connectors/rest.md shows. */
import { rest } from '../../../connectors/rest';
import { startKinto } from '../../support/servers/third-parties';
import { documentedExample, documentedMapping, withList } from './documented';
import type { ConnectorHarness, RemoteRecord, StartedThirdParty } from './harness';

interface KintoRecord {
  id: string;
  external_id: string;
  name?: { first?: string; last?: string };
  email: string;
  active?: boolean;
}

export interface StartedKinto extends StartedThirdParty {
  url: string;
  /** A call of Kinto's own API as its administrator; the answer's `data`. Throws unless it is a success. */
  call(method: string, route: string, data?: unknown): Promise<unknown>;
}

const example = documentedExample('kinto');
const config = withList(example, documentedExample('kinto-pull'), 'employees');
const employees = config.record_types['employees'] as Record<string, Record<string, unknown>>;
const withType = (changes: Record<string, unknown>) => ({
  ...config,
  record_types: { employees: { ...employees, ...changes } },
});

/** Kinto refuses records that do not fit. */
export const KINTO_SCHEMA = {
  type: 'object',
  required: ['email'],
  properties: {
    external_id: { type: 'string' },
    name: { type: 'object', properties: { first: { type: 'string' }, last: { type: 'string' } } },
    email: { type: 'string', pattern: '^[^@ ]+@[^@ ]+$' },
    grade: { type: 'string', enum: ['junior', 'senior'] },
    active: { type: 'boolean' },
  },
};

export const kintoHarness: Omit<ConnectorHarness, 'start'> & { start(): Promise<StartedKinto> } = {
  title: 'rest against Kinto',
  connector: rest,
  recordType: 'employees',
  mapping: documentedMapping(example, 'employees'),
  typed: {
    fields: [
      { name: 'born', to: 'born', type: 'date' },
      { name: 'hours', to: '/work/hours', type: 'number' },
      { name: 'vip', to: '/work/vip', type: 'boolean' },
      { name: 'tags', to: 'tags' },
    ],
    values: [
      { born: '1990-05-17', hours: 38.5, vip: true, tags: ['b', 'a'] },
      { born: null, hours: null, vip: null, tags: [] },
    ],
  },
  canDeactivate: true,
  rejected: { fields: { email: 'not an address' }, field: 'email' },
  longestString: 20_000,
  badConfigs: {
    'an id of our own that is the same for all': withType({ id: { template: 'syncline', allow: 'a-z' } }),
    'an id of our own in which two could meet': withType({
      id: { template: '{external_id}', allow: 'A-Za-z0-9_', otherwise: '_' },
    }),
    'a read that nothing calls': withType({
      list: undefined,
      update: { ...employees['update'], if_match: false },
      delete: { ...employees['delete'], if_match: false },
    }),
    'an unknown way of authentication': { ...config, auth: { type: 'kerberos' } },
    'no check': { ...config, check: undefined },
  },

  async start() {
    const server = await startKinto();
    const { username, password } = server;
    const headers = {
      'content-type': 'application/json',
      authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`,
    };
    const call: StartedKinto['call'] = async (method, route, data) => {
      const response = await fetch(`${server.url}${route}`, {
        method,
        headers,
        ...(data !== undefined && { body: JSON.stringify({ data }) }),
      });
      if (!response.ok)
        throw new Error(
          `Kinto answered ${method} ${route} with ${response.status}: ${await response.text()}`,
        );
      return ((await response.json()) as { data: unknown }).data;
    };
    await call('PUT', '/buckets/hr', {});
    await call('PUT', '/buckets/hr/collections/employees', { schema: KINTO_SCHEMA });
    return {
      url: server.url,
      call,
      config: rest.configSchema.parse({ ...config, base_url: server.url }),
      credentials: { username, password },
      wrongCredentials: { username, password: 'not the password' },
      async list() {
        const records = (await call('GET', '/buckets/hr/collections/employees/records')) as KintoRecord[];
        return records.map(toRemoteRecord);
      },
      async remove(remoteId) {
        await call('DELETE', `/buckets/hr/collections/employees/records/${remoteId}`);
      },
      stop: () => server.stop(),
    };
  },
};

function toRemoteRecord({ id, external_id: externalId, name, email, active }: KintoRecord): RemoteRecord {
  return {
    remoteId: id,
    externalId,
    isActive: active !== false,
    firstName: name?.first ?? null,
    lastName: name?.last ?? null,
    email,
  };
}
