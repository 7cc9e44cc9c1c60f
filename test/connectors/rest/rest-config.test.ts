/**
 * What the REST connector says about a configuration: each mistake at its place, in words that lead to its
 * repair.
 */
import { z } from 'zod';
import { rest } from '../../../connectors/rest';
import type { RestCredentials } from '../../../connectors/rest/config/config-auth';
import type { RecordTypeMapping } from '../../../domain/records/mapping';
import { documentedExample, documentedMapping, documentedPage } from '../suite/documented';
import { CONTACTS_MAPPING, contactsConfig } from './rest-given';

const URL_OF_CONTACTS = 'https://contacts.example.com/api';

function problemsOf(
  changes: Record<string, unknown>,
  typeChanges: Record<string, unknown> = {},
  {
    mapping = CONTACTS_MAPPING,
    credentials,
  }: { mapping?: RecordTypeMapping; credentials?: RestCredentials } = {},
) {
  const config = rest.configSchema.parse(contactsConfig(URL_OF_CONTACTS, changes, typeChanges));
  return rest.validate?.(config, { contacts: mapping }, credentials) ?? [];
}

const IDEMPOTENT = {
  find: undefined,
  external_id: undefined,
  create: { path: '/contacts', idempotency_header: 'Idempotency-Key' },
};

