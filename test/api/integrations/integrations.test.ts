import {
  givenIntegration,
  type GivenTenant,
  expectProblem,
  SCIM_INTEGRATION,
  type Service,
  startService,
} from '../support/service';
import { HttpError } from '../../../api/http/http-error';
import { advanceBackgroundTask, beginBackgroundTask } from '../../../db/platform/background-tasks';
import { fromTypeId } from '../../../db/sql/ids';
import { listSyncDatasets, markDatasetSucceeded } from '../../../db/sync-runs/sync-datasets';
import { cancelSyncRun } from '../../../db/sync-runs/sync-jobs';
import { findUnfinishedRuns } from '../../../db/sync-runs/sync-run-requests';
import { contactsConfig } from '../../connectors/rest/rest-given';
import { PULLED_INTEGRATION } from '../support/simulated-worker';

let service: Service;
let tenant: GivenTenant;
beforeAll(async () => {
  service = await startService();
  tenant = await service.givenTenant();
});
afterAll(() => service.close());

const REST_WITHOUT_LIST = contactsConfig('https://hr.example.com');

describe('linking', () => {
  it('creates an integration with the defaults of the product and the mappings of the connector', async () => {
    const response = await tenant.admin.post('/v1/integrations', SCIM_INTEGRATION);

    expect(response.status).toBe(201);
    expect(response.body).toMatchObject({
      id: expect.stringMatching(/^int_/),
      connector: 'scim',
      app: 'Example HR',
      state: 'paused',
      grace_period_ms: 300_000,
      max_wait_ms: 3_600_000,
      initial_push: 'all',
      has_credentials: true,
      mapping_version: 1,
    });
    expect(response.body.record_types.employees).toMatchObject({
      direction: 'push',
      on_delete: 'deactivate',
      fields: expect.any(Array),
    });
    expect(response.headers.etag).toBe('"1"');
  });

  it('never shows credentials again, and stores them encrypted', async () => {
    const { id } = await givenIntegration(tenant, { credentials: { token: 'canary-0815' } });

    const shown = await tenant.admin.get(`/v1/integrations/${id}`);
    const stored = await service.database.withTenant(tenant.uuid, ({ trx }) =>
      trx.selectFrom('integrations').select('credentials').execute(),
    );

    expect(shown.text).not.toContain('canary');
    expect(shown.body.credentials_updated_at).toEqual(expect.any(String));
    expect(JSON.stringify(stored)).not.toContain('canary');
    expect(stored.every(({ credentials }) => credentials?.startsWith('v1.'))).toBe(true);
  });

  it.each<[string, object, string, string]>([
    ['an unknown connector', { connector: 'fax' }, 'unknown_connector', ''],
    [
      'a connector named like a property of every object',
      { connector: 'constructor' },
      'unknown_connector',
      '',
    ],
    [
      'a configuration of the wrong shape',
      { config: { base_url: 'not a url' } },
      'invalid_config',
      '/config/base_url',
    ],
    [
      'an unknown key in the configuration',
      { config: { base_url: 'https://hr.example.com/scim', colour: 'red' } },
      'invalid_config',
      '/config/colour',
    ],
    [
      'credentials of the wrong shape',
      { credentials: { token: 5 } },
      'invalid_credentials_shape',
      '/credentials',
    ],
    [
      'a maximum wait that does not exceed the grace period',
      { grace_period_ms: 60_000, max_wait_ms: 60_000 },
      'invalid_settings',
      '/max_wait_ms',
    ],
    [
      'the direction pull for a record type that the connector cannot read',
      {
        connector: 'rest',
        credentials: undefined,
        config: REST_WITHOUT_LIST,
        record_types: { contacts: { direction: 'pull', fields: [{ name: 'email', to: 'email' }] } },
      },
      'invalid_mapping',
      '/record_types/contacts/direction',
    ],
    [
      'the direction both for a record type without a configuration',
      { record_types: { invoices: { direction: 'both', fields: [{ name: 'a', to: 'userName' }] } } },
      'invalid_mapping',
      '/record_types/invoices/direction',
    ],
    [
      'the direction push where the connector only reads',
      {
        ...PULLED_INTEGRATION,
        record_types: { contacts: { direction: 'push', fields: [{ name: 'a', to: 'a' }] } },
      },
      'invalid_mapping',
      '/record_types/contacts/direction',
    ],
    [
      'two fields with one goal',
      {
        record_types: {
          employees: {
            fields: [
              { name: 'a', to: 'userName' },
              { name: 'b', to: '/userName' },
            ],
          },
        },
      },
      'invalid_mapping',
      '/record_types/employees/fields/1/to',
    ],
    [
      'a goal inside another',
      {
        record_types: {
          employees: {
            fields: [
              { name: 'a', to: '/name' },
              { name: 'b', to: '/name/givenName' },
            ],
          },
        },
      },
      'invalid_mapping',
      '/record_types/employees/fields/1/to',
    ],
    [
      'a goal in the prototype',
      { record_types: { employees: { fields: [{ name: 'a', to: '/__proto__/admin' }] } } },
      'invalid_mapping',
      '/record_types/employees/fields/0/to',
    ],
    [
      'a position past 100',
      { record_types: { employees: { fields: [{ name: 'a', to: '/emails/101/value' }] } } },
      'invalid_mapping',
      '/record_types/employees/fields/0/to',
    ],
    [
      'A2: a position in a SCIM list',
      {
        record_types: {
          employees: {
            fields: [
              { name: 'a', to: '/userName' },
              { name: 'b', to: '/emails/0/value' },
            ],
          },
        },
      },
      'invalid_mapping',
      '/record_types/employees/fields/1/to',
    ],
    [
      'a position and a selector of one list',
      {
        record_types: {
          employees: {
            fields: [
              { name: 'a', to: '/emails/0/value' },
              { name: 'b', to: 'emails[type eq "work"].value' },
            ],
          },
        },
      },
      'invalid_mapping',
      '/record_types/employees/fields/1/to',
    ],
    [
      'two fields for one selected member',
      {
        record_types: {
          employees: {
            fields: [
              { name: 'a', to: 'emails[type eq "work"].value' },
              { name: 'b', to: '/emails[type eq "work"]/value' },
            ],
          },
        },
      },
      'invalid_mapping',
      '/record_types/employees/fields/1/to',
    ],
    [
      'a selector by a name in the prototype',
      { record_types: { employees: { fields: [{ name: 'a', to: 'emails[constructor eq 1].value' }] } } },
      'invalid_mapping',
      '/record_types/employees/fields/0/to',
    ],
    [
      'a field with a name and a constant',
      { record_types: { employees: { fields: [{ name: 'a', constant: 1, to: 'x' }] } } },
      'invalid_mapping',
      '/record_types/employees/fields/0',
    ],
    [
      'a match_by that is not mapped',
      { record_types: { employees: { fields: [{ name: 'a', to: 'userName' }], match_by: 'email' } } },
      'invalid_mapping',
      '/record_types/employees/match_by',
    ],
  ])('refuses %s and says where', async (_name, change, code, pointer) => {
    const response = await tenant.admin.post('/v1/integrations', { ...SCIM_INTEGRATION, ...change });

    expectProblem(response, 422, code);
    const pointers = (JSON.parse(response.text).errors ?? []).map(
      (error: { pointer: string }) => error.pointer,
    );
    expect(pointers).toEqual(expect.arrayContaining(pointer === '' ? [] : [pointer]));
  });

  it('does not repeat credentials in the error about them', async () => {
    const response = await tenant.admin.post('/v1/integrations', {
      ...SCIM_INTEGRATION,
      credentials: { token: 'canary with spaces' },
    });

    expectProblem(response, 422, 'invalid_credentials_shape');
    expect(response.text).not.toContain('canary');
  });

  it.each([
    'http://hr.example.com/scim',
    'https://127.0.0.1/scim',
    'https://2130706433/scim',
    'https://0x7f.1/scim',
    'https://[::1]/scim',
    'https://[::ffff:127.0.0.1]/scim',
    'https://10.0.0.8/scim',
    'https://169.254.169.254/latest/meta-data',
    'https://100.64.0.1/scim',
    'https://[fc00::1]/scim',
    'https://[64:ff9b::7f00:1]/scim',
    'https://hr.example.com:22/scim',
    'https://hr.example.com:6379/scim',
  ])('refuses the address %s at creation (S12)', async (base_url) => {
    const response = await tenant.admin.post('/v1/integrations', {
      ...SCIM_INTEGRATION,
      config: { base_url },
    });

    expectProblem(response, 422, 'egress_refused');
    expect(JSON.parse(response.text).errors[0].pointer).toBe('/config/base_url');
  });

  it.each(['https://user:secret@hr.example.com/scim', 'file:///etc/passwd', 'gopher://hr.example.com/'])(
    'refuses the address %s at creation or at the connection (S12)',
    async (base_url) => {
      const response = await tenant.admin.post('/v1/integrations', {
        ...SCIM_INTEGRATION,
        config: { base_url },
      });

      expectProblem(response, 422);
    },
  );
});

