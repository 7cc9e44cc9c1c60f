import { changeSyncJob } from '../../../db/sync-runs/sync-jobs';
import { requestSyncRun } from '../../../db/sync-runs/sync-run-requests';
import { fromTypeId, toTypeId } from '../../../db/sql/ids';
import { givenOnboarded, givenPulled, remote, SimulatedWorker } from '../support/simulated-worker';
import {
  expectProblem,
  givenIntegration,
  type GivenTenant,
  type Service,
  startService,
} from '../support/service';

let service: Service;
let tenant: GivenTenant;
beforeAll(async () => {
  service = await startService();
});
beforeEach(async () => {
  tenant = await service.givenTenant();
});
afterAll(() => service.close());

const runsOf = ({ id }: { id: string }) => `/v1/integrations/${id}/sync-runs`;

describe('asking for a sync run (rules.md 28, 30)', () => {
  it('answers 202 with the run and its location', async () => {
    const { integration } = await givenOnboarded(service, tenant);

    const response = await tenant.operator.post(runsOf(integration), { kind: 'incremental' }).expect(202);

    expect(response.body).toMatchObject({
      id: expect.stringMatching(/^run_/),
      integration_id: integration.id,
      kind: 'incremental',
      scope: 'modified',
      record_types: null,
      state: 'queued',
      started_by: expect.stringMatching(/^key:operator/),
      coalesced: false,
      progress: { records_read: 0, expected_records: null, estimated_end_at: null },
    });
    expect(response.headers.location).toBe(`/v1/sync-runs/${response.body.id}`);
    const { coalesced: _coalesced, ...run } = response.body;
    expect((await tenant.viewer.get(response.headers.location as string).expect(200)).body).toEqual(run);
  });

  it('answers 200 with the running run if it covers the request', async () => {
    const { integration } = await givenOnboarded(service, tenant);
    const first = await tenant.operator.post(runsOf(integration), { kind: 'full' }).expect(202);

    const same = await tenant.operator.post(runsOf(integration), { kind: 'full' }).expect(200);
    const narrower = await tenant.operator
      .post(runsOf(integration), { kind: 'incremental', record_types: ['deals'] })
      .expect(200);

    expect(same.body).toMatchObject({ id: first.body.id, coalesced: true });
    expect(narrower.body).toMatchObject({ id: first.body.id, coalesced: true, kind: 'full' });
    expect(narrower.headers.location).toBe(first.headers.location);
  });

  it('queues one follow-up behind a narrower run, for any number of requests', async () => {
    const worker = await givenOnboarded(service, tenant);
    const { body: narrow } = await tenant.operator
      .post(runsOf(worker.integration), { kind: 'incremental' })
      .expect(202);
    await worker.begin();

    const follow = await tenant.operator.post(runsOf(worker.integration), { kind: 'full' }).expect(202);
    const again = await tenant.operator.post(runsOf(worker.integration), { kind: 'full' }).expect(200);

    expect(follow.body).toMatchObject({ kind: 'full', state: 'queued', follows_sync_run_id: narrow.id });
    expect(again.body).toMatchObject({ id: follow.body.id, coalesced: true });
  });

  it('reads only the named record types, each once', async () => {
    const { integration } = await givenOnboarded(service, tenant);

    const { body } = await tenant.operator
      .post(runsOf(integration), { kind: 'last_day', record_types: ['deals', 'deals'] })
      .expect(202);

    expect(body).toMatchObject({ kind: 'last_day', scope: 'last_day', record_types: ['deals'] });
  });

  it('has one effect for any number of requests under one Idempotency-Key', async () => {
    const worker = await givenOnboarded(service, tenant);
    const send = () =>
      tenant.operator.post(runsOf(worker.integration), { kind: 'full' }).set('Idempotency-Key', 'once');
    const first = await send().expect(202);
    await worker.run();

    const again = await send().expect(202);

    expect(again.body).toEqual(first.body);
    expect((await tenant.viewer.get('/v1/sync-runs?kind=full')).body.data).toHaveLength(1);
  });

  it('names the requester in the audit log', async () => {
    const { integration } = await givenOnboarded(service, tenant);
    const { body: run } = await tenant.operator
      .post(runsOf(integration), { kind: 'full', record_types: ['deals'] })
      .expect(202);

    const { body } = await tenant.admin.get('/v1/audit-log?action=sync_run.requested').expect(200);

    expect(body.data).toMatchObject([
      {
        target: run.id,
        actor: run.started_by,
        detail: { kind: 'full', record_types: ['deals'], coalesced: false },
      },
    ]);
  });

  it('is refused while the integration is paused or needs new credentials, and for one that only pushes (rules.md 16)', async () => {
    const paused = await givenPulled(tenant, { is_paused: true });
    const refused = await givenPulled(tenant);
    await service.database.withTenant(tenant.uuid, ({ trx, now }) =>
      trx
        .updateTable('integrations')
        .set({ needsReauthorizationAt: now })
        .where('integrationId', '=', refused.uuid)
        .execute(),
    );
    const pushing = await givenIntegration(tenant);

    expectProblem(await tenant.operator.post(runsOf(paused), { kind: 'full' }), 409, 'integration_paused');
    expectProblem(
      await tenant.operator.post(runsOf(refused), { kind: 'full' }),
      409,
      'needs_reauthorization',
    );
    expectProblem(await tenant.operator.post(runsOf(pushing), { kind: 'full' }), 409, 'nothing_to_pull');
  });

  it('is refused for a record type that is not pulled, with its name', async () => {
    const { integration } = await givenOnboarded(service, tenant);

    const response = await tenant.operator.post(runsOf(integration), {
      kind: 'full',
      record_types: ['deals', 'invoices'],
    });

    expectProblem(response, 422, 'unknown_record_type');
    expect(JSON.parse(response.text).errors).toEqual([
      { pointer: '/record_types/1', code: 'not_pulled', message: expect.stringContaining('contacts, deals') },
    ]);
  });

  it.each([
    { kind: 'hourly' },
    { kind: 'full', record_types: [] },
    { kind: 'full', record_types: ['Deals!'] },
    {},
    { kind: 'full', wait: 60 },
  ])('refuses the body %j', async (body) => {
    const { integration } = await givenOnboarded(service, tenant);

    expectProblem(await tenant.operator.post(runsOf(integration), body), 400, 'invalid_body');
  });

  it('needs an operator', async () => {
    const integration = await givenPulled(tenant);

    expectProblem(await tenant.viewer.post(runsOf(integration), { kind: 'full' }), 403, 'role_insufficient');
  });
});