describe('the configuration of a REST integration', () => {
  describe('a creation', () => {
    it('is refused when a lost answer would create a duplicate, with the three ways out', () => {
      const [problem] = problemsOf({}, { find: undefined });

      expect(problem?.pointer).toBe('/config/record_types/contacts/create');
      for (const way of ['find', 'id.template', 'idempotency_header'])
        expect(problem?.message).toContain(way);
    });

    it.each([
      ['a search', {}],
      [
        'an id of our own',
        {
          find: undefined,
          id: { template: '{external_id}', allow: 'a-z0-9-' },
          create: { method: 'PUT', path: '/contacts/{remote_id}', if_none_match: true },
        },
      ],
      ['an idempotency key', IDEMPOTENT],
      [
        'one call that creates or replaces',
        {
          find: undefined,
          create: undefined,
          update: undefined,
          upsert: { path: '/contacts/by-ref/{external_id}', replaces: true },
        },
      ],
    ])('is accepted with %s', (_title, typeChanges) => {
      expect(problemsOf({}, typeChanges)).toEqual([]);
    });

    it('is refused together with an upsert; an upsert that always changes the same record is refused too', () => {
      const upsert = { path: '/contacts/current', replaces: true };

      expect(problemsOf({}, { upsert }).map(({ pointer }) => pointer)).toEqual([
        '/config/record_types/contacts/create',
        '/config/record_types/contacts/update',
        '/config/record_types/contacts/upsert/path',
      ]);
    });
  });

  it.each<[string, string, Record<string, unknown>, Record<string, unknown>]>([
    [
      'an unknown variable in a path',
      '/config/record_types/contacts/update/path',
      {},
      { update: { path: '/contacts/{id}' } },
    ],
    [
      'an unknown variable in a header',
      '/config/record_types/contacts/update/headers/X-Id',
      {},
      { update: { path: '/c/{remote_id}', headers: { 'X-Id': '{idd}' } } },
    ],
    [
      'an unknown variable in a body',
      '/config/record_types/contacts/create/body',
      {},
      { create: { path: '/c', body: { a: ['{x}'] } } },
    ],
    [
      'their id before the creation',
      '/config/record_types/contacts/create/path',
      {},
      { create: { path: '/c/{remote_id}' } },
    ],
    ['a record’s variable in the check', '/config/check/path', { check: { path: '/c/{external_id}' } }, {}],
    [
      'a record’s variable in the headers of all calls',
      '/config/headers/X-Id',
      { headers: { 'X-Id': '{external_id}' } },
      {},
    ],
    [
      'an unused parameter',
      '/config/record_types/contacts/find/parameters/q',
      {},
      { find: { path: '/c{?external_id}', items: '/items', parameters: { q: 'x' } } },
    ],
    [
      'a filter that a value could break',
      '/config/record_types/contacts/find/parameters/q',
      {},
      { find: { path: '/c{?q}', items: '/items', parameters: { q: 'ref={external_id}' } } },
    ],
    [
      'a search whose results could be any record',
      '/config/record_types/contacts/find',
      {},
      { external_id: undefined },
    ],
    [
      'a body in a GET',
      '/config/record_types/contacts/find/body',
      {},
      { find: { path: '/c', items: '/items', body: { ref: '{external_id}' } } },
    ],
    [
      'a value for an empty list without a list',
      '/config/record_types/contacts/find/empty',
      {},
      { find: { path: '/c/{external_id}', empty: { at: '/n', is: 0 } } },
    ],
    [
      'if_match without a version',
      '/config/record_types/contacts/update/if_match',
      {},
      { update: { path: '/c/{remote_id}', if_match: true } },
    ],
    ['an unused read call', '/config/record_types/contacts/read', {}, { read: { path: '/c/{remote_id}' } }],
    [
      'an id with an unknown variable',
      '/config/record_types/contacts/id/template',
      {},
      { id: { template: '{external_id}-{tenant}', allow: 'a-z' } },
    ],
    [
      'ids that could meet',
      '/config/record_types/contacts/id/otherwise',
      {},
      { id: { template: '{external_id}', allow: 'a-z_', otherwise: '_' } },
    ],
    ['a deactivation without changes', '/config/record_types/contacts/deactivate', {}, { deactivate: {} }],
    [
      'a deactivation with half a call',
      '/config/record_types/contacts/deactivate/method',
      {},
      { deactivate: { set: { active: false }, method: 'POST' } },
    ],
    [
      'an activation without a deactivation',
      '/config/record_types/contacts/activate',
      {},
      { activate: { set: { active: true } } },
    ],
    [
      'a picklist without values',
      '/config/record_types/contacts/known_fields/0/values',
      {},
      { known_fields: [{ name: 'grade', type: 'picklist' }] },
    ],
    [
      'values of a field that is not a picklist',
      '/config/record_types/contacts/known_fields/0/values',
      {},
      { known_fields: [{ name: 'n', type: 'number', values: ['1'] }] },
    ],
    [
      'a field described twice',
      '/config/record_types/contacts/known_fields/1/name',
      {},
      { known_fields: [{ name: 'n' }, { name: 'n' }] },
    ],
    ['a login without an address', '/config/auth', { auth: { type: 'login', token: '/t' } }, {}],
    [
      'a login that never sends its token',
      '/config/auth/value',
      { auth: { type: 'login', path: '/l', token: '/t', value: 'Bearer' } },
      {},
    ],
  ])('names %s at its place', (_title, pointer, changes, typeChanges) => {
    expect(problemsOf(changes, typeChanges).map((problem) => problem.pointer)).toContain(pointer);
  });

  it.each<[string, Record<string, unknown>, Record<string, unknown>]>([
    ['an unknown key', { timeout: 3 }, {}],
    ['an unknown key of a call', {}, { update: { path: '/c/{remote_id}', retries: 3 } }],
    ['a list without paging', {}, { list: { path: '/c', items: '/items' } }],
    ['an invalid pointer', {}, { record_at: 'data' }],
    ['an URL with a password', { base_url: 'https://a:b@c.example' }, {}],
    ['an URL of another kind', { base_url: 'ftp://c.example' }, {}],
    ['a header with a line break', { headers: { 'X-A': 'a\r\nb' } }, {}],
    ['a header that frames the request', { headers: { 'Content-Length': '3' } }, {}],
    ['too many calls at once', { concurrency: 1000 }, {}],
    ['a record type with a strange name', { record_types: { 'Con tacts': {} } }, {}],
    [
      'a constant under __proto__',
      {},
      { create: { path: '/c', body: JSON.parse('{"a":{"__proto__":{"x":1}}}') as object } },
    ],
    ['a record type named __proto__', { record_types: JSON.parse('{"__proto__":{}}') as object }, {}],
  ])('rejects the shape of %s', (_title, changes, typeChanges) => {
    expect(rest.configSchema.safeParse(contactsConfig(URL_OF_CONTACTS, changes, typeChanges)).success).toBe(
      false,
    );
    expect(({} as Record<string, unknown>)['x']).toBeUndefined();
  });

  describe('together with mappings', () => {
    it('refuses mappings that no call supports, and invalid ones', () => {
      const mapping: RecordTypeMapping = {
        ...CONTACTS_MAPPING,
        onDelete: 'deactivate',
        fields: [
          { name: 'ref', to: 'external_id' },
          { name: 'x', to: '/__proto__/x' },
        ],
      };

      expect(problemsOf({}, {}, { mapping }).map(({ pointer }) => pointer)).toEqual([
        '/record_types/contacts/on_delete',
        '/record_types/contacts/fields/0/to',
        '/record_types/contacts/fields/1/to',
      ]);
    });

    it('refuses match_by, which it does not support, and says how to find existing records instead', () => {
      const problems = problemsOf({}, {}, { mapping: { ...CONTACTS_MAPPING, matchBy: 'city' } });

      expect(problems).toMatchObject([{ pointer: '/record_types/contacts/match_by' }]);
      expect(problems[0]?.message).toContain(
        '"match": {"at": "/address/city", "value": "{payload.address.city}"}',
      );
    });

    it('refuses a mapping of an unknown record type, and accepts one with on_delete leave', () => {
      const config = rest.configSchema.parse(contactsConfig(URL_OF_CONTACTS));

      expect(rest.validate?.(config, { companies: CONTACTS_MAPPING })).toMatchObject([
        { pointer: '/record_types/companies' },
      ]);
      expect(
        problemsOf({}, { delete: undefined }, { mapping: { ...CONTACTS_MAPPING, onDelete: 'leave' } }),
      ).toEqual([]);
    });
  });

  describe('together with credentials', () => {
    const login = {
      type: 'login',
      path: '/login/{site}',
      headers: { 'X-App': '{app}' },
      body: { u: '{user}' },
      token: '/t',
    };

    it.each<[string, unknown, RestCredentials]>([
      ['none', { type: 'none' }, {}],
      ['bearer', { type: 'bearer' }, { token: 'x' }],
      ['basic', { type: 'basic' }, { username: 'x', password: 'y' }],
      ['header', { type: 'header', headers: { A: '{one} {two}' } }, { one: 'x', two: 'y' }],
      [
        'oauth2_client_credentials',
        { type: 'oauth2_client_credentials', token_url: 'https://t.example/t' },
        { client_id: 'x', client_secret: 'y' },
      ],
      ['login', login, { user: 'x', app: 'y', site: 'z' }],
    ])('requires exactly those that %s uses', (_title, auth, credentials) => {
      const missing = Object.keys(credentials).map((name) => ({ pointer: `/credentials/${name}` }));

      expect(problemsOf({ auth }, {}, { credentials })).toEqual([]);
      expect(problemsOf({ auth }, {}, { credentials: {} })).toMatchObject(missing);
      expect(problemsOf({ auth }, {}, { credentials: { ...credentials, pasword: 'x' } })).toMatchObject([
        { pointer: '/credentials/pasword' },
      ]);
      expect(problemsOf({ auth })).toEqual([]);
    });

    it.each([
      [{ token: '' }],
      [{ token: 'a\nb' }],
      [{ token: 7 }],
      [{ 'Token!': 'x' }],
      [JSON.parse('{"__proto__":"x"}') as object],
    ])('rejects %j', (credentials) => {
      expect(rest.credentialsSchema.safeParse(credentials).success).toBe(false);
    });
  });

  it('lists the configured record types and fields, picklists with their values', () => {
    const config = rest.configSchema.parse(documentedExample('pocketbase').config);

    expect(rest.recordTypes(config)).toEqual([
      {
        name: 'employees',
        label: 'Employees',
        fields: [
          { name: 'first_name', label: 'First name', type: 'string', isRequired: false },
          { name: 'last_name', label: 'Last name', type: 'string', isRequired: false },
          { name: 'email', label: 'E-mail', type: 'string', isRequired: true },
          {
            name: 'grade',
            label: 'Grade',
            type: 'picklist',
            isRequired: false,
            values: ['junior', 'senior'],
          },
        ],
      },
    ]);
  });

  it('gives the product its name', () => {
    expect(
      rest.appName?.(rest.configSchema.parse(contactsConfig(URL_OF_CONTACTS, { app: 'Acme CRM' }))),
    ).toBe('Acme CRM');
  });

  it('has only keys that docs/connectors explains', () => {
    const pages = [
      'keys',
      'reading',
      'batches',
      'oauth',
      'signing',
      'special',
      'sync-tokens',
      'webhooks',
    ].map((page) => `rest-${page}.md`);
    const reference = pages.map(documentedPage).join('\n');
    const unexplained = new Set(
      keysOf(z.toJSONSchema(rest.configSchema, { io: 'input' })).filter(
        (key) => !new RegExp(`\`[^\`\n]*\\b${key}\\b[^\`\n]*\``).test(reference),
      ),
    );

    expect([...unexplained]).toEqual([]);
  });

  it.each(['pocketbase', 'kinto', 'pocketbase-pull', 'kinto-pull'])(
    'is accepted as in docs/connectors: %s',
    (name) => {
      const example = documentedExample(name);
      const config = rest.configSchema.parse(example.config);

      expect(example.connector).toBe(rest.kind);
      expect(
        rest.validate?.(
          config,
          { employees: documentedMapping(example, 'employees') },
          rest.credentialsSchema.parse(example.credentials),
        ),
      ).toEqual([]);
    },
  );
});

/** Every property's name in a JSON Schema. */
function keysOf(schema: unknown): string[] {
  if (Array.isArray(schema)) return schema.flatMap(keysOf);
  if (typeof schema !== 'object' || schema === null) return [];
  const { properties = {} } = schema as { properties?: object };
  return [
    ...Object.keys(properties),
    ...Object.values(properties).flatMap(keysOf),
    ...Object.entries(schema).flatMap(([key, value]) => (key === 'properties' ? [] : keysOf(value))),
  ];
}
