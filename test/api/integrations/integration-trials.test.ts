/** Settings are tried at the third party before they are stored: what the API makes of the result. */
import { HttpError } from '../../../api/http/http-error';
import { replaceCredentials } from '../../../db/sync-runs/integration-lifecycle';
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
});
afterAll(() => service.close());
beforeEach(async () => {
  tenant = await service.givenTenant();
  givenResult();
});

const BLIND = {
  pointer: '/config/filter_modified',
  code: 'filter_blind',
  message: 'Incremental runs would find nothing.',
  severity: 'refuse' as const,
};
const SLOW = { ...BLIND, code: 'not_tried', severity: 'warn' as const };

/** What a worker finds. Good unless given. */
function givenResult({
  answer = { ok: true },
  words = 'fine',
  problems = [],
}: Partial<Pick<Service['temporal'], 'answer' | 'words' | 'problems'>> = {}): void {
  Object.assign(service.temporal, { answer, words, problems, tried: [] });
}
const givenRefusal = () =>
  givenResult({ answer: { ok: false, kind: 'record_rejected' }, words: BLIND.message, problems: [BLIND] });

const link = (query = '', body: object = SCIM_INTEGRATION) =>
  tenant.admin.post(`/v1/integrations${query}`, body);
const change = ({ id, etag }: { id: string; etag: string }, body: object, query = '') =>
  tenant.admin.patch(`/v1/integrations/${id}${query}`, body).set('If-Match', etag);
const rowsOf = (table: 'integrationTrials' | 'integrations') =>
  service.database.withTenant(tenant.uuid, ({ trx }) => trx.selectFrom(table).selectAll().execute());
const MOVED = { base_url: 'https://elsewhere.example.org/scim/v2' };
const CONFIG = { ...SCIM_INTEGRATION.config, page_size: 77 };

describe('rule 52: linking an app', () => {
  it('is refused at the setting that cannot work, and nothing is left of it', async () => {
    givenRefusal();

    const response = await link();

    expectProblem(response, 422, 'check_refused');
    expect(response.body.errors).toEqual([
      { pointer: BLIND.pointer, code: BLIND.code, message: BLIND.message },
    ]);
    expect([await rowsOf('integrations'), await rowsOf('integrationTrials')]).toEqual([[], []]);
  });

  it.each([
    ['is away', { answer: { ok: false as const, kind: 'unavailable' as const }, words: 'Bad gateway.' }],
    ['asks to slow down', { answer: { ok: false as const, kind: 'rate_limited' as const }, words: 'Later.' }],
    [
      'rejects the credentials',
      { answer: { ok: false as const, kind: 'unauthorized' as const }, words: 'No.' },
    ],
  ])('succeeds while the third party %s, and shows the failed check', async (_title, result) => {
    givenResult(result);

    const { body } = await link().expect(201);

    expect(body.last_check).toMatchObject({ ok: false, kind: result.answer.kind, message: result.words });
  });

  it('succeeds with a warning about what there was no time to try', async () => {
    givenResult({ problems: [SLOW] });

    const { body } = await link().expect(201);

    expect(body.last_check).toMatchObject({ ok: true, problems: [SLOW] });
  });

  it.each(['temporal_unavailable', 'check_unanswered'] as const)(
    'succeeds if no worker tries it (%s), and says that it was not checked',
    async (code) => {
      givenResult({ answer: new HttpError(code) });

      const { body } = await link().expect(201);

      expect(body.last_check).toMatchObject({ ok: false, kind: 'internal' });
      expect(body.last_check.message).toContain('was not checked');
      expect(await rowsOf('integrationTrials')).toEqual([]);
    },
  );

  it('tries nothing with check=false', async () => {
    givenRefusal();

    const { body } = await link('?check=false').expect(201);

    expect([body.last_check, service.temporal.tried]).toEqual([null, []]);
  });

  it('is tried once if the request is repeated with its Idempotency-Key', async () => {
    const send = () => link().set('Idempotency-Key', 'link-1').expect(201);

    const [first, again] = [await send(), await send()];

    expect(again.body).toEqual(first.body);
    expect(again.headers['idempotent-replayed']).toBe('true');
    expect(service.temporal.tried).toHaveLength(1);
  });

  it('hands no credentials in plain text to Temporal or to the row of the trial', async () => {
    const seen: unknown[] = [];
    const spy = jest.spyOn(service.temporal, 'checkIntegration').mockImplementation(async (input) => {
      seen.push(input, ...(await rowsOf('integrationTrials')));
      return { ok: true };
    });

    await link().expect(201);
    spy.mockRestore();

    expect(seen).toHaveLength(2);
    expect(JSON.stringify(seen)).not.toContain('canary');
  });
});

