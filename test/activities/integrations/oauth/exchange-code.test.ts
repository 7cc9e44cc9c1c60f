/** How the code of a consent becomes tokens: once, of the right account, with words for what is wrong. */
import { createHash } from 'node:crypto';
import { MockActivityEnvironment } from '@temporalio/testing';
import { z } from 'zod';
import { createOAuthConsentActivities } from '../../../../activities/integrations/oauth/exchange-code';
import type { OAuthConsentResult } from '../../../../contract/oauth-consent';
import { connectors } from '../../../../connectors';
import type { Connector } from '../../../../connectors/connector';
import { guardConnector } from '../../../../connectors/packages/guard';
import { createConsent, findConsent, saveConsentCode } from '../../../../db/integrations/oauth/consents';
import { toTypeId } from '../../../../db/sql/ids';
import { PLATFORM_TENANT_ID } from '../../../../db/tables/tenants';
import { addDefinitionVersion, setCurrentVersion } from '../../../../db/third-parties/definitions';
import type { JsonObject } from '../../../../domain/json';
import { deleteIntegration } from '../../../../db/sync-runs/delete-integration';
import { closeConnections, createHttpClient } from '../../../../egress/http-client';
import { loopbackPolicy } from '../../../connectors/suite/given';
import { GivenTenant, openTestDb, type TestDb } from '../../../db/given';
import { HostileIssuer } from '../../../support/servers/hostile-issuer';
import { APP_SECRET, encryptionWith, givenApp, KEY, restConfig } from './given-account';

const REDIRECT_URI = 'https://syncline.example/connect/callback';
const VERIFIER = 'v'.repeat(43);

let db: TestDb;
let tenant: GivenTenant;
let issuer: HostileIssuer;
let integrationId: string;
let config: Record<string, unknown>;
const logged: string[] = [];

beforeAll(async () => {
  db = await openTestDb();
  tenant = await GivenTenant.create(db);
});
afterAll(() => db.end());
beforeEach(async () => {
  issuer = await HostileIssuer.start();
  logged.length = 0;
  await givenIntegration();
});
afterEach(async () => {
  await closeConnections(loopbackPolicy);
  await issuer.stop();
});

async function givenIntegration(auth: object = {}): Promise<void> {
  const app = await givenApp(db.database, encryptionWith(KEY), tenant.tenantId, [issuer.url]);
  config = restConfig(issuer.url, toTypeId('oap', app), {
    issuer: issuer.url,
    account: { url: `${issuer.url}/me`, id: '/id', name: '/name' },
    ...auth,
  });
  integrationId = await tenant.integration({ connector: 'rest', config: config as never });
}

interface Answer {
  iss?: string | null;
  code?: string;
  auth?: object;
  verifier?: string;
}
/** The person has come back from the provider. */
async function givenConsent({
  iss = issuer.url,
  code,
  auth,
  verifier = VERIFIER,
}: Answer = {}): Promise<string> {
  const challenge = createHash('sha256').update(VERIFIER).digest('base64url');
  const given = code ?? issuer.consent({ challenge, redirectUri: REDIRECT_URI });
  return tenant.work(async (work) => {
    const encryption = encryptionWith(KEY);
    const consentId = await createConsent(work, encryption, {
      integrationId,
      state: `state of ${given}`,
      verifier,
      redirectUri: REDIRECT_URI,
      auth: (auth ?? config['auth']) as never,
      mayChangeAccount: false,
      createdBy: 'test',
      expiresAt: new Date(work.now.getTime() + 60_000),
    });
    await saveConsentCode(work, encryption, { consentId, code: given, iss });
    return consentId;
  });
}

