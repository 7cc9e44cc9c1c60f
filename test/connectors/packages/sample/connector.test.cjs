/** The tests of the package: the shared suites of Syncline against People. Run by the package's own Jest. */
const { describeConnector, describeReading } = require('syncline/connector-suite');
const { connector } = require('./connector.cjs');
const { startPeople } = require('./people.cjs');

const fields = ['first_name', 'last_name', 'email'].map((name) => ({ name, to: name }));
const configOf = (url, more = {}) => connector.configSchema.parse({ base_url: url, ...more });

describeConnector({
  title: 'people',
  connector,
  recordType: 'employees',
  mapping: { direction: 'push', fields, onDelete: 'deactivate' },
  typed: {
    fields: [{ name: 'shoe_size', to: 'shoe_size', type: 'number' }],
    values: [{ shoe_size: 38 }, { shoe_size: 39.5 }],
  },
  canDeactivate: true,
  rejected: { fields: { email: 'nobody' }, field: 'email' },
  longestString: 10_000,
  badConfigs: {
    'no address': {},
    'an unknown key': { base_url: 'https://people.example.com', pasword: 'x' },
    'another scheme': { base_url: 'ftp://people.example.com' },
  },
  async start() {
    const server = await startPeople();
    return {
      config: configOf(server.url),
      credentials: { token: server.token },
      wrongCredentials: { token: 'wrong' },
      list: async () =>
        [...server.people.values()].map((person) => ({
          remoteId: person.id,
          externalId: person.external_id,
          isActive: person.active,
          firstName: person.first_name ?? null,
          lastName: person.last_name ?? null,
          email: person.email,
        })),
      remove: async (remoteId) => void server.people.delete(remoteId),
      stop: server.stop,
    };
  },
});

describeReading({
  title: 'people',
  connector,
  recordType: 'employees',
  mapping: { direction: 'pull', fields, onDelete: 'leave' },
  lastNameAt: 'last_name',
  hasTombstones: false,
  described: { fields: ['first_name', 'last_name', 'email', 'shoe_size'] },
  async start() {
    const server = await startPeople();
    const headers = { authorization: `Bearer ${server.token}` };
    return {
      config: configOf(server.url, { page_size: 7 }),
      configWithoutDataset: configOf(server.url, { path: '/robots' }),
      credentials: { token: server.token },
      wrongCredentials: { token: 'wrong' },
      async create(count) {
        const ids = [];
        for (let number = 0; number < count; number += 1) {
          const body = JSON.stringify({ email: `p${number}@example.com`, last_name: 'Kahn' });
          const response = await fetch(`${server.url}/people`, { method: 'POST', headers, body });
          ids.push((await response.json()).id);
        }
        return ids;
      },
      async rename(remoteId, lastName) {
        const body = JSON.stringify({ last_name: lastName });
        await fetch(`${server.url}/people/${remoteId}`, { method: 'PATCH', headers, body });
      },
      remove: async (remoteId) => void server.people.delete(remoteId),
      ids: async () => [...server.people.keys()],
      stop: server.stop,
    };
  },
});