describe('a third party that speaks no HTTP', () => {
  it('is linked with the port that its protocol has', async () => {
    const response = await tenant.admin.post('/v1/integrations', PULLED_INTEGRATION);

    expect(response.status).toBe(201);
    expect(response.body).toMatchObject({
      connector: 'postgres',
      record_types: { contacts: { direction: 'pull', fields: [] } },
    });
  });

  it.each(['127.0.0.1', '10.0.0.8', '169.254.169.254'])(
    'is refused at the address %s all the same (S12)',
    async (host) => {
      const response = await tenant.admin.post('/v1/integrations', {
        ...PULLED_INTEGRATION,
        config: { ...PULLED_INTEGRATION.config, host },
      });

      expectProblem(response, 422, 'egress_refused');
      expect(JSON.parse(response.text).errors[0].pointer).toBe('/config');
    },
  );
});

/** As after the first run: nothing is left to read, and each record type has a watermark. */
async function endOnboarding(id: string): Promise<void> {
  const integrationId = fromTypeId('int', id) as string;
  await service.database.withTenant(tenant.uuid, async (work) => {
    for (const { syncRunId } of await findUnfinishedRuns(work, { integrationId }))
      await cancelSyncRun(work, { syncRunId, by: 'test' });
    for (const recordType of ['contacts', 'deals'])
      await markDatasetSucceeded(work, { integrationId, recordType, isFull: true, watermark: work.now });
  });
}