async function exchange(
  consentId: string,
  { known = connectors, attempt = 1 }: { known?: Record<string, Connector>; attempt?: number } = {},
): Promise<OAuthConsentResult> {
  const log = (...given: unknown[]) => void logged.push(JSON.stringify(given));
  const { exchangeCode } = createOAuthConsentActivities({
    database: db.database,
    oauth: {
      encryption: encryptionWith(KEY),
      connectors: known,
      createHttpClient: (options) => createHttpClient({ policy: loopbackPolicy, ...options }),
    },
    log: { info: log, warn: log, error: log },
  });
  const input = { tenantId: tenant.tenantId, integrationId, consentId };
  return new MockActivityEnvironment({ attempt }).run(exchangeCode, input) as Promise<OAuthConsentResult>;
}
const wordsOf = async (consentId: string) =>
  (await tenant.work((work) => findConsent(work, { consentId })))?.result?.message ?? '';
const accounts = () =>
  db.superuser('select * from oauth_accounts where integration_id = $1', [integrationId]);

it('stores the tokens and names the account, without a secret in the words', async () => {
  const consentId = await givenConsent();

  expect(await exchange(consentId)).toEqual({ ok: true, kind: null });

  expect(await accounts()).toMatchObject([{ account_id: 'account-1', account_name: 'Ada & Sons' }]);
  const told = [await wordsOf(consentId), ...logged, JSON.stringify(await accounts())].join();
  expect(told).toContain('Ada & Sons is connected');
  expect([...issuer.secrets, APP_SECRET, VERIFIER].filter((secret) => told.includes(secret))).toEqual([]);
});

it('proves the account where the sign-in is that of a definition, and not where a tenant has changed it', async () => {
  const proved = async () =>
    (await accounts()).map((row) => row['proved_connection_id'] === row['connection_id']);
  await exchange(await givenConsent());
  expect(await proved()).toEqual([false]);

  const { auth, ...described } = config;
  await givenDefinition({ auth: auth as JsonObject, config: described as JsonObject });
  await givenIntegration({ app_id: (auth as JsonObject)['app_id'] });
  await follow();
  await exchange(await givenConsent());
  expect(await proved()).toEqual([true]);

  await givenIntegration({
    app_id: (auth as JsonObject)['app_id'],
    account: { url: `${issuer.url}/me`, id: '/name' },
  });
  await follow();
  await exchange(await givenConsent());
  expect(await accounts()).toMatchObject([{ account_id: 'Ada & Sons' }]);
  expect(await proved()).toEqual([false]);
});

/** A definition whose sign-in by consent is `auth`. */
async function givenDefinition({ auth, config: described }: { auth: JsonObject; config: JsonObject }) {
  await db.database.withTenant(PLATFORM_TENANT_ID, async (work) => {
    const signIns = { consent: { auth } };
    const rules = { connector: 'rest', parameters: {}, signIns, config: described, mappings: {} };
    const given = { key: 'crm', document: {}, rules, origin: 'platform' as const, createdBy: 'test' };
    const { version } = await addDefinitionVersion(work, given);
    await setCurrentVersion(work, { key: 'crm', version: version.version });
  });
}
const follow = () =>
  db.superuser(
    `update integrations set definition_key = 'crm', definition_version = 1, definition_sign_in = 'consent',
       definition_parameters = '{}' where integration_id = $1`,
    [integrationId],
  );

it('takes the id of an account from the address that answers only to its consent', async () => {
  await givenIntegration({ account: { url: `${issuer.url}/me`, value: 'me', name: '/name' } });

  expect(await exchange(await givenConsent())).toMatchObject({ ok: true });

  expect(await accounts()).toMatchObject([{ account_id: 'me', account_name: 'Ada & Sons' }]);
});

it.each([
  ['that is no part of the address', { url: 'https://a.example.com/companies/12', value: '1' }],
  ['without an address', { value: '12' }],
  ['beside a place in the answer', { url: 'https://a.example.com/12', value: '12', id: '/id' }],
])('a configuration has no id of an account %s', (_name, account) => {
  const auth = { ...(config['auth'] as object), account };
  const { rest } = connectors;
  const parsed = rest!.configSchema.parse({ ...config, auth });

  const pointers = rest!.validate?.(parsed, {}, undefined).map(({ pointer }) => pointer);
  expect(pointers).toContain('/config/auth/account');
});