describe('rule 52: a change of an integration', () => {
  it.each([
    ['configuration', { config: CONFIG }],
    ['mappings', { record_types: { employees: { fields: [{ name: 'email', to: '/userName' }] } } }],
  ])('is refused if the app cannot be synced with the new %s, and nothing changes', async (_title, body) => {
    const integration = await givenIntegration(tenant);
    givenRefusal();

    const refused = await change(integration, body);
    const shown = await tenant.admin.get(`/v1/integrations/${integration.id}`);

    expectProblem(refused, 422, 'check_refused');
    expect([shown.headers.etag, shown.body.config, shown.body.last_check.ok]).toEqual([
      integration.etag,
      expect.not.objectContaining({ page_size: 77 }),
      true,
    ]);
  });

  it('is stored while the app is away, and shows the failed check', async () => {
    const integration = await givenIntegration(tenant);
    givenResult({ answer: { ok: false, kind: 'unavailable' }, words: 'Bad gateway.' });

    const { body } = await change(integration, { config: CONFIG }).expect(200);

    expect(body.config.page_size).toBe(77);
    expect(body.last_check).toMatchObject({ ok: false, message: 'Bad gateway.' });
  });

  it.each([
    ['other settings', { grace_period_ms: 1 }, ''],
    ['a dry run', { config: CONFIG }, '?dry_run=true'],
    ['check=false', { config: CONFIG }, '?check=false'],
  ])('tries nothing for %s', async (_title, body, query) => {
    const integration = await givenIntegration(tenant);
    givenRefusal();

    await change(integration, body, query).expect(200);

    expect(service.temporal.tried).toEqual([]);
  });

  it('shows no check of former credentials after new ones were stored with check=false', async () => {
    const integration = await givenIntegration(tenant);

    const { credentials } = SCIM_INTEGRATION;
    const { body } = await change(integration, { credentials }, '?check=false').expect(200);

    expect(body.last_check).toBeNull();
  });

  it('tries the stored credentials at no other host', async () => {
    const integration = await givenIntegration(tenant);
    givenResult();

    expectProblem(await change(integration, { config: MOVED }), 422, 'credentials_needed');

    expect(service.temporal.tried).toEqual([]);
  });

  it('tries a new host with the credentials that are given for it', async () => {
    const integration = await givenIntegration(tenant);
    const trials: unknown[] = [];
    const spy = jest.spyOn(service.temporal, 'checkIntegration').mockImplementation(async () => {
      trials.push(...(await rowsOf('integrationTrials')));
      return { ok: true };
    });

    await change(integration, { config: MOVED, credentials: SCIM_INTEGRATION.credentials }).expect(200);
    spy.mockRestore();

    expect(trials).toEqual([
      expect.objectContaining({
        config: expect.objectContaining(MOVED),
        credentials: expect.any(String),
      }),
    ]);
  });

  it('is refused as outdated if the integration changed while it was tried', async () => {
    const integration = await givenIntegration(tenant);
    const spy = jest.spyOn(service.temporal, 'checkIntegration').mockImplementation(async () => {
      const { integrationId } = (await rowsOf('integrations'))[0] as { integrationId: string };
      await service.database.withTenant(tenant.uuid, (work) =>
        replaceCredentials(work, { integrationId, encryptedCredentials: 'x' }),
      );
      return { ok: true };
    });

    const response = await change(integration, { config: CONFIG });
    spy.mockRestore();

    expectProblem(response, 412);
  });
});

it('stores new credentials whatever the check of them says, and shows its result', async () => {
  const { id } = await givenIntegration(tenant);
  givenRefusal();

  const { body } = await tenant.admin
    .put(`/v1/integrations/${id}/credentials`, { credentials: { token: 'new' } })
    .expect(200);

  expect(service.temporal.tried).toHaveLength(1);
  expect(body.last_check).toMatchObject({ ok: false, problems: [BLIND] });
});
