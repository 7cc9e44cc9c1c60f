/** Error messages for missing fields and wrong addresses. */
import supertest from 'supertest';
import {
  expectProblem,
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

const required = (pointer: string) => ({ pointer, code: 'required', message: 'is required' });
const errorsOf = (response: supertest.Response) => JSON.parse(response.text).errors as unknown[];

describe('a missing value', () => {
  it('is reported as required: a text, a choice, an object', async () => {
    expect(errorsOf(await tenant.admin.post('/v1/api-keys', {}))).toEqual([
      required('/name'),
      required('/role'),
    ]);
    expect(errorsOf(await tenant.admin.put('/v1/records/employees/e-1', {}))).toEqual([required('/fields')]);
    expect(errorsOf(await tenant.admin.post('/v1/integrations', {}))).toEqual([
      required('/connector'),
      required('/config'),
    ]);
  });

  it('is reported as required inside a batch and inside a configuration', async () => {
    const { body } = await tenant.operator
      .post('/v1/records/batch', { records: [{ record_type: 'employees' }, {}] })
      .expect(202);
    const config = await tenant.admin.post('/v1/integrations', { ...SCIM_INTEGRATION, config: {} });

    expect(body.results.map(({ problem }: { problem: { errors: unknown[] } }) => problem.errors)).toEqual([
      [required('/records/0/fields'), required('/records/0/external_id')],
      [required('/records/1/fields'), required('/records/1/record_type'), required('/records/1/external_id')],
    ]);
    expect(errorsOf(config)).toEqual([required('/config/base_url')]);
  });

  it('is distinguished from a wrong value', async () => {
    const [error] = errorsOf(await tenant.admin.post('/v1/api-keys', { name: null, role: 'viewer' }));

    expect(error).toMatchObject({ pointer: '/name', code: 'invalid_type' });
  });
});

describe('"batch" as a record type', () => {
  it('is refused everywhere, because its path is that of batches', async () => {
    const record_types = { batch: { fields: [{ name: 'email', to: 'userName' }] } };
    const { body } = await tenant.operator
      .post('/v1/records/batch', { records: [{ record_type: 'batch', external_id: 'e-1', fields: {} }] })
      .expect(202);
    const mapping = await tenant.admin.post('/v1/integrations', { ...SCIM_INTEGRATION, record_types });

    expectProblem(await tenant.operator.put('/v1/records/batch/e-1', { fields: {} }), 400, 'invalid_path');
    expectProblem(await tenant.viewer.get('/v1/records/batch/e-1'), 400, 'invalid_path');
    expect(body.results[0].problem).toMatchObject({
      code: 'invalid_body',
      errors: [{ pointer: '/records/0/record_type', message: expect.stringContaining('reserved') }],
    });
    expectProblem(mapping, 400, 'invalid_body');
    expect(errorsOf(mapping)).toEqual([
      {
        pointer: '/record_types/batch',
        code: expect.any(String),
        message: expect.stringContaining('reserved'),
      },
    ]);
  });

  it.each(['get', 'put', 'patch', 'delete'] as const)(
    'is neither a list nor a record: %s /v1/records/batch is answered 405',
    async (method) => {
      const response = await tenant.admin.request(method, '/v1/records/batch');

      expectProblem(response, 405, 'method_not_allowed');
      expect(response.headers.allow).toBe('POST');
    },
  );
});

describe('the root address', () => {
  it('redirects to the console', async () => {
    const response = await service.as(undefined).get('/');

    expect({ status: response.status, location: response.headers.location }).toEqual({
      status: 302,
      location: '/docs',
    });
  });

  it('accepts GET and HEAD only', async () => {
    expectProblem(await service.as(undefined).post('/'), 405, 'method_not_allowed');
  });
});