it('names the rights that were asked for and not granted', async () => {
  await givenIntegration({ scopes: ['contacts', 'contacts.write', 'offline_access'] });
  const consentId = await givenConsent();

  await exchange(consentId);

  expect(await wordsOf(consentId)).toContain('contacts.write is missing');
});

it('sends a code once, also if it is asked for at the same time or later', async () => {
  const consentId = await givenConsent();

  const answers = await Promise.all([exchange(consentId), exchange(consentId), exchange(consentId)]);

  expect(answers.filter(({ ok }) => ok)).toHaveLength(1);
  expect(issuer.tokenCalls).toBe(1);
  expect((await exchange(consentId)).kind).toBe('expired');
  expect(issuer.tokenCalls).toBe(1);
});

it('refuses the answer of another issuer before anything is sent', async () => {
  const consentId = await givenConsent({ iss: 'https://evil.example' });

  expect((await exchange(consentId)).kind).toBe('refused');

  expect(issuer.tokenCalls).toBe(0);
  expect(await wordsOf(consentId)).toContain('another issuer');
  expect(await accounts()).toEqual([]);
});

it.each<[string, Answer]>([
  ['a code of another person', { code: 'code-of-attacker' }],
  ['a code that another verifier was promised for', { verifier: 'w'.repeat(43) }],
])('says that the provider refuses %s', async (_name, answer) => {
  const consentId = await givenConsent(answer);

  expect((await exchange(consentId)).kind).toBe('refused');

  const words = await wordsOf(consentId);
  expect(words).toContain('invalid_grant');
  for (const secret of issuer.secrets) expect(words).not.toContain(secret);
  expect(await accounts()).toEqual([]);
});

it('refuses a code if the sign-in was configured otherwise meanwhile', async () => {
  const consentId = await givenConsent({ auth: { ...(config['auth'] as object), scopes: ['admin'] } });

  expect((await exchange(consentId)).kind).toBe('refused');

  expect(issuer.tokenCalls).toBe(0);
});

it('sends nothing for an integration that was deleted', async () => {
  const consentId = await givenConsent();
  await tenant.work((work) => deleteIntegration(work, { integrationId }));

  expect((await exchange(consentId)).ok).toBe(false);

  expect(issuer.tokenCalls).toBe(0);
});

it('keeps the account that was connected before, and its tokens, when another one consents', async () => {
  await exchange(await givenConsent());
  const [before] = await accounts();
  issuer.account = 'account-2';
  const consentId = await givenConsent();

  expect((await exchange(consentId)).kind).toBe('other_account');

  expect(await accounts()).toEqual([before]);
  expect(await wordsOf(consentId)).toContain('another account');
  issuer.account = 'account-1';
  expect(await exchange(await givenConsent())).toEqual({ ok: true, kind: null });
});

it.each(['fail', 'html', 'lose', 'busy', 'limit', 'wrong_client'] as const)(
  'asks to start again when the token endpoint is in trouble (%s)',
  async (mishap) => {
    const consentId = await givenConsent();
    issuer.mishaps.push(mishap);

    expect((await exchange(consentId)).kind).toBe('unavailable');

    expect(await wordsOf(consentId)).toContain('Start to connect again');
    expect(await accounts()).toEqual([]);
  },
);

it('leaves no token behind when an api of a former release deletes the integration', async () => {
  await exchange(await givenConsent());
  await givenConsent();

  await tenant.work(({ trx, now, tenantId }) =>
    trx
      .updateTable('integrations')
      .set({ deletedAt: now })
      .where('tenantId', '=', tenantId)
      .where('integrationId', '=', integrationId)
      .execute(),
  );

  expect(await accounts()).toEqual([]);
  expect(
    await db.superuser('select 1 from oauth_consents where integration_id = $1', [integrationId]),
  ).toEqual([]);
});