describe('the Sync Log', () => {
  it('lists runs newest first, page by page, with filters', async () => {
    const worker = await givenOnboarded(service, tenant);
    const other = await givenOnboarded(service, tenant);
    for (const kind of ['full', 'last_day', 'incremental']) {
      await tenant.operator.post(runsOf(worker.integration), { kind }).expect(202);
      if (kind !== 'incremental') await worker.run();
    }
    const kindsOf = async (query: string) =>
      (await tenant.viewer.get(`/v1/sync-runs?${query}`).expect(200)).body.data.map(
        ({ kind }: { kind: string }) => kind,
      );

    const first = await tenant.viewer.get('/v1/sync-runs?limit=3').expect(200);
    const second = await tenant.viewer
      .get(`/v1/sync-runs?limit=3&cursor=${first.body.next_cursor}`)
      .expect(200);

    expect([...first.body.data, ...second.body.data].map(({ kind }: { kind: string }) => kind)).toEqual([
      'incremental',
      'last_day',
      'full',
      'onboarding',
      'onboarding',
    ]);
    expect(second.body.next_cursor).toBeNull();
    expect(await kindsOf(`integration_id=${other.integration.id}`)).toEqual(['onboarding']);
    expect(await kindsOf('kind=full,last_day')).toEqual(['last_day', 'full']);
    expect(await kindsOf('state=queued,running')).toEqual(['incremental']);
    expect(await kindsOf('created_after=2100-01-01T00:00:00Z')).toEqual([]);
    expect(await kindsOf('created_before=2100-01-01T00:00:00Z&kind=full')).toEqual(['full']);
    expectProblem(await tenant.viewer.get('/v1/sync-runs?state=failed,lost'), 400, 'invalid_query');
    expectProblem(await tenant.viewer.get('/v1/sync-runs?created_after=yesterday'), 400, 'invalid_query');
    expectProblem(
      await tenant.viewer.get(`/v1/sync-runs?kind=full&cursor=${first.body.next_cursor}`),
      400,
      'invalid_cursor',
    );
  });

  it('shows the schedule date of a nightly run', async () => {
    const worker = await givenOnboarded(service, tenant);
    await worker.work((work) =>
      requestSyncRun(work, {
        integrationId: worker.integration.uuid,
        kind: 'nightly',
        startedBy: 'schedule:nightly',
        localDate: '2026-11-21',
      }),
    );

    const { body } = await tenant.viewer.get('/v1/sync-runs?kind=nightly').expect(200);

    expect(body.data).toMatchObject([{ started_by: 'schedule:nightly', local_date: '2026-11-21' }]);
  });

  it('shows the progress of a run, and an estimated end only if it is known', async () => {
    const worker = new SimulatedWorker(service, tenant, await givenPulled(tenant));
    const run = await worker.begin();
    const id = toTypeId('run', run.syncRunId);
    await worker.page(run, 'contacts', [remote('1', { name: 'Ada' }), remote('2', { name: 'Ben' })], {
      nextCursor: 'more',
      total: 4,
    });
    const withOneUnknown = await tenant.viewer.get(`/v1/sync-runs/${id}`).expect(200);
    await worker.page(run, 'deals', [remote('d', { name: 'Deal' })], { total: 1 });

    const { body } = await tenant.viewer.get(`/v1/sync-runs/${id}`).expect(200);

    expect(withOneUnknown.body.progress).toMatchObject({
      records_read: 2,
      expected_records: null,
      estimated_end_at: null,
    });
    expect(body).toMatchObject({
      kind: 'onboarding',
      state: 'running',
      is_sync_finished: false,
      progress: {
        records_read: 3,
        records_new: 3,
        records_changed: 0,
        records_unchanged: 0,
        records_failed: 0,
        records_held_back: 0,
        records_skipped: 0,
        expected_records: 5,
        estimated_end_at: expect.any(String),
      },
    });
    expect(new Date(body.progress.estimated_end_at).getTime()).toBeGreaterThan(
      new Date(body.started_at).getTime(),
    );
  });

  it('lists its jobs with the reason of each wait and failure', async () => {
    const worker = new SimulatedWorker(service, tenant, await givenPulled(tenant));
    const run = await worker.begin();
    const until = new Date('2100-01-01T00:00:00Z');
    const error = {
      category: 'transient',
      origin: 'app',
      code: 'unavailable',
      field: null,
      remote_field: null,
      message: '503',
      explanation: 'Wait.',
    } as const;
    await worker.page(run, 'contacts', [remote('1', { name: 'Ada' })], { nextCursor: 'more', total: 9 });
    await worker.work((work) =>
      changeSyncJob(
        work,
        { ...run, recordType: 'deals' },
        {
          state: 'waiting',
          waitingUntil: until,
          waitingReason: 'retry',
          attempts: 2,
          isLastAttemptFailed: true,
          failingSince: work.now,
          error,
        },
      ),
    );

    const { body } = await tenant.viewer
      .get(`/v1/sync-runs/${toTypeId('run', run.syncRunId)}/jobs`)
      .expect(200);

    expect(body).toMatchObject({
      data: [
        { kind: 'metadata', record_type: null, state: 'queued', error: null },
        {
          kind: 'dataset',
          record_type: 'contacts',
          state: 'running',
          pages: 1,
          records_read: 1,
          expected_records: 9,
          modified_since: null,
        },
        {
          record_type: 'deals',
          state: 'waiting',
          waiting_reason: 'retry',
          waiting_until: until.toISOString(),
          attempts: 2,
          error: { code: 'unavailable' },
        },
      ],
      next_cursor: null,
    });
  });

  it('lists the records that a run created and updated, with the field names, page by page', async () => {
    const worker = await givenOnboarded(service, tenant, {
      contacts: [remote('1', { name: 'Ada', city: 'Rom' }), remote('2', { name: 'Ben' })],
    });
    await tenant.operator.post(runsOf(worker.integration), { kind: 'full' }).expect(202);
    const run = await worker.begin();
    await worker.page(
      run,
      'contacts',
      [remote('1', { name: 'Ada', city: 'Bonn' }), remote('2', { name: 'Ben' })],
      { nextCursor: 'more' },
    );
    await worker.page(run, 'contacts', [remote('3', { name: 'Cem' })]);
    await worker.page(run, 'deals', [remote('1', { name: 'Deal' })]);
    const path = `/v1/sync-runs/${toTypeId('run', run.syncRunId)}/changes`;

    const first = await tenant.viewer.get(`${path}?limit=2`).expect(200);
    const second = await tenant.viewer.get(`${path}?limit=2&cursor=${first.body.next_cursor}`).expect(200);

    const externalIdOf = (remoteId: string) => `${worker.integration.id}:${remoteId}`;
    expect(first.body.data).toMatchObject([
      {
        record_type: 'contacts',
        external_id: externalIdOf('1'),
        change: 'updated',
        fields: ['city'],
        was_deleted: false,
      },
      { record_type: 'contacts', external_id: externalIdOf('3'), change: 'created', fields: [] },
    ]);
    expect(second.body).toMatchObject({
      data: [{ record_type: 'deals', external_id: externalIdOf('1'), change: 'created' }],
      next_cursor: null,
    });
    expect((await tenant.viewer.get(`${path}?change=updated`)).body.data).toHaveLength(1);
    expect((await tenant.viewer.get(`${path}?record_type=deals`)).body.data).toHaveLength(1);
    expect((await tenant.viewer.get(`${path}?change=deleted`)).body.data).toEqual([]);
    expectProblem(
      await tenant.viewer.get(`${path}?change=updated&cursor=${first.body.next_cursor}`),
      400,
      'invalid_cursor',
    );
  });

  it('lists the records that could not be stored, with the reason', async () => {
    const worker = new SimulatedWorker(service, tenant, await givenPulled(tenant));
    const run = await worker.begin();
    const refused = [
      { remoteId: '8', code: 'too_large', message: 'The record is too large.' },
      { remoteId: null, code: 'no_id', message: 'The item at 3 has no id.' },
    ];
    await worker.page(run, 'contacts', [remote('1', { name: 'Ada' })], { refused });
    const id = toTypeId('run', run.syncRunId);

    const { body } = await tenant.viewer.get(`/v1/sync-runs/${id}/errors`).expect(200);

    expect(body.data).toMatchObject([
      { id: expect.stringMatching(/^sre_/), record_type: 'contacts', remote_id: '8', code: 'too_large' },
      { remote_id: null, code: 'no_id' },
    ]);
    expect((await tenant.viewer.get(`/v1/sync-runs/${id}/errors?record_type=deals`)).body.data).toEqual([]);
    expect((await tenant.viewer.get(`/v1/sync-runs/${id}`)).body.progress.records_failed).toBe(2);
  });

  it('is kept when the integration is unlinked', async () => {
    const { integration } = await givenOnboarded(service, tenant);
    await tenant.admin.delete(`/v1/integrations/${integration.id}`).expect(204);

    expect((await tenant.viewer.get('/v1/sync-runs')).body.data).toMatchObject([
      { integration_id: integration.id, state: 'succeeded' },
    ]);
  });
});

