/** Credentials belong to the scheme, host and port that they were given for (rules.md 61). */
import { createConnectorOpener } from '../../../activities/integrations/open-connector';
import { connectors } from '../../../connectors';
import { Unauthorized } from '../../../connectors/errors';
import { findEncryptedCredentials, findIntegration } from '../../../db/integrations/integrations';
import { fromTypeId } from '../../../db/sql/ids';
import type { JsonObject } from '../../../domain/json';
import { contactsConfig } from '../../connectors/rest/rest-given';
import {
  expectProblem,
  givenIntegration,
  type GivenTenant,
  SCIM_INTEGRATION,
  type Service,
  startService,
} from '../support/service';

let service: Service;
let tenant: GivenTenant;
beforeAll(async () => {
  service = await startService();
  tenant = await service.givenTenant();
});
afterAll(() => service.close());

const REST = {
  connector: 'rest',
  config: { ...contactsConfig('https://hr.example.com'), auth: { type: 'bearer' } },
  credentials: { token: 'canary-rest' },
  record_types: {
    contacts: { direction: 'push', on_delete: 'leave', fields: [{ name: 'email', to: 'email' }] },
  },
};
const OAUTH = {
  ...REST,
  config: {
    ...REST.config,
    auth: { type: 'oauth2_client_credentials', token_url: 'https://login.example.com/token' },
  },
  credentials: { client_id: 'a', client_secret: 'canary-secret' },
};
const LOGIN = {
  ...REST,
  config: {
    ...REST.config,
    auth: {
      type: 'login',
      url: 'https://login.example.com/',
      body: { password: '{password}' },
      token: '/token',
    },
  },
  credentials: { password: 'canary-password' },
};
const POSTGRES = {
  connector: 'postgres',
  config: {
    host: 'db.example.com',
    database: 'hr',
    record_types: { employees: { table: 'employees', id: 'id' } },
  },
  credentials: { user: 'reader', password: 'canary-db' },
  record_types: { employees: { direction: 'pull', fields: [{ name: 'email', to: 'email' }] } },
};

const pem = (content: string): string =>
  `-----BEGIN CERTIFICATE-----\n${content}\n-----END CERTIFICATE-----\n`;

type Given = { credentials: JsonObject; config: Record<string, unknown> };
const moved: [string, Given, Record<string, unknown>, string, string][] = [
  [
    'scim base_url',
    SCIM_INTEGRATION,
    { base_url: 'https://evil.example.net/scim' },
    '/config/base_url',
    'https://evil.example.net',
  ],
  [
    'rest base_url',
    REST,
    { base_url: 'https://evil.example.net' },
    '/config/base_url',
    'https://evil.example.net',
  ],
  [
    'the port of base_url',
    REST,
    { base_url: 'https://hr.example.com:8443' },
    '/config/base_url',
    'https://hr.example.com:8443',
  ],
  [
    'token_url',
    OAUTH,
    { auth: { ...OAUTH.config.auth, token_url: 'https://evil.example.net/' } },
    '/config/auth/token_url',
    'https://evil.example.net',
  ],
  [
    'auth.url',
    LOGIN,
    { auth: { ...LOGIN.config.auth, url: 'https://evil.example.net/' } },
    '/config/auth/url',
    'https://evil.example.net',
  ],
  ['host', POSTGRES, { host: 'evil.example.net' }, '/config/host', 'evil.example.net'],
  ['port', POSTGRES, { port: 6543 }, '/config/port', '6543'],
  ['tls', POSTGRES, { tls: false }, '/config/tls', 'without TLS'],
  [
    'tls_ca',
    { ...POSTGRES, config: { ...POSTGRES.config, tls_ca: pem('OWN') } },
    { tls_ca: pem('EVIL') },
    '/config/tls_ca',
    'the authority with SHA-256 0f8bef14d1d7ad495d3344893eb2c4141c11a5728515e2f62516d845da7b9b5d',
  ],
];