async function watermarksOf(id: string): Promise<Record<string, boolean>> {
  const integrationId = fromTypeId('int', id) as string;
  const rows = await service.database.withTenant(tenant.uuid, (work) =>
    listSyncDatasets(work, { integrationId }),
  );
  return Object.fromEntries(rows.map(({ recordType, watermark }) => [recordType, watermark !== null]));
}

describe('changing', () => {
  it('refuses a configuration that cannot read a pulled record type', async () => {
    const { id, etag } = await givenIntegration(tenant, PULLED_INTEGRATION);
    const config = {
      ...PULLED_INTEGRATION.config,
      record_types: { contacts: { table: 'contacts', id: 'id' } },
    };

    const response = await tenant.admin.patch(`/v1/integrations/${id}`, { config }).set('If-Match', etag);

    expectProblem(response, 422, 'invalid_mapping');
    expect(JSON.parse(response.text).errors).toEqual(
      expect.arrayContaining([
        {
          pointer: '/record_types/deals/direction',
          code: 'not_readable',
          message: expect.stringContaining('cannot read deals'),
        },
      ]),
    );
  });

  it('changes the given settings, under the version that was read', async () => {
    const { id, etag } = await givenIntegration(tenant);

    const response = await tenant.admin
      .patch(`/v1/integrations/${id}`, { account_name: 'Staging', grace_period_ms: 0 })
      .set('If-Match', etag);

    expect(response.status).toBe(200);
    expect(response.body).toMatchObject({
      account_name: 'Staging',
      grace_period_ms: 0,
      app: 'Example HR',
      preview: null,
    });
    expect(response.headers.etag).toBe('"2"');
  });

  it('refuses a change without If-Match (428) and one made on an older version (412)', async () => {
    const { id, etag } = await givenIntegration(tenant);
    await tenant.admin.patch(`/v1/integrations/${id}`, { app: 'A' }).set('If-Match', etag).expect(200);

    expectProblem(
      await tenant.admin.patch(`/v1/integrations/${id}`, { app: 'B' }),
      428,
      'precondition_required',
    );
    expectProblem(
      await tenant.admin.patch(`/v1/integrations/${id}`, { app: 'B' }).set('If-Match', etag),
      412,
      'precondition_failed',
    );
    expectProblem(
      await tenant.admin.patch(`/v1/integrations/${id}`, { app: 'B' }).set('If-Match', 'W/"2"'),
      412,
      'precondition_failed',
    );
  });

  it('shows how many records a new mapping touches before it is saved, and saves nothing (rules.md 15)', async () => {
    const own = await service.givenTenant('Preview');
    const { id, etag } = await givenIntegration(own);
    await own.operator.put('/v1/records/employees/e-1', { fields: { email: 'a@example.org' } }).expect(202);
    const record_types = { employees: { fields: [{ name: 'email', to: 'userName' }] } };

    const dry = await own.admin
      .patch(`/v1/integrations/${id}?dry_run=true`, { record_types })
      .set('If-Match', etag);
    const shown = await own.admin.get(`/v1/integrations/${id}`);

    expect(dry.body.preview).toMatchObject({ is_complete: true, records_examined: 1 });
    expect(shown.body.mapping_version).toBe(1);
    expect(shown.headers.etag).toBe(etag);
  });

  it('makes a new mapping version when the mapping differs, and none when it is the same', async () => {
    const { id, etag } = await givenIntegration(tenant);
    const { record_types } = (await tenant.admin.get(`/v1/integrations/${id}`)).body;

    const same = await tenant.admin
      .patch(`/v1/integrations/${id}`, { record_types })
      .set('If-Match', etag)
      .expect(200);
    const other = await tenant.admin
      .patch(`/v1/integrations/${id}`, {
        record_types: { employees: { fields: [{ name: 'login', to: 'userName' }] } },
      })
      .set('If-Match', same.headers.etag as string)
      .expect(200);

    expect(same.body.mapping_version).toBe(1);
    expect(other.body).toMatchObject({ mapping_version: 2, is_backfilling: true });
  });

  it('rule 52, C7: reads a record type in full when its configuration reads other records, and no other type', async () => {
    const { id, etag } = await givenIntegration(tenant, PULLED_INTEGRATION);
    const runs = async () =>
      (await tenant.viewer.get(`/v1/sync-runs?integration_id=${id}`)).body.data.filter(
        (run: { kind: string }) => run.kind === 'full',
      );
    await endOnboarding(id);
    const { contacts, deals } = PULLED_INTEGRATION.config.record_types;
    const changed = (type: object) => ({
      ...PULLED_INTEGRATION.config,
      page_size: 50,
      record_types: { contacts: { ...contacts, ...type }, deals },
    });

    const same = await tenant.admin
      .patch(`/v1/integrations/${id}`, { config: changed({ label: 'People', overlap_minutes: 5 }) })
      .set('If-Match', etag);
    const before = { runs: await runs(), watermarks: await watermarksOf(id) };
    const response = await tenant.admin
      .patch(`/v1/integrations/${id}`, { config: changed({ table: 'people' }) })
      .set('If-Match', same.headers.etag as string);

    expect([same.status, response.status]).toEqual([200, 200]);
    expect(before).toEqual({ runs: [], watermarks: { contacts: true, deals: true } });
    expect(await runs()).toMatchObject([{ record_types: ['contacts'], started_by: 'config' }]);
    expect(await watermarksOf(id)).toEqual({ contacts: false, deals: true });
  });

  it('changes settings of a record type by member, without a new mapping or a push', async () => {
    const { id } = await givenIntegration(tenant);
    const change = async (settings: object) => {
      const { headers } = await tenant.admin.get(`/v1/integrations/${id}`);
      return tenant.admin
        .patch(`/v1/integrations/${id}`, { type_settings: settings })
        .set('if-match', headers.etag as string);
    };
    const set = await change({ employees: { on_drift: 'repair', overlap_minutes: 90 } });
    const same = await change({ employees: {} });
    const reset = await change({ employees: { on_drift: null, overlap_minutes: null } });
    const refused = await change({ planets: { on_drift: 'accept' } });
    const never = { count: 5, share: 1, window_hours: 24 };
    const held = await change({ employees: { safety_thresholds: { pull_delete: never } } });
    const unheld = await change({ employees: { safety_thresholds: { pull_delete: null } } });

    expect(set.body).toMatchObject({
      type_settings: { employees: { on_drift: 'repair', overlap_minutes: 90 } },
      mapping_version: 1,
    });
    expect(same.body.type_settings.employees).toEqual(set.body.type_settings.employees);
    expect(reset.body.type_settings.employees).toMatchObject({ on_drift: 'report', overlap_minutes: null });
    expectProblem(refused, 422, 'invalid_settings');
    expect(refused.body.errors).toMatchObject([{ pointer: '/type_settings/planets' }]);
    expect(held.body.type_settings.employees.safety_thresholds.pull_delete).toEqual(never);
    expect(unheld.body.type_settings.employees).toMatchObject({
      on_drift: 'report',
      safety_thresholds: { pull_delete: { count: 20, share: 0.1, window_hours: 168 } },
    });
  });

  it('checks changed waits together with the unchanged settings', async () => {
    const { id, etag } = await givenIntegration(tenant);

    expectProblem(
      await tenant.admin
        .patch(`/v1/integrations/${id}`, { grace_period_ms: 3_600_000 })
        .set('If-Match', etag),
      422,
      'invalid_settings',
    );
    await tenant.admin
      .patch(`/v1/integrations/${id}`, { grace_period_ms: 3_600_000, max_wait_ms: null })
      .set('If-Match', etag)
      .expect(200);
  });
});