describe('canceling', () => {
  it('ends a run that has not started', async () => {
    const { integration } = await givenOnboarded(service, tenant);
    const { body: run } = await tenant.operator.post(runsOf(integration), { kind: 'full' });

    const { body } = await tenant.operator.post(`/v1/sync-runs/${run.id}/cancel`).expect(200);

    expect(body).toMatchObject({
      state: 'canceled',
      is_sync_finished: true,
      canceled_by: expect.stringMatching(/^key:operator/),
    });
    expectProblem(await tenant.operator.post(`/v1/sync-runs/${run.id}/cancel`), 409, 'sync_run_finished');
  });

  it('ends the waiting jobs of a run, signals its workflow, and lets reads end at their page', async () => {
    const worker = await givenOnboarded(service, tenant);
    const { body: asked } = await tenant.operator.post(runsOf(worker.integration), { kind: 'full' });
    const run = await worker.begin();
    await worker.page(run, 'contacts', [remote('1', { name: 'Ada' })], { nextCursor: 'more' });
    const signalRows = () =>
      worker.work(({ trx }) =>
        trx
          .selectFrom('outbox')
          .select('outboxId')
          .where('topic', '=', 'sync_run')
          .where('subjectId', '=', worker.integration.uuid)
          .execute(),
      );
    const before = await signalRows();

    const { body } = await tenant.operator.post(`/v1/sync-runs/${asked.id}/cancel`).expect(200);
    const again = await tenant.operator.post(`/v1/sync-runs/${asked.id}/cancel`).expect(200);
    const { body: jobs } = await tenant.viewer.get(`/v1/sync-runs/${asked.id}/jobs`);

    expect(body).toMatchObject({ state: 'running', cancel_requested_at: expect.any(String) });
    expect(again.body.cancel_requested_at).toBe(body.cancel_requested_at);
    expect(
      jobs.data.map(({ record_type, state }: { record_type: string; state: string }) => [record_type, state]),
    ).toEqual([
      [null, 'canceled'],
      ['contacts', 'running'],
      ['deals', 'canceled'],
    ]);
    expect((await signalRows()).length).toBeGreaterThan(before.length);
    expect(fromTypeId('run', asked.id)).toBe(run.syncRunId);
  });

  it('needs an operator', async () => {
    const { integration } = await givenOnboarded(service, tenant);
    const { body: run } = await tenant.operator.post(runsOf(integration), { kind: 'full' });

    expectProblem(await tenant.viewer.post(`/v1/sync-runs/${run.id}/cancel`), 403, 'role_insufficient');
  });
});