it.each(moved)(
  'rule 61: a change of %s does not carry the stored credentials along',
  async (_name, given, change, pointer, to) => {
    const { body: made } = await tenant.admin
      .post('/v1/integrations', { ...given, is_paused: true })
      .expect(201);
    const config = { ...made.config, ...change };

    const refused = await tenant.admin
      .patch(`/v1/integrations/${made.id}`, { config })
      .set('If-Match', '"1"');
    const { body: shown } = await tenant.admin.get(`/v1/integrations/${made.id}`);
    const accepted = await tenant.admin
      .patch(`/v1/integrations/${made.id}`, {
        config,
        credentials: given.credentials,
      })
      .set('If-Match', '"1"');
    const { body: log } = await tenant.admin.get('/v1/audit-log');

    expectProblem(refused, 422, 'credentials_needed');
    expect(refused.body.errors).toEqual([expect.objectContaining({ pointer, code: 'credentials_needed' })]);
    expect(refused.text).not.toContain('canary');
    expect(shown.config).toEqual(made.config);
    expect(accepted.status).toBe(200);
    const row = log.data.find(({ target }: { target: string }) => target === made.id);
    expect(row.detail.moved).toEqual([{ pointer, from: expect.any(String), to }]);
    await expect(open(made.id)).resolves.toEqual(given.credentials);
  },
);

it('rule 61: another path on the same host needs no credentials', async () => {
  const { id, config } = await givenScim();

  const response = await tenant.admin
    .patch(`/v1/integrations/${id}`, {
      config: { ...config, base_url: `${new URL(config.base_url).origin}/v3` },
    })
    .set('If-Match', '"1"');

  expect(response.status).toBe(200);
});

it('rule 61: a configuration that was changed in the database does not get the credentials', async () => {
  const { id, config } = await givenScim({ credentials: { token: 'canary-sql' } });
  await setColumn(id, { config: JSON.stringify({ ...config, base_url: 'https://evil.example.net/scim' }) });

  const opened = open(id);

  await expect(opened).rejects.toThrow(Unauthorized);
  await expect(opened).rejects.toThrow('/config/base_url of the configuration is https://evil.example.net');
});

it('rule 61: credentials of an earlier version are bound to the addresses of their first use', async () => {
  const { id, config } = await givenScim();
  const location = { table: 'integrations', rowId: uuidOf(id), column: 'credentials' };
  const text = JSON.stringify({ token: 'canary-old' });
  const credentials = await service.database.withTenant(tenant.uuid, (work) =>
    service.encryption.encrypt(work, location, text),
  );
  await setColumn(id, { credentials });

  const first = await open(id);
  await setColumn(id, { config: JSON.stringify({ ...config, base_url: 'https://evil.example.net/scim' }) });

  expect(first).toEqual({ token: 'canary-old' });
  await expect(open(id)).rejects.toThrow(Unauthorized);
});

it('rule 61: a worker of an earlier version, which parses the credentials as JSON, can still use them', async () => {
  const { id } = await givenScim({ credentials: { token: 'canary-json' } });
  await open(id);
  const location = { table: 'integrations', rowId: uuidOf(id), column: 'credentials' };

  const text = await service.database.withTenant(tenant.uuid, async (work) => {
    const encrypted = await findEncryptedCredentials(work, { integrationId: uuidOf(id) });
    return service.encryption.open(work, location, encrypted ?? '');
  });

  expect(JSON.parse(text)).toEqual({ token: 'canary-json' });
});

async function givenScim(more: object = {}) {
  const { id } = await givenIntegration(tenant, more);
  const { body } = await tenant.admin.get(`/v1/integrations/${id}`);
  return body as { id: string; config: { base_url: string } };
}

const uuidOf = (id: string): string => fromTypeId('int', id) ?? '';

async function setColumn(id: string, values: { config?: string; credentials?: string }): Promise<void> {
  await service.database.withTenant(tenant.uuid, ({ trx }) =>
    trx.updateTable('integrations').set(values).where('integrationId', '=', uuidOf(id)).execute(),
  );
}

/** The credentials as a worker gets them. */
async function open(id: string): Promise<unknown> {
  const { database, encryption } = service;
  const openConnector = createConnectorOpener({
    database,
    encryption,
    connectors,
    createHttpClient: () => ({ send: () => Promise.reject(new Error('Nothing is sent here.')) }),
    createSocketOpener: () => ({ open: () => Promise.reject(new Error('Nothing is sent here.')) }),
    log: { warn: () => undefined } as never,
  });
  const integration = await database.withTenant(tenant.uuid, (work) =>
    findIntegration(work, { integrationId: uuidOf(id) }),
  );
  if (integration === undefined) throw new Error(`No integration ${id}.`);
  const { context } = await openConnector(tenant.uuid, integration, new AbortController().signal, 'push');
  return context.credentials;
}