describe('its state', () => {
  it('pauses and resumes, and a repetition changes nothing', async () => {
    const { id } = await givenIntegration(tenant, { is_paused: false });

    const paused = await tenant.operator.post(`/v1/integrations/${id}/pause`).expect(200);
    const again = await tenant.operator.post(`/v1/integrations/${id}/pause`).expect(200);
    const resumed = await tenant.operator.post(`/v1/integrations/${id}/resume`).expect(200);

    expect(paused.body.state).toBe('paused');
    expect(again.body.paused_at).toBe(paused.body.paused_at);
    expect(resumed.body).toMatchObject({ state: 'active', paused_at: null });
  });

  it('takes new credentials', async () => {
    const { id } = await givenIntegration(tenant, { credentials: undefined });
    expect((await tenant.admin.get(`/v1/integrations/${id}`)).body.has_credentials).toBe(false);

    const response = await tenant.admin
      .put(`/v1/integrations/${id}/credentials`, { credentials: { token: 'canary-new' } })
      .expect(200);

    expect(response.body.has_credentials).toBe(true);
    expect(response.text).not.toContain('canary');
  });

  it('asks a worker whether the third party answers', async () => {
    const { id } = await givenIntegration(tenant);

    service.temporal.answer = { ok: true };
    const good = await tenant.operator.post(`/v1/integrations/${id}/check`).expect(200);
    service.temporal.answer = { ok: false, kind: 'unauthorized' };
    service.temporal.words = 'The token was refused.';
    const bad = await tenant.operator.post(`/v1/integrations/${id}/check`).expect(200);

    expect(good.body).toMatchObject({ ok: true, kind: null });
    expect(bad.body).toEqual({
      ok: false,
      kind: 'unauthorized',
      message: 'The token was refused.',
      at: expect.any(String),
      problems: [],
    });
    expect(service.temporal.asked.at(-1)?.tenantId).toBe(tenant.uuid);
  });

  it('answers 503 with Retry-After to a check while Temporal is down, and goes on with everything else (R7)', async () => {
    const { id } = await givenIntegration(tenant);
    service.temporal.answer = new HttpError('temporal_unavailable', { headers: { 'Retry-After': '5' } });

    const check = await tenant.operator.post(`/v1/integrations/${id}/check`);
    const write = await tenant.operator.put('/v1/records/employees/e-7', {
      fields: { email: 'x@example.org' },
    });

    expectProblem(check, 503, 'temporal_unavailable');
    expect(check.headers['retry-after']).toBe('5');
    expect(write.status).toBe(202);
  });

  it('is not found after its deletion, and its name is free', async () => {
    const { id } = await givenIntegration(tenant);

    await tenant.admin.delete(`/v1/integrations/${id}`).expect(204);

    expectProblem(await tenant.admin.get(`/v1/integrations/${id}`), 404, 'integration_not_found');
    expectProblem(await tenant.admin.delete(`/v1/integrations/${id}`), 404, 'integration_not_found');
  });
});

