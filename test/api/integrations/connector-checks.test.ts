/**
 * What a connector itself finds wrong with what it is given: said at creation, under the code and the pointer
 * of the part it concerns.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expectProblem, type GivenTenant, type Service, startService } from '../support/service';

let service: Service;
let tenant: GivenTenant;
beforeAll(async () => {
  service = await startService();
  tenant = await service.givenTenant();
});
afterAll(() => service.close());

/** As docs/connectors/rest.md shows it, at an address that these tests may name. */
function readPocketBaseExample() {
  const page = readFileSync(path.join(__dirname, '../../../docs/connectors/rest.md'), 'utf8');
  const [, json = ''] = /<!-- example: pocketbase -->\n```json\n([\s\S]*?)\n```/.exec(page) ?? [];
  const example = JSON.parse(json);
  example.config.base_url = 'https://directory.example.com';
  return { ...example, is_paused: true };
}
const example = readPocketBaseExample();
const pointersOf = (text: string): string[] =>
  JSON.parse(text).errors.map(({ pointer }: { pointer: string }) => pointer);

describe('credentials', () => {
  it('are refused at creation when the authentication method needs others, and are not repeated', async () => {
    const response = await tenant.admin.post('/v1/integrations', {
      ...example,
      credentials: { user: 'canary-user', password: 'canary-password' },
    });

    expectProblem(response, 422, 'invalid_credentials_shape');
    expect(pointersOf(response.text)).toEqual(['/credentials/identity', '/credentials/user']);
    expect(response.text).not.toContain('canary');
  });

  it('are refused the same way when they are replaced, and the old ones stay', async () => {
    const { body: made } = await tenant.admin.post('/v1/integrations', example).expect(201);

    const refused = await tenant.admin.put(`/v1/integrations/${made.id}/credentials`, {
      credentials: { token: 'x' },
    });
    const shown = await tenant.admin.get(`/v1/integrations/${made.id}`);

    expectProblem(refused, 422, 'invalid_credentials_shape');
    expect(pointersOf(refused.text)).toEqual([
      '/credentials/identity',
      '/credentials/password',
      '/credentials/token',
    ]);
    expect(shown.body.credentials_updated_at).toBe(made.credentials_updated_at);
  });

  it('may be given later', async () => {
    const { credentials, ...without } = example;
    const { body: made } = await tenant.admin.post('/v1/integrations', without).expect(201);

    const { body } = await tenant.admin
      .put(`/v1/integrations/${made.id}/credentials`, { credentials })
      .expect(200);

    expect({ before: made.has_credentials, after: body.has_credentials }).toEqual({
      before: false,
      after: true,
    });
  });
});

describe('a configuration that contradicts itself', () => {
  it('is reported at the configuration', async () => {
    const config = { ...example.config, check: { path: '/health', body: { a: 1 } } };

    const response = await tenant.admin.post('/v1/integrations', { ...example, config });

    expectProblem(response, 422, 'invalid_config');
    expect(pointersOf(response.text)).toEqual(['/config/check/body']);
  });
});

describe('a mapping that the configuration does not carry', () => {
  it('is reported at the mapping, where the caller wrote it', async () => {
    const record_types = {
      ...example.record_types,
      contacts: { on_delete: 'leave', fields: [{ name: 'email', to: 'email' }] },
    };

    const response = await tenant.admin.post('/v1/integrations', { ...example, record_types });

    expectProblem(response, 422, 'invalid_mapping');
    expect(pointersOf(response.text)).toEqual(['/record_types/contacts']);
  });
});

describe('several contradictions at once', () => {
  it('are all shown, under the code of the part to correct first', async () => {
    const config = { ...example.config, check: { path: '/health', body: { a: 1 } } };

    const response = await tenant.admin.post('/v1/integrations', { ...example, config, credentials: {} });

    expectProblem(response, 422, 'invalid_config');
    expect(pointersOf(response.text)).toEqual([
      '/config/check/body',
      '/credentials/identity',
      '/credentials/password',
    ]);
  });
});

describe('a name in a mapping', () => {
  const mapped = (name: string) => ({
    employees: { on_delete: 'leave', fields: [{ name, to: 'first_name' }] },
  });

  it('is refused as a path: only top-level fields are mapped', async () => {
    const response = await tenant.admin.post('/v1/integrations', {
      ...example,
      record_types: mapped('name/first'),
    });

    expectProblem(response, 422, 'invalid_mapping');
    expect(JSON.parse(response.text).errors).toEqual([
      {
        pointer: '/record_types/employees/fields/0/name',
        code: 'not_a_name',
        message: expect.stringContaining('top-level field'),
      },
    ]);
  });

  it('may contain a dot like any other character', async () => {
    const { body } = await tenant.admin
      .post('/v1/integrations', { ...example, record_types: mapped('name.first') })
      .expect(201);

    expect(body.record_types.employees.fields[0].name).toBe('name.first');
  });
});

describe('the name of the product on the other side', () => {
  it('comes from the configuration if no other is given', async () => {
    const plain = await tenant.admin.post('/v1/integrations', example).expect(201);
    const named = await tenant.admin
      .post('/v1/integrations', { ...example, app: 'Our directory' })
      .expect(201);

    expect({ plain: plain.body.app, named: named.body.app }).toEqual({
      plain: 'PocketBase',
      named: 'Our directory',
    });
  });

  it('is the name from the connector if there is one, otherwise the title', async () => {
    const scim = { connector: 'scim', config: { base_url: 'https://hr.example.com/scim' }, is_paused: true };
    const found = service.dependencies.connectors.scim as { title: string; appName?: unknown };
    const { appName } = found;

    found.appName = () => 'Example HR';
    const own = await tenant.admin.post('/v1/integrations', scim).expect(201);
    found.appName = () => undefined;
    const none = await tenant.admin.post('/v1/integrations', scim).expect(201);
    found.appName = () => ' two\nlines ';
    const unfit = await tenant.admin.post('/v1/integrations', scim).expect(201);
    if (appName === undefined) delete found.appName;
    else found.appName = appName;

    expect([own.body.app, none.body.app, unfit.body.app]).toEqual(['Example HR', found.title, found.title]);
  });
});
