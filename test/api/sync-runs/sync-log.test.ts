/** What runs leave behind: totals, metadata, conflicts, deletions in review. */
import { sql } from 'kysely';
import { saveRecordTypes } from '../../../db/integrations/metadata';
import { markDatasetSucceeded } from '../../../db/sync-runs/sync-datasets';
import { changeSyncJob } from '../../../db/sync-runs/sync-jobs';
import { compareSides } from '../../../db/pull/comparison/compare-sides';
import { planDeletions } from '../../../db/pull/delete-missing';
import { toTypeId } from '../../../db/sql/ids';
import {
  givenOnboarded,
  givenPulled,
  type Pulled,
  remote,
  type SimulatedWorker,
} from '../support/simulated-worker';
import { expectProblem, type GivenTenant, type Service, startService } from '../support/service';

let service: Service;
let tenant: GivenTenant;
beforeAll(async () => {
  service = await startService();
});
beforeEach(async () => {
  tenant = await service.givenTenant();
});
afterAll(() => service.close());

const startFull = ({ id }: Pulled) =>
  tenant.operator.post(`/v1/integrations/${id}/sync-runs`, { kind: 'full' }).expect(202);

describe('the Sync Status log (rules.md 32)', () => {
  async function givenCounted(): Promise<SimulatedWorker> {
    const worker = await givenOnboarded(service, tenant);
    const place = { integrationId: worker.integration.uuid, isFull: true, watermark: null };
    await worker.work((work) =>
      markDatasetSucceeded(work, { ...place, recordType: 'contacts', counted: { local: 12, remote: 10 } }),
    );
    await startFull(worker.integration);
    await worker.run();
    return worker;
  }

  it('shows both totals, their difference and the breakdown; what is unknown is null and not 0', async () => {
    const worker = await givenCounted();
    await worker.work((work) =>
      markDatasetSucceeded(work, {
        integrationId: worker.integration.uuid,
        recordType: 'deals',
        isFull: true,
        watermark: null,
        counted: { local: 3, remote: 5 },
      }),
    );
    await startFull(worker.integration);
    await worker.run();

    const { body } = await tenant.viewer.get('/v1/sync-status').expect(200);

    const contacts = {
      record_type: 'contacts',
      syncline: 12,
      app: 10,
      difference: 2,
      counted_at: expect.any(String),
    };
    expect(body.data).toMatchObject([
      {
        id: expect.stringMatching(/^sst_/),
        sync_run_id: expect.stringMatching(/^run_/),
        integration_id: worker.integration.id,
        app: 'Example CRM',
        account_name: 'Ada & Sons, production',
        total_syncline: 15,
        total_app: 15,
        total_difference: 0,
        breakdown: [contacts, { record_type: 'deals', syncline: 3, app: 5, difference: -2 }],
      },
      {
        total_syncline: null,
        total_app: null,
        total_difference: null,
        breakdown: [
          contacts,
          { record_type: 'deals', syncline: null, app: null, difference: null, counted_at: null },
        ],
      },
      { total_difference: null },
    ]);
  });

  it('is listed by app, account, integration and time', async () => {
    const { integration } = await givenOnboarded(service, tenant);
    await givenOnboarded(service, tenant, {}, { app: 'Other', account_name: 'Staging' });
    const count = async (query: string) =>
      (await tenant.viewer.get(`/v1/sync-status?${query}`).expect(200)).body.data.length;

    expect(await count('')).toBe(2);
    expect(await count('app=Other')).toBe(1);
    expect(await count('account_name=Staging&app=Example+CRM')).toBe(0);
    expect(await count(`integration_id=${integration.id}`)).toBe(1);
    expect(await count('as_of_before=2000-01-01T00:00:00Z')).toBe(0);
    expect(await count('as_of_after=2000-01-01T00:00:00%2B02:00&as_of_before=2100-01-01T00:00:00Z')).toBe(2);
    const first = await tenant.viewer.get('/v1/sync-status?limit=1').expect(200);
    expect(
      (await tenant.viewer.get(`/v1/sync-status?limit=1&cursor=${first.body.next_cursor}`).expect(200)).body,
    ).toMatchObject({ next_cursor: null });
  });
});

