import { readFileSync } from 'node:fs';
import path from 'node:path';
import { compileDefinition } from '../../../api/third-parties/compile-definition';
import {
  readShippedDefinitions,
  storeShippedDefinitions,
} from '../../../api/third-parties/shipped-definitions';
import { definitionDocument } from '../../../api/third-parties/definition-schema';
import { connectors } from '../../../connectors';
import { expectProblem, type GivenTenant, type Service, startService } from '../support/service';
import { givenDefinition } from './definition-given';

const PLATFORM = '/v1/platform/third-party-definitions';

let service: Service;
let tenant: GivenTenant;
beforeAll(async () => {
  service = await startService();
  tenant = await service.givenTenant();
  await service.platform.post(PLATFORM, givenDefinition()).expect(201);
});
afterAll(() => service.close());

const link = (third_party: object, more: object = {}) =>
  tenant.admin.post('/v1/integrations?check=false', { third_party, is_paused: true, ...more });

describe('definitions', () => {
  it('are read by every tenant and added by the platform alone', async () => {
    const list = await tenant.viewer.get('/v1/third-party-definitions');
    const one = await tenant.viewer.get('/v1/third-party-definitions/contacts');

    expect(list.body.data).toMatchObject([{ key: 'contacts', version: 1, record_types: ['contacts'] }]);
    expect(one.body).toMatchObject({ key: 'contacts', version: 1, document: { name: 'Contacts' } });
    expectProblem(await tenant.viewer.get('/v1/third-party-definitions/none'), 404, 'definition_not_found');
    expect((await tenant.admin.post(PLATFORM, givenDefinition())).status).toBe(403);
  });

  it('have the same document once, and a new version is not used before it is published', async () => {
    const again = await service.platform.post(PLATFORM, givenDefinition());
    const changed = await service.platform.post(PLATFORM, givenDefinition({ description: 'Changed.' }));
    const versions = await service.platform.get(`${PLATFORM}/contacts/versions`);

    expect(again.body).toMatchObject({ version: 1, is_current: true });
    expect(changed.body).toMatchObject({ version: 2, is_current: false });
    expect(versions.body.data).toMatchObject([
      { version: 2, is_current: false },
      { version: 1, is_current: true },
    ]);
  });

  it.each([
    ['a parameter that does not exist', { parameters: {} }, '/parameters'],
    ['an unknown connector', { connector: 'soap' }, '/connector'],
    [
      'no address',
      { parameters: {}, config: { app: 'X', check: { path: '/' }, record_types: {} } },
      '/config/base_url',
    ],
    [
      'an example that its format refuses',
      {
        parameters: {
          ...(givenDefinition().parameters as object),
          subdomain: { label: 'S', format: 'subdomain', example: 'a/b' },
        },
      },
      '/parameters/subdomain/example',
    ],
    [
      'a field that goes to two places',
      {
        record_types: {
          contacts: {
            fields: [
              { name: 'a', to: 'x' },
              { name: 'b', to: 'x' },
            ],
          },
        },
      },
      '/record_types/contacts/fields/1/to',
    ],
    [
      'a sign-in that the connector does not know',
      { sign_in: [{ key: 'a', label: 'A', config: { auth: { type: 'magic' } } }] },
      '/sign_in/0/config/auth/type',
    ],
    [
      'an account that becomes a parameter which does not exist',
      {
        sign_in: [
          {
            key: 'a',
            label: 'A',
            config: { auth: { type: 'oauth2_authorization_code', accounts: { parameter: 'company' } } },
          },
        ],
      },
      '/sign_in/0/config/auth/accounts/parameter',
    ],
  ])('are refused with %s', async (_what, changes, pointer) => {
    const refused = await service.platform.post(PLATFORM, givenDefinition({ key: 'wrong', ...changes }));

    expectProblem(refused, 422, 'invalid_definition');
    expect(refused.body.errors.map((error: { pointer: string }) => error.pointer)).toContain(pointer);
  });
});

