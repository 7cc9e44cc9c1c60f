/** The builder of definitions: drafts, and what the API makes of tries of single calls. */
import type { TryResult } from '../../../domain/third-parties/tries';
import { PLATFORM_TENANT_ID } from '../../../db/tables/tenants';
import { HttpError } from '../../../api/http/http-error';
import { expectProblem, type GivenTenant, type Service, startService } from '../support/service';
import { givenDefinition } from './definition-given';

const TRY = '/v1/third-party-definitions/try';
const DRAFT = '/v1/third-party-definitions/draft';
const PLATFORM = '/v1/platform/third-party-definitions';

let service: Service;
let tenant: GivenTenant;
beforeAll(async () => {
  service = await startService();
  tenant = await service.givenTenant();
});
afterAll(() => service.close());
beforeEach(() => {
  Object.assign(service.temporal, { answer: { ok: true }, words: 'fine', results: [RESULT], tried: [] });
});

const RESULT: TryResult = {
  try: 'check',
  outcome: 'passed',
  message: 'The product answers and accepts the credentials.',
  durationMs: 12,
  calls: [
    {
      method: 'GET',
      url: 'https://acme.eu.contacts.example/ping',
      status: 200,
      durationMs: 11,
      sent: null,
      answer: '{}',
    },
  ],
  problems: [],
};
const FAILED: TryResult = {
  ...RESULT,
  try: 'list',
  outcome: 'failed',
  found: { records: 0, ids: [], hasNextPage: false, fields: [], modified: [] },
  problems: [{ pointer: '/config/record_types/contacts/list', code: 'no_list', message: 'No list.' }],
};

const request = (changes: object = {}) => ({
  definition: givenDefinition(),
  parameters: { subdomain: 'acme' },
  credentials: { token: 'canary-0815' },
  ...changes,
});
const trialsOf = (tenantId: string) =>
  service.database.withTenant(tenantId, ({ trx }) =>
    trx.selectFrom('integrationTrials').selectAll().execute(),
  );

describe('a try', () => {
  it('answers what the worker has found, for admins and for operators', async () => {
    service.temporal.results = [RESULT, FAILED];

    const { body } = await tenant.admin.post(TRY, request()).expect(200);
    const platform = await service.platform.post(`${PLATFORM}/try`, request()).expect(200);

    expect(body).toMatchObject({
      ok: false,
      record_type: 'contacts',
      message: null,
      summary: '1 passed, 1 failed. Not proved: create, find again, update, no op update, error, remove.',
      results: [
        { try: 'check', outcome: 'passed', duration_ms: 12, found: null, calls: [{ duration_ms: 11 }] },
        { try: 'list', found: { has_next_page: false }, problems: [{ code: 'no_list' }] },
        ...['create', 'find_again', 'update', 'no_op_update', 'error', 'remove'].map((name) => ({
          try: name,
          outcome: 'not_possible',
        })),
      ],
    });
    expect(platform.body).toEqual(body);
    expect(service.temporal.tried.map(({ tenantId }) => tenantId)).toEqual([tenant.uuid, PLATFORM_TENANT_ID]);
    expect((await tenant.operator.post(TRY, request())).status).toBe(403);
  });

  it('asks the worker for what was wanted, and for what writes only if it may', async () => {
    const plans: unknown[] = [];
    const spy = jest.spyOn(service.temporal, 'checkIntegration').mockImplementation(async () => {
      plans.push(...(await trialsOf(tenant.uuid)).map(({ tries }) => tries));
      throw new HttpError('check_unanswered');
    });
    const tries = ['create', 'list', 'remove'];
    await tenant.admin.post(TRY, request({ tries }));
    const lost = await tenant.admin.post(
      TRY,
      request({ tries, may_write: true, record: { email: 'a@b.c' } }),
    );
    spy.mockRestore();

    expect(plans).toMatchObject([
      { recordType: 'contacts', tries: ['list'] },
      { tries: ['list', 'create', 'remove'], record: { email: 'a@b.c' } },
    ]);
    // Without a result, it says what a worker that died may have left in the app.
    expect((lost.body as { detail: string }).detail).toContain((plans[1] as { testName: string }).testName);
  });

  it('gives the credentials to the worker sealed, and leaves nothing of them', async () => {
    const seen: unknown[] = [];
    const spy = jest.spyOn(service.temporal, 'checkIntegration').mockImplementation(async (input) => {
      seen.push(input, ...(await trialsOf(tenant.uuid)));
      throw new HttpError('check_unanswered');
    });

    const response = await tenant.admin.post(TRY, request());
    spy.mockRestore();

    expectProblem(response, 503, 'check_unanswered');
    expect(seen).toHaveLength(2);
    expect(JSON.stringify([seen, response.body, service.logged])).not.toContain('canary-0815');
    expect(await trialsOf(tenant.uuid)).toEqual([]);
  });

  it('says why nothing could be tried', async () => {
    const spy = jest.spyOn(service.temporal, 'checkIntegration').mockImplementation(async (input) => {
      await service.database.withTenant(tenant.uuid, ({ trx, now }) =>
        trx
          .updateTable('integrationTrials')
          .set({
            result: JSON.stringify({
              at: now.toISOString(),
              ok: false,
              kind: 'unauthorized',
              message: 'No key.',
            }),
          })
          .where('trialId', '=', input.trialId as string)
          .execute(),
      );
      return { ok: false, kind: 'unauthorized' };
    });

    const { body } = await tenant.admin.post(TRY, request());
    spy.mockRestore();

    expect(body).toMatchObject({ ok: false, message: 'No key.', results: [] });
  });

  it('needs no more than a configuration', async () => {
    const { app, base_url, check } = givenDefinition()['config'] as Record<string, unknown>;
    const list = { path: '/contacts', items: '', paging: { type: 'none' } };
    const config = { app, base_url, check, record_types: { contacts: { list } } };
    const definition = { config, parameters: givenDefinition()['parameters'] };

    const { body } = await tenant.admin
      .post(TRY, { definition, parameters: { subdomain: 'acme' } })
      .expect(200);

    expect(body).toMatchObject({ record_type: 'contacts' });
  });

  it.each([
    [
      'a value of the definition',
      { definition: givenDefinition({ category: 'x' }) },
      'invalid_definition',
      '/category',
    ],
    ['no configuration', { definition: {} }, 'invalid_definition', '/config'],
    ['a parameter', { parameters: { subdomain: 'a/b' } }, 'invalid_settings', '/parameters/subdomain'],
    ['a way to sign in', { sign_in: 'magic' }, 'invalid_settings', '/sign_in'],
    ['a record type', { record_type: 'deals' }, 'invalid_settings', '/record_type'],
    [
      'a credential that is missing',
      { credentials: { x: 'y' } },
      'invalid_credentials_shape',
      '/credentials/token',
    ],
    [
      'a private address',
      {
        parameters: {},
        definition: givenDefinition({
          parameters: {},
          config: { ...(givenDefinition()['config'] as object), base_url: 'https://127.0.0.1/v1' },
        }),
      },
      'egress_refused',
      '/config/base_url',
    ],
  ])('is refused for %s, before anyone is called', async (_what, changes, code, pointer) => {
    const refused = await tenant.admin.post(TRY, request(changes));

    expectProblem(refused, 422, code);
    expect(refused.body.errors.map((error: { pointer: string }) => error.pointer)).toContain(pointer);
    expect(service.temporal.tried).toEqual([]);
  });
});