describe('before it spends a code, a worker finds out', () => {
  const { rest } = connectors as { rest: Connector };
  const refusing = { ...rest, configSchema: z.strictObject({ region: z.string() }) };
  const faulty = guardConnector({ ...rest, oauth: () => ({}) as never }, '@acme/rest');
  it.each<[string, Record<string, Connector>, string]>([
    ['that it lacks the connector', {}, 'lacks the connector "rest". Install the package'],
    [
      'that its connector refuses the configuration',
      { rest: refusing },
      'does not fit this version of the conn',
    ],
    ['that its connector is faulty', { rest: faulty }, 'The connector package @acme/rest is faulty: oauth '],
  ])('%s', async (_what, known, words) => {
    const consentId = await givenConsent();

    const result = await exchange(consentId, { known, attempt: 4 });

    expect(result).toEqual({ ok: false, kind: 'unavailable' });
    expect(await wordsOf(consentId)).toContain(words);
    const [row] = await db.superuser('select code, used_at from oauth_consents where oauth_consent_id = $1', [
      consentId,
    ]);
    expect(row).toMatchObject({ code: expect.any(String), used_at: null });
    expect([issuer.tokenCalls, await accounts()]).toEqual([0, []]);
  });

  it('that another one may have the connector, which then connects the account', async () => {
    const consentId = await givenConsent();

    await expect(exchange(consentId, { known: {} })).rejects.toThrow('lacks the connector "rest"');
    expect(await exchange(consentId, { attempt: 2 })).toEqual({ ok: true, kind: null });

    expect(await accounts()).toMatchObject([{ account_id: 'account-1' }]);
  });

  it('nothing against the code in a definition that its connector refuses by now', async () => {
    await givenDefinition({ auth: config['auth'] as JsonObject, config: { region: 7 } });
    await follow();

    expect(await exchange(await givenConsent())).toEqual({ ok: true, kind: null });
  });
});

describe('a consent for several accounts', () => {
  const offered = () => ({
    account: undefined,
    accounts: {
      url: `${issuer.url}/me`,
      items: '/companies',
      id: '/id',
      name: '/name',
      parameter: 'company',
    },
  });
  const credentials = () =>
    db.superuser('select credentials from integrations where integration_id = $1', [integrationId]);
  const resultOf = async (consentId: string) =>
    (await tenant.work((work) => findConsent(work, { consentId })))?.result;

  it('offers them all, and waits for a choice before anything uses the tokens', async () => {
    await givenIntegration(offered());
    const before = await credentials();
    const consentId = await givenConsent();

    expect(await exchange(consentId)).toEqual({ ok: false, kind: 'account_needed' });

    expect(await accounts()).toHaveLength(1);
    expect(await credentials()).toEqual(before);

    expect(await resultOf(consentId)).toMatchObject({
      ok: true,
      account_id: null,
      accounts: [
        { id: '1', name: 'Ada & Sons' },
        { id: 'two', name: null },
      ],
    });
  });

  it('is refused if the one of before is not among them', async () => {
    await givenIntegration(offered());
    await exchange(await givenConsent());
    const known = (id: string) =>
      db.superuser('update oauth_accounts set account_id = $1 where integration_id = $2', [
        id,
        integrationId,
      ]);
    await known('two');
    const before = await credentials();

    expect(await exchange(await givenConsent())).toEqual({ ok: true, kind: null });
    expect(await credentials()).not.toEqual(before);
    await known('three');
    expect((await exchange(await givenConsent())).kind).toBe('other_account');
  });

  it.each([
    ['there is none', '/none'],
    ['the configuration names another place', '/id'],
  ])('says so if %s', async (_name, items) => {
    await givenIntegration({ ...offered(), accounts: { ...offered().accounts, items } });
    const consentId = await givenConsent();

    expect((await exchange(consentId)).kind).toBe('refused');

    expect((await resultOf(consentId))?.message).toContain('account');
  });
});