describe('an integration of a definition', () => {
  it('has its settings, with the parameters of the account', async () => {
    const linked = await link(
      { key: 'contacts', parameters: { subdomain: 'acme' } },
      { credentials: { token: 'secret-0815' } },
    );

    expect(linked.status).toBe(201);
    expect(linked.body).toMatchObject({
      connector: 'rest',
      app: 'Contacts',
      third_party: { key: 'contacts', version: 1, sign_in: 'api_key', parameters: { subdomain: 'acme' } },
      config: { base_url: 'https://acme.eu.contacts.example', auth: { type: 'bearer' } },
      record_types: { contacts: { direction: 'push' } },
    });
    const differences = await tenant.viewer.get(`/v1/integrations/${linked.body.id}/differences`);
    expect(differences.body).toEqual({ differences: [] });
    const users = await service.platform.get(`${PLATFORM}/contacts/integrations`);
    expect(users.body.data).toMatchObject([
      { tenant_id: tenant.id, integration_id: linked.body.id, version: 1 },
    ]);
  });

  it.each([
    ['a path', 'acme.example/x'],
    ['another host', 'evil.example#'],
    ['a user name', 'user@evil'],
    ['an encoded slash', 'a%2fb'],
    ['a placeholder', '${region}'],
    ['nothing', ''],
  ])('refuses %s as its sub-domain', async (_what, subdomain) => {
    const refused = await link({ key: 'contacts', parameters: { subdomain } });

    expectProblem(refused, 422, 'invalid_settings');
    expect(refused.body.errors[0].pointer).toBe('/third_party/parameters/subdomain');
  });

  it('asks for a parameter only with the way to sign in that has it', async () => {
    const { parameters, sign_in: signIns } = givenDefinition() as Record<string, never[]>;
    const realm = { label: 'Realm', format: 'identifier', example: 'main' };
    const [key, password] = signIns as object[];
    const auth = { type: 'header', headers: { 'X-Realm': '${realm}', 'X-Password': '{password}' } };
    const definition = givenDefinition({
      key: 'realms',
      parameters: { ...(parameters as object), realm },
      sign_in: [key, { ...password, config: { auth } }],
    });
    await service.platform.post(PLATFORM, definition).expect(201);

    const byKey = await link({ key: 'realms', parameters: { subdomain: 'acme' } });
    const byPassword = await link({ key: 'realms', sign_in: 'password', parameters: { subdomain: 'acme' } });

    expect(byKey.status).toBe(201);
    expectProblem(byPassword, 422, 'invalid_settings');
    expect(byPassword.body.errors).toMatchObject([
      { pointer: '/third_party/parameters/realm', code: 'required' },
    ]);
  });

  it('needs a definition or a configuration, and not both', async () => {
    const both = await link({ key: 'contacts', parameters: { subdomain: 'a' } }, { connector: 'rest' });
    const none = await tenant.admin.post('/v1/integrations?check=false', { is_paused: true });

    expectProblem(both, 422, 'invalid_settings');
    expectProblem(none, 422, 'invalid_settings');
    expectProblem(await link({ key: 'none' }), 422, 'unknown_definition');
    expectProblem(await link({ key: 'contacts', version: 99 }), 422, 'unknown_definition');
  });

  it('keeps what it changed itself when a parameter changes', async () => {
    const linked = await link({ key: 'contacts', parameters: { subdomain: 'acme' } });
    const one = `/v1/integrations/${linked.body.id}`;
    const own = { ...linked.body.config, concurrency: 2 };
    const changed = await tenant.admin.patch(`${one}?check=false`, { config: own }).set('If-Match', '"1"');
    expect(changed.status).toBe(200);
    const moved = await tenant.admin
      .patch(`${one}?check=false`, {
        third_party: { parameters: { subdomain: 'acme', region: 'us' }, sign_in: 'password' },
      })
      .set('If-Match', changed.headers.etag as string);

    expect(moved.body).toMatchObject({
      config: { base_url: 'https://acme.us.contacts.example', concurrency: 2, auth: { type: 'basic' } },
      third_party: { sign_in: 'password', parameters: { subdomain: 'acme', region: 'us' } },
    });
    const differences = await tenant.viewer.get(`${one}/differences`);
    expect(differences.body.differences).toEqual([
      { pointer: '/config/concurrency', is_removed: false, value: 2 },
    ]);
  });

  it('shows mapped fields that differ as they were given', async () => {
    const linked = await link({ key: 'contacts', parameters: { subdomain: 'acme' } });
    const one = `/v1/integrations/${linked.body.id}`;
    const [type, mapping] = Object.entries<{ fields: object[] }>(linked.body.record_types)[0]!;
    const fields = mapping.fields.map((field) => ({ ...field, transform: [{ type: 'trim' }] }));
    await tenant.admin
      .patch(`${one}?check=false`, { record_types: { [type]: { ...mapping, fields } } })
      .set('If-Match', '"1"')
      .expect(200);

    const { body } = await tenant.viewer.get(`${one}/differences`);

    expect(body.differences).toEqual([
      { pointer: `/record_types/${type}/fields`, is_removed: false, value: fields },
    ]);
  });

  it('does not send its credentials to the address that other parameters name', async () => {
    const linked = await link(
      { key: 'contacts', parameters: { subdomain: 'acme' } },
      { credentials: { token: 'secret-0815' } },
    );
    const refused = await tenant.admin
      .patch(`/v1/integrations/${linked.body.id}?check=false`, {
        third_party: { parameters: { subdomain: 'evil' } },
      })
      .set('If-Match', '"1"');

    expectProblem(refused, 422, 'credentials_needed');
  });
});

it('the example of the documentation is a valid definition', () => {
  const page = readFileSync(path.join(__dirname, '../../../docs/third-parties.md'), 'utf8');
  const [, example = ''] = /```json\n([^]*?)```/.exec(page) ?? [];

  expect(() => compileDefinition(definitionDocument.parse(JSON.parse(example)), connectors)).not.toThrow();
});

describe('the definitions that come with Syncline', () => {
  const folder = path.join(__dirname, '../../../third-parties');

  it('are none in an installation without the folder', async () => {
    expect(await readShippedDefinitions(path.join(folder, 'missing'))).toEqual([]);
  });

  it('are valid, and are current where nobody uses a former version', async () => {
    const documents = await readShippedDefinitions(folder);
    expect(documents.length).toBeGreaterThan(0);
    for (const document of documents) compileDefinition(document, connectors);

    await storeShippedDefinitions(service.database, documents, connectors);
    expect(await storeShippedDefinitions(service.database, documents, connectors)).toEqual([]);
    const list = await tenant.viewer.get('/v1/third-party-definitions?limit=200');
    expect(list.body.data.map(({ key }: { key: string }) => key)).toEqual(
      expect.arrayContaining(documents.map(({ key }) => key)),
    );
  });

  it('do not change what integrations use until an operator publishes them', async () => {
    await link({ key: 'contacts', parameters: { subdomain: 'acme' } });
    const shipped = definitionDocument.parse(givenDefinition({ description: 'Shipped anew.' }));

    const added = await storeShippedDefinitions(service.database, [shipped], connectors);

    expect(added).toEqual(['contacts 3']);
    const shown = await tenant.viewer.get('/v1/third-party-definitions/contacts');
    expect(shown.body.version).toBe(1);
  });
});