describe('a draft', () => {
  it.each([
    ['nothing', {}],
    ['a curl command', { curl: 'curl https://api.acme.example/people -H "X-Key: canary-0815"' }],
    [
      'an OpenAPI document',
      {
        openapi: {
          openapi: '3.0.0',
          paths: {
            '/people': {
              get: {
                responses: {
                  200: { content: { 'application/json': { schema: { type: 'array', items: {} } } } },
                },
              },
            },
          },
        },
      },
    ],
  ])('of %s can be added at once, and says what is to be decided', async (_what, start) => {
    const { body } = await service.platform.post(`${PLATFORM}/draft`, start).expect(200);

    expect(body).toMatchObject({ problems: [], decisions: expect.arrayContaining([expect.anything()]) });
    expect(JSON.stringify(body)).not.toContain('0815');
    const key = `${body.definition.key}-${service.temporal.tried.length}`;
    await service.platform.post(PLATFORM, { ...body.definition, key }).expect(201);
  });

  it('lists what is wrong with a definition, with pointers', async () => {
    const { body } = await tenant.admin
      .post(DRAFT, { definition: givenDefinition({ key: 'Try' }) })
      .expect(200);

    expect(body.problems).toMatchObject([{ pointer: '/key' }]);
  });

  it.each([
    ['a command with a second one', { curl: 'curl https://a.example; id' }, '/curl'],
    ['Swagger 2', { openapi: { swagger: '2.0' } }, '/openapi'],
  ])('is refused for %s', async (_what, start, pointer) => {
    const refused = await tenant.admin.post(DRAFT, start);

    expectProblem(refused, 422, 'invalid_definition');
    expect(refused.body.errors).toMatchObject([{ pointer }]);
  });

  it('of the next version begins with a version that was added', async () => {
    await service.platform.post(PLATFORM, givenDefinition({ key: 'shown' })).expect(201);

    const shown = await service.platform.get(`${PLATFORM}/shown/versions/1`).expect(200);

    expect(shown.body).toMatchObject({ key: 'shown', version: 1, document: { name: 'Contacts' } });
    const missing = await service.platform.get(`${PLATFORM}/shown/versions/2`);
    expectProblem(missing, 404, 'definition_not_found');
    expect((await tenant.admin.get(`${PLATFORM}/shown/versions/1`)).status).toBe(403);
  });

  it('cannot take the names of the routes beside the definitions', async () => {
    for (const key of ['try', 'draft'])
      expectProblem(await service.platform.post(PLATFORM, givenDefinition({ key })), 400, 'invalid_body');
  });
});