describe('metadata (rules.md 28)', () => {
  const type = (values: string[]) => [
    {
      name: 'contacts',
      label: 'Contacts',
      fields: [{ name: 'status', label: 'Status', type: 'string' as const, isRequired: false, values }],
    },
  ];

  it('comes from the configuration until the third party was read, and then from the third party', async () => {
    const worker = await givenOnboarded(service, tenant);
    const path = `/v1/integrations/${worker.integration.id}`;
    const before = await tenant.viewer.get(`${path}/record-types`).expect(200);
    const { syncRunId } = (await startFull(worker.integration), await worker.begin());

    await worker.work((work) =>
      saveRecordTypes(work, { integrationId: worker.integration.uuid, syncRunId, seen: type(['open']) }),
    );

    const after = await tenant.viewer.get(`${path}/record-types`).expect(200);
    expect(
      before.body.data.map(({ name, read_at }: { name: string; read_at: null }) => [name, read_at]),
    ).toEqual([
      ['contacts', null],
      ['deals', null],
    ]);
    expect(after.body.data).toEqual([
      {
        name: 'contacts',
        label: 'Contacts',
        fields: [{ name: 'status', label: 'Status', type: 'string', is_required: false, values: ['open'] }],
        read_at: expect.any(String),
      },
    ]);
    const { read_at: _readAt, ...known } = after.body.data[0];
    expect((await tenant.viewer.get(path)).body.remote_record_types).toEqual([known]);
  });

  it('lists changes, newest first, without those of the first read', async () => {
    const worker = await givenOnboarded(service, tenant);
    await startFull(worker.integration);
    const { syncRunId } = await worker.begin();
    const note = (values: string[]) =>
      worker.work((work) =>
        saveRecordTypes(work, { integrationId: worker.integration.uuid, syncRunId, seen: type(values) }),
      );
    await note(['open']);
    expect((await tenant.viewer.get('/v1/metadata-changes').expect(200)).body.data).toEqual([]);

    await note(['open', 'won']);
    await note(['won']);

    const { body } = await tenant.viewer
      .get(`/v1/metadata-changes?integration_id=${worker.integration.id}`)
      .expect(200);
    const place = {
      integration_id: worker.integration.id,
      sync_run_id: toTypeId('run', syncRunId),
      record_type: 'contacts',
      field: 'status',
    };
    expect(body.data).toMatchObject([
      { ...place, kind: 'value_removed', detail: { value: 'open' } },
      { ...place, kind: 'value_added', detail: { value: 'won' } },
    ]);
  });
});

describe('conflicts (rules.md 13, 17)', () => {
  it('are listed with both values, newest first, by integration and kind', async () => {
    await tenant.operator.put('/v1/records/contacts/c-1', { fields: { email: 'a@example.org' } }).expect(202);
    await tenant.operator.put('/v1/records/contacts/c-2', { fields: { email: 'a@example.org' } }).expect(202);
    const record_types = {
      contacts: { direction: 'pull', fields: [{ name: 'email', to: 'email' }], match_by: 'email' },
    };
    const worker = await givenOnboarded(
      service,
      tenant,
      { contacts: [remote('7', { email: 'a@example.org' })] },
      { record_types },
    );
    const other = await givenPulled(tenant);

    const { body } = await tenant.viewer.get('/v1/sync-conflicts').expect(200);

    expect(body.data).toMatchObject([
      {
        id: expect.stringMatching(/^cnf_/),
        integration_id: worker.integration.id,
        record_type: 'contacts',
        remote_id: '7',
        record_id: null,
        external_id: null,
        kind: 'ambiguous_match',
        field: 'email',
        ours: null,
        theirs: 'a@example.org',
        winner: null,
      },
    ]);
    expect(
      (await tenant.viewer.get('/v1/sync-conflicts?kind=field_changed_on_both_sides')).body.data,
    ).toEqual([]);
    expect((await tenant.viewer.get(`/v1/sync-conflicts?integration_id=${other.id}`)).body.data).toEqual([]);
    expectProblem(await tenant.viewer.get('/v1/sync-conflicts?kind=war'), 400, 'invalid_query');
  });
});