it('rule 60: shows how far work on many rows is, until it is finished', async () => {
  const { id } = await givenIntegration(tenant);
  const integrationId = fromTypeId('int', id) as string;
  const input = {
    integrationId,
    kind: 'decide_deletion_review' as const,
    subjectId: null,
    requestedBy: 'ana',
  };
  const { backgroundTaskId } = await service.database.withTenant(tenant.uuid, (work) =>
    beginBackgroundTask(work, input, () => Promise.resolve({ rows: 100, next: { step: '', cursor: 'a' } })),
  );
  const path = `/v1/integrations/${id}`;

  expect((await tenant.viewer.get(path).expect(200)).body.background_tasks).toMatchObject([
    { id: expect.stringMatching(/^btk_/), kind: 'decide_deletion_review', done_rows: 100 },
  ]);

  const doChunkOf = () => () => Promise.resolve({ rows: 20, next: null });
  await service.database.withTenant(tenant.uuid, (work) =>
    advanceBackgroundTask(work, { backgroundTaskId, limit: 100, doChunkOf }),
  );
  expect((await tenant.viewer.get(path).expect(200)).body.background_tasks).toEqual([]);
});

it('lists integrations page by page, in the order they were made', async () => {
  const own = await service.givenTenant('Pages');
  const ids = [];
  for (let count = 0; count < 5; count += 1) ids.push((await givenIntegration(own)).id);

  const first = await own.viewer.get('/v1/integrations?limit=2').expect(200);
  const second = await own.viewer
    .get(`/v1/integrations?limit=2&cursor=${first.body.next_cursor}`)
    .expect(200);
  const third = await own.viewer
    .get(`/v1/integrations?limit=2&cursor=${second.body.next_cursor}`)
    .expect(200);

  const listed = [first, second, third].flatMap(({ body }) => body.data.map(({ id }: { id: string }) => id));
  expect(listed).toEqual(ids);
  expect(third.body.next_cursor).toBeNull();
});

it('shows connectors with the schemas of their configuration and credentials', async () => {
  const list = await tenant.viewer.get('/v1/connectors').expect(200);
  const scim = await tenant.viewer.get('/v1/connectors/scim').expect(200);

  expect(list.body.data.map(({ kind }: { kind: string }) => kind)).toEqual(['scim', 'rest', 'postgres']);
  expect(scim.body.config_schema).toMatchObject({
    type: 'object',
    properties: { base_url: expect.any(Object) },
  });
  expect(scim.body.record_types[0]).toMatchObject({
    name: 'employees',
    fields: expect.arrayContaining([expect.objectContaining({ name: expect.any(String) })]),
  });
  expectProblem(await tenant.viewer.get('/v1/connectors/constructor'), 404, 'connector_not_found');
});
