/** A package with a connector that fails inside the api: callers get words that name it, and no 500. */
import { z } from 'zod';
import { connectors } from '../../../connectors';
import { guarded } from '../../connectors/packages/guarded';
import {
  expectProblem,
  givenIntegration,
  type GivenTenant,
  type Service,
  startService,
} from '../support/service';
import { givenDefinition } from '../third-parties/definition-given';

const KIND = 'acme';
const NAMED = 'The connector package @acme/connector is faulty: ';
const mapping = {
  employees: { direction: 'push', on_delete: 'delete', fields: [{ name: 'email', to: 'email' }] },
};
const CONFIG = { base_url: 'https://acme.example' };
const sound = {
  configSchema: z.strictObject({ base_url: z.url() }),
  credentialsSchema: z.strictObject({ token: z.string() }),
  hosts: () => ['acme.example'],
};
const integration = {
  connector: KIND,
  account_name: 'Acme',
  config: CONFIG,
  credentials: { token: 'canary-token-4711' },
  record_types: mapping,
};
const definition = givenDefinition({
  key: 'acme',
  parameters: {},
  sign_in: [{ key: 'token', label: 'Token', config: {}, credentials: { token: { label: 'Token' } } }],
  config: CONFIG,
  record_types: mapping,
});

let service: Service;
let tenant: GivenTenant;
let id: string;
let etag: string;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service.close());
beforeEach(async () => {
  connectors[KIND] = guarded(sound);
  tenant = await service.givenTenant();
  const { app: _app, ...body } = { app: undefined, ...integration };
  ({ id, etag } = await givenIntegration(tenant, body));
});
afterEach(() => delete connectors[KIND]);

const fail = (words = 'no licence') => {
  throw new Error(words);
};
const requests = {
  link: () => tenant.admin.post('/v1/integrations', integration),
  'link unchecked': () => tenant.admin.post('/v1/integrations?check=false', integration),
  configure: () =>
    tenant.admin
      .patch(`/v1/integrations/${id}`, { config: { base_url: 'https://acme.example/2' } })
      .set('If-Match', etag),
  map: () => tenant.admin.patch(`/v1/integrations/${id}`, { record_types: mapping }).set('If-Match', etag),
  invite: () => {
    const { credentials: _credentials, ...settings } = integration;
    return tenant.admin.post('/v1/connect-sessions', { integration: settings });
  },
  define: () =>
    service.platform.post('/v1/platform/third-party-definitions', { ...definition, connector: KIND }),
  draft: () =>
    tenant.admin.post('/v1/third-party-definitions/draft', {
      definition: { ...definition, connector: KIND },
    }),
  try: () =>
    tenant.admin.post('/v1/third-party-definitions/try', {
      definition: { ...definition, connector: KIND },
      credentials: { token: 'canary-token-4711' },
    }),
  webhooks: () => tenant.admin.get(`/v1/integrations/${id}/incoming-webhooks`),
  describe: () => tenant.admin.get(`/v1/connectors/${KIND}`),
};

it('without a fault each request succeeds', async () => {
  const statuses: Record<string, number> = {};
  for (const [name, request] of Object.entries(requests)) statuses[name] = (await request()).status;

  expect(statuses).toEqual({
    link: 201,
    'link unchecked': 201,
    configure: 200,
    map: 412,
    invite: 201,
    define: 201,
    draft: 200,
    try: 200,
    webhooks: 422,
    describe: 200,
  });
});

describe.each<[string, Record<string, unknown>]>([
  [
    'a configuration schema that throws',
    {
      configSchema: z
        .strictObject({})
        .loose()
        .refine(() => fail()),
    },
  ],
  ['a configuration schema that waits', { configSchema: z.looseObject({}).refine(async () => true) }],
  ['a configuration schema without JSON', { configSchema: z.looseObject({}).transform(() => ({ a: 1n })) }],
  ['a credentials schema that throws', { credentialsSchema: z.looseObject({}).transform(() => fail()) }],
  ['hosts that throw', { hosts: () => fail() }],
  ['hosts that are none', { hosts: () => 7 }],
  ['origins that throw', { origins: () => fail() }],
  ['a check of all settings that throws', { validate: () => fail() }],
  [
    'a check of all settings that quotes',
    { validate: (_c: unknown, _m: unknown, given?: object) => given && fail(JSON.stringify(given)) },
  ],
  ['default mappings that throw', { defaultMappings: () => fail() }],
  ['a sign-in without its addresses', { oauth: () => ({ appId: 'oap_1', scopes: [] }) }],
  ['a sign-in at no address', { oauth: () => ({ authorizationUrl: 'acme' }) }],
  [
    'a signature that refers to itself',
    {
      readSignature: () =>
        Object.assign(
          {},
          {
            get me(): object {
              return this;
            },
          },
        ),
    },
  ],
  ['a signature without JSON', { readSignature: () => ({ a: 1n }) }],
  ['webhooks that throw', { incoming: () => fail() }],
  ['names of credentials that throw', { credentialNames: () => fail() }],
  [
    'an error of a third party',
    {
      hosts: () => {
        throw Object.assign(new Error('x'), { kind: 'unauthorized' });
      },
    },
  ],
])('with %s', (_what, members) => {
  it.each(Object.entries(requests))('%s has no internal error', async (_name, request) => {
    connectors[KIND] = guarded({ ...sound, ...members });
    service.logged.length = 0;

    const { status, text } = await request();

    expect([200, 201, 422, 503]).toContain(status);
    expect(status < 400 || text.includes(NAMED) || text.includes('webhooks_not_described')).toBe(true);
    expect(text + service.logged.join()).not.toContain('canary-token-4711');
    const lists = await Promise.all([
      tenant.viewer.get('/v1/integrations'),
      tenant.viewer.get(`/v1/integrations/${id}`),
      tenant.viewer.get('/v1/connectors'),
    ]);
    expect(lists.map((one) => one.status)).toEqual([200, 200, 200]);
  });
});

it('says at the configuration that the schema of the package has failed', async () => {
  const faults: Error[] = [];
  const configSchema = z.strictObject({ base_url: z.string().transform((url) => new URL(url).href) });
  connectors[KIND] = guarded({ ...sound, configSchema }, (fault) => faults.push(fault));

  const refused = await tenant.admin.post('/v1/integrations', {
    ...integration,
    config: { base_url: 'acme' },
  });

  expectProblem(refused, 422, 'invalid_config');
  expect(refused.body.errors).toEqual([
    { pointer: '/config', code: 'custom', message: `${NAMED}configSchema threw TypeError: Invalid URL.` },
  ]);
  expect(faults).toHaveLength(1);
});