describe('deletion reviews (rules.md 31)', () => {
  async function givenReview() {
    const contacts = Array.from({ length: 30 }, (_, index) => remote(String(index), { name: `n ${index}` }));
    const worker = await givenOnboarded(service, tenant, { contacts });
    await worker.work(({ trx, now }) =>
      sql`update record_links set updated_at = ${new Date(now.getTime() - 60_000)}`.execute(trx),
    );
    await startFull(worker.integration);
    const run = await worker.begin();
    await worker.page(run, 'contacts', contacts.slice(0, 5));
    const place = {
      integrationId: worker.integration.uuid,
      syncRunId: run.syncRunId,
      recordType: 'contacts',
    };
    await compareSides((compare) => worker.work(compare), place);
    expect(await worker.work((work) => planDeletions(work, place))).toBe('needs_review');
    await worker.work((work) => changeSyncJob(work, place, { state: 'succeeded' }));
    const { body } = await tenant.viewer.get('/v1/deletion-reviews?state=pending').expect(200);
    return { worker, id: body.data[0].id as string, listed: body.data[0] };
  }
  const openNotifications = async () =>
    (await tenant.viewer.get('/v1/notifications?is_open=true').expect(200)).body.data.map(
      ({ kind }: { kind: string }) => kind,
    );
  const countRecords = async () =>
    (await tenant.viewer.get('/v1/records/contacts?limit=100').expect(200)).body.data.length;

  it('show the deletions, and list the records page by page', async () => {
    const { worker, id, listed } = await givenReview();
    const path = `/v1/deletion-reviews/${id}`;

    const { body: shown } = await tenant.viewer.get(path).expect(200);
    const first = await tenant.viewer.get(`${path}/records?limit=20`).expect(200);
    const second = await tenant.viewer
      .get(`${path}/records?limit=20&cursor=${first.body.next_cursor}`)
      .expect(200);

    expect(shown).toEqual(listed);
    expect(shown).toMatchObject({
      integration_id: worker.integration.id,
      record_type: 'contacts',
      state: 'pending',
      records_missing: 25,
      records_before: 30,
      records_deleted: null,
      decided_by: null,
    });
    expect(
      new Set(
        [...first.body.data, ...second.body.data].map(
          ({ external_id }: { external_id: string }) => external_id,
        ),
      ).size,
    ).toBe(25);
    expect(first.body.data[0]).toEqual({
      id: expect.stringMatching(/^rec_/),
      record_type: 'contacts',
      external_id: expect.stringContaining(worker.integration.id),
    });
    expect(second.body.next_cursor).toBeNull();
    expect(await openNotifications()).toContain('deletions_need_review');
    expect(await countRecords()).toBe(30);
  });

  it('delete the parked records when they are approved, once', async () => {
    const { id } = await givenReview();

    const { body } = await tenant.admin.post(`/v1/deletion-reviews/${id}/approve`).expect(200);

    expect(body).toMatchObject({
      state: 'approved',
      records_deleted: 25,
      decided_by: expect.stringMatching(/^key:admin/),
      decided_at: expect.any(String),
    });
    expect(await countRecords()).toBe(5);
    const again = await tenant.admin.post(`/v1/deletion-reviews/${id}/discard`);
    expectProblem(again, 409, 'review_decided');
    expect(JSON.parse(again.text).detail).toContain('approved by key:admin');
    expect((await tenant.viewer.get('/v1/deletion-reviews?state=pending')).body.data).toEqual([]);
    expect((await tenant.admin.get('/v1/audit-log?action=deletion_review.approved')).body.data).toMatchObject(
      [{ target: id, detail: { records_deleted: 25 } }],
    );
    expect(await openNotifications()).not.toContain('deletions_need_review');
  });

  it('delete nothing when they are discarded', async () => {
    const { id } = await givenReview();

    const { body } = await tenant.admin.post(`/v1/deletion-reviews/${id}/discard`).expect(200);

    expect(body).toMatchObject({ state: 'discarded', records_deleted: 0 });
    expect(await countRecords()).toBe(30);
    expectProblem(await tenant.admin.post(`/v1/deletion-reviews/${id}/approve`), 409, 'review_decided');
  });

  it('are superseded when their integration is deleted, and its records are kept', async () => {
    const { id, worker } = await givenReview();

    await tenant.admin.delete(`/v1/integrations/${worker.integration.id}`).expect(204);

    expect((await tenant.viewer.get(`/v1/deletion-reviews/${id}`)).body).toMatchObject({
      state: 'superseded',
      decided_by: null,
    });
    expectProblem(await tenant.admin.post(`/v1/deletion-reviews/${id}/approve`), 409, 'review_decided');
    expect(await countRecords()).toBe(30);
  });

  it('are decided by admins only', async () => {
    const { id } = await givenReview();

    expectProblem(await tenant.operator.post(`/v1/deletion-reviews/${id}/approve`), 403, 'role_insufficient');
    expectProblem(await tenant.operator.post(`/v1/deletion-reviews/${id}/discard`), 403, 'role_insufficient');
    expect(await countRecords()).toBe(30);
  });
});
