import { beginOverview, deleteOverviewData, endOverviewJob } from '../../../db/overviews/overview-lifecycle';
import { changeOverviewJob } from '../../../db/overviews/overview-jobs';
import { expireOverview } from '../../../db/overviews/invalidate-overviews';
import { previewPage } from '../../../db/overviews/preview-pull';
import { pullTargetOf } from '../../../db/pull/page';
import { fromTypeId } from '../../../db/sql/ids';
import { findIntegration } from '../../../db/integrations/integrations';
import type { OverviewInvalidity } from '../../../domain/overviews/overview';
import { givenOnboarded, remote, type SimulatedWorker } from '../support/simulated-worker';
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

const overviewsOf = ({ id }: { id: string }) => `/v1/integrations/${id}/overviews`;
const syncNowOf = ({ id }: { id: string }) => `/v1/integrations/${id}/sync-now`;
const AT_ONCE = ['prefer', 'respond-async'] as const;

/** What the workflow of an overview does, with so many new contacts to show. */
async function make(worker: SimulatedWorker, overviewId: string, newContacts = 2): Promise<void> {
  const uuid = fromTypeId('ovw', overviewId) as string;
  for (;;) {
    const started = await worker.work((work) => beginOverview(work, { overviewId: uuid }));
    if (started?.job === undefined) return;
    const { job, integration } = started;
    await worker.work(async (work) => {
      await changeOverviewJob(work, job, { state: 'running', startedAt: work.now });
      const records =
        job.recordType === 'contacts'
          ? Array.from({ length: newContacts }, (_, index) =>
              remote(`new-${index}`, { name: `New ${index}` }),
            )
          : [];
      const page = {
        records,
        tombstones: [],
        refused: [],
        altered: [],
        nextCursor: null,
        asOf: null,
        total: null,
      };
      const place = {
        ...pullTargetOf(integration, job.recordType),
        syncRunId: uuid,
        overviewId: null,
        pagesBefore: 0,
        requestedAt: work.now,
      };
      await previewPage(work, job, { ...page, ...place }, { cursor: null, isLast: true, total: null });
      await endOverviewJob(work, job, { state: 'succeeded' });
    });
  }
}

async function givenReady() {
  const worker = await givenOnboarded(service, tenant);
  const { body } = await tenant.operator
    .post(overviewsOf(worker.integration), {})
    .set(...AT_ONCE)
    .expect(202);
  await make(worker, body.overview.id);
  return { worker, integration: worker.integration, overviewId: body.overview.id as string };
}

describe('asking for a Sync Overview (rules.md 18, 19)', () => {
  it('answers 202 at once to a caller that does not wait, with an operation to follow', async () => {
    const worker = await givenOnboarded(service, tenant);
    const { integration } = worker;

    const response = await tenant.operator
      .post(overviewsOf(integration), {})
      .set(...AT_ONCE)
      .expect(202);

    expect(response.headers).toMatchObject({
      location: `/v1/operations/${response.body.operation.id}`,
      'preference-applied': 'respond-async',
    });
    expect(response.body).toMatchObject({
      operation: { kind: 'overview', overview_id: response.body.overview.id, ended_at: null },
      overview: {
        state: 'queued',
        is_valid: false,
        invalid: null,
        datasets: [{ record_type: 'contacts', direction: 'pull' }, { record_type: 'deals' }],
      },
    });
    await make(worker, response.body.overview.id);
    expect((await tenant.viewer.get(response.headers['location'] as string).expect(200)).body).toMatchObject({
      ended_at: expect.any(String),
    });
    expect(
      (await tenant.viewer.get(`/v1/overviews/${response.body.overview.id}`).expect(200)).body,
    ).toMatchObject({ state: 'ready', is_valid: true });
  });

  it('answers a waiting caller with 200 and the result, and creates no notification', async () => {
    const worker = await givenOnboarded(service, tenant);
    const { integration } = worker;
    const asked = tenant.operator
      .post(overviewsOf(integration), {})
      .set('prefer', 'wait=20')
      .then((response) => response);
    let overviewId: string | undefined;
    while (overviewId === undefined)
      overviewId = (await tenant.viewer.get('/v1/overviews')).body.data[0]?.id as string | undefined;
    await make(worker, overviewId);

    const response = await asked;

    expect(response.status).toBe(200);
    expect(response.body.overview).toMatchObject({
      state: 'ready',
      datasets: [{ creates: 2 }, { creates: 0 }],
    });
    let operation = await worker.work(({ trx }) =>
      trx.selectFrom('operations').selectAll().executeTakeFirstOrThrow(),
    );
    for (let tries = 0; operation.answeredAt === null && tries < 100; tries += 1)
      operation = await worker.work(({ trx }) =>
        trx.selectFrom('operations').selectAll().executeTakeFirstOrThrow(),
      );
    expect(operation).toMatchObject({ endedAt: expect.any(Date), answeredAt: expect.any(Date) });
  });

  it('is one overview for one Idempotency-Key, and supersedes the one before for any other', async () => {
    const { integration } = await givenOnboarded(service, tenant);
    const ask = (key: string) =>
      tenant.operator
        .post(overviewsOf(integration), {})
        .set(...AT_ONCE)
        .set('idempotency-key', key)
        .expect(202);
    const [first, again] = [await ask('one'), await ask('one')];
    expect(again.body.overview.id).toBe(first.body.overview.id);
    const second = await ask('two');

    const problem = await tenant.viewer.get(`/v1/overviews/${first.body.overview.id}`);

    expectProblem(problem, 410, 'overview_no_longer_valid');
    expect(problem.body).toMatchObject({
      title: 'Sync Overview data no longer valid',
      context: {
        reason: 'superseded_by_new_overview',
        overview_id: second.body.overview.id,
        invalid_at: expect.any(String),
        invalid_by: expect.stringMatching(/^key:operator/),
      },
    });
  });

  it('is refused while there is nothing to show', async () => {
    const { integration } = await givenOnboarded(service, tenant);
    await tenant.operator.post(`/v1/integrations/${integration.id}/pause`).expect(200);
    expectProblem(await tenant.operator.post(overviewsOf(integration), {}), 409, 'integration_paused');
    expectProblem(await tenant.operator.post(syncNowOf(integration), {}), 409, 'integration_paused');
    expectProblem(await tenant.viewer.post(overviewsOf(integration), {}), 403, 'role_insufficient');
    expectProblem(
      await tenant.operator.post(overviewsOf(integration), { directions: [] }),
      400,
      'invalid_body',
    );
  });

  it('is refused for a direction without a mapping', async () => {
    const { integration } = await givenOnboarded(service, tenant);
    expectProblem(
      await tenant.operator.post(overviewsOf(integration), { directions: ['push'] }),
      409,
      'nothing_to_sync',
    );
  });
});

describe('what it shows', () => {
  it('is paged, filtered and searched, before and after', async () => {
    const { overviewId } = await givenReady();
    const path = `/v1/overviews/${overviewId}/items`;

    const first = await tenant.viewer.get(`${path}?limit=1`).expect(200);
    const second = await tenant.viewer.get(`${path}?limit=1&cursor=${first.body.next_cursor}`).expect(200);

    expect(first.body.data).toMatchObject([
      { action: 'create', direction: 'pull', remote_id: 'new-0', before: null, after: { name: 'New 0' } },
    ]);
    expect(second.body).toMatchObject({ data: [{ remote_id: 'new-1' }], next_cursor: null });
    expect((await tenant.viewer.get(`${path}?q=new%201`).expect(200)).body.data).toMatchObject([
      { remote_id: 'new-1' },
    ]);
    expect((await tenant.viewer.get(`${path}?q=NEW-0`).expect(200)).body.data).toMatchObject([
      { remote_id: 'new-0' },
    ]);
    expect((await tenant.viewer.get(`${path}?q=%25`).expect(200)).body.data).toEqual([]);
    // The name of a field is no value of it.
    expect((await tenant.viewer.get(`${path}?q=name`).expect(200)).body.data).toEqual([]);
    expect((await tenant.viewer.get(`${path}?action=delete`).expect(200)).body.data).toEqual([]);
    expectProblem(
      await tenant.viewer.get(`${path}?action=delete&cursor=${first.body.next_cursor}`),
      400,
      'invalid_cursor',
    );
  });

  it('of a thousand changes is paged to its end without a gap', async () => {
    const worker = await givenOnboarded(service, tenant);
    const { integration } = worker;
    const { body } = await tenant.operator
      .post(overviewsOf(integration), {})
      .set(...AT_ONCE)
      .expect(202);
    await make(worker, body.overview.id, 1_000);
    const seen = new Set<string>();
    let cursor: string | null = null;
    do {
      const page: { body: { data: { id: string }[]; next_cursor: string | null } } = await tenant.viewer
        .get(`/v1/overviews/${body.overview.id}/items?limit=200${cursor === null ? '' : `&cursor=${cursor}`}`)
        .expect(200);
      for (const { id } of page.body.data) seen.add(id);
      cursor = page.body.next_cursor;
    } while (cursor !== null);
    expect(seen.size).toBe(1_000);
  });
});

describe('an overview that no longer holds (rules.md 19, 20)', () => {
  it('answers 410 everywhere, with the reason, the time, the requester and the replacement', async () => {
    const { integration, overviewId, worker } = await givenReady();
    const run = await tenant.operator
      .post(syncNowOf(integration), {})
      .set(...AT_ONCE)
      .expect(202);
    for (const path of [`/v1/overviews/${overviewId}`, `/v1/overviews/${overviewId}/items`]) {
      const problem = await tenant.viewer.get(path);
      expectProblem(problem, 410, 'overview_no_longer_valid');
      expect(problem.body.context).toMatchObject({
        reason: 'superseded_by_sync',
        sync_run_id: run.body.sync_run.id,
      });
    }
    expectProblem(
      await tenant.operator.post(syncNowOf(integration), { overview_id: overviewId }),
      410,
      'overview_no_longer_valid',
    );
    expect((await tenant.viewer.get('/v1/overviews').expect(200)).body.data).toMatchObject([
      { id: overviewId, is_valid: false, invalid: { reason: 'superseded_by_sync' } },
    ]);
    expect(
      await worker.work((work) => findIntegration(work, { integrationId: integration.uuid })),
    ).toBeDefined();
  });

  it('after seven days, also before its state has been updated', async () => {
    const { overviewId, worker } = await givenReady();
    const uuid = fromTypeId('ovw', overviewId) as string;
    await worker.work(({ trx, now }) =>
      trx
        .updateTable('overviews')
        .set({ expiresAt: new Date(now.getTime() - 1_000) })
        .where('overviewId', '=', uuid)
        .execute(),
    );
    const before = await tenant.viewer.get(`/v1/overviews/${overviewId}`);
    await worker.work((work) => expireOverview(work, { overviewId: uuid }));
    const after = await tenant.viewer.get(`/v1/overviews/${overviewId}`);
    expectProblem(before, 410, 'overview_no_longer_valid');
    expect([before.body.context.reason, after.body.context.reason]).toEqual(['expired', 'expired']);
  });
});

/** What each reason comes about by. @returns what the answer says besides. */
const INVALIDITIES: Record<
  OverviewInvalidity,
  (given: Awaited<ReturnType<typeof givenReady>>) => Promise<object>
> = {
  async superseded_by_new_overview({ integration }) {
    const newer = await tenant.operator.post(overviewsOf(integration), {}).set(...AT_ONCE);
    return {
      overview_id: newer.body.overview.id,
      sync_run_id: null,
      invalid_by: expect.stringMatching(/^key:operator/),
    };
  },
  async superseded_by_other_admin({ integration }) {
    const newer = await tenant.admin.post(overviewsOf(integration), {}).set(...AT_ONCE);
    return {
      overview_id: newer.body.overview.id,
      sync_run_id: null,
      invalid_by: expect.stringMatching(/^key:admin/),
    };
  },
  async superseded_by_sync({ integration }) {
    const run = await tenant.admin.post(syncNowOf(integration), {}).set(...AT_ONCE);
    return {
      overview_id: null,
      sync_run_id: run.body.sync_run.id,
      invalid_by: expect.stringMatching(/^key:admin/),
    };
  },
  async applied({ integration, overviewId, worker }) {
    const run = await tenant.operator
      .post(syncNowOf(integration), { overview_id: overviewId })
      .set(...AT_ONCE);
    await worker.run();
    return {
      overview_id: null,
      sync_run_id: run.body.sync_run.id,
      invalid_by: expect.stringMatching(/^key:operator/),
    };
  },
  async expired({ overviewId, worker }) {
    const uuid = fromTypeId('ovw', overviewId) as string;
    await worker.work(({ trx, now }) =>
      trx.updateTable('overviews').set({ expiresAt: now }).where('overviewId', '=', uuid).execute(),
    );
    await worker.work((work) => expireOverview(work, { overviewId: uuid }));
    return { overview_id: null, sync_run_id: null, invalid_by: 'syncline' };
  },
  async integration_deleted({ integration }) {
    await tenant.admin.delete(`/v1/integrations/${integration.id}`).expect(204);
    return { overview_id: null, sync_run_id: null, invalid_by: expect.stringMatching(/^key:admin/) };
  },
};

describe.each(Object.entries(INVALIDITIES))(
  'an overview that is no longer valid because: %s (rules.md 20)',
  (reason, invalidate) => {
    it('is answered 410 with that reason by every route, also after its data is deleted', async () => {
      const given = await givenReady();
      const { overviewId, integration, worker } = given;
      await tenant.viewer.get(`/v1/overviews/${overviewId}/items`).expect(200);

      const said = await invalidate(given);

      const context = { reason, invalid_at: expect.any(String), integration_id: integration.id, ...said };
      for (const path of [`/v1/overviews/${overviewId}`, `/v1/overviews/${overviewId}/items`]) {
        const problem = await tenant.viewer.get(path);
        expectProblem(problem, 410, 'overview_no_longer_valid');
        expect(problem.body).toMatchObject({ title: 'Sync Overview data no longer valid', context });
      }
      const applying = await tenant.operator.post(syncNowOf(integration), { overview_id: overviewId });
      if (reason === 'integration_deleted') expectProblem(applying, 404, 'integration_not_found');
      else expectProblem(applying, 410, 'overview_no_longer_valid');
      await worker.work((work) =>
        deleteOverviewData(work, { overviewId: fromTypeId('ovw', overviewId) as string }),
      );
      expect((await tenant.viewer.get(`/v1/overviews/${overviewId}`)).body).toMatchObject({
        status: 410,
        context,
      });
      const listed = (await tenant.viewer.get('/v1/overviews').expect(200)).body.data as { id: string }[];
      expect(listed.find(({ id }) => id === overviewId)).toMatchObject({
        is_valid: false,
        invalid: { reason, message: expect.stringContaining('no longer valid') },
      });
    });
  },
);

describe('Sync Now (rules.md 21)', () => {
  it('is one run for any number of requests at once, with an operation for each', async () => {
    const { integration } = await givenOnboarded(service, tenant);
    // On a slow machine some wait longer for a database connection than a request may; they try again.
    const press = async () => {
      for (;;) {
        const answer = await tenant.operator.post(syncNowOf(integration), {}).set(...AT_ONCE);
        if (answer.status !== 503) return answer;
        expectProblem(answer, 503, 'database_unavailable');
      }
    };
    const pressed = await Promise.all(Array.from({ length: 20 }, press));
    expect(new Set(pressed.map(({ status }) => status))).toEqual(new Set([202]));
    expect(new Set(pressed.map(({ body }) => body.sync_run.id)).size).toBe(1);
    expect(new Set(pressed.map(({ body }) => body.operation.id)).size).toBe(20);
  });

  it('from an overview names it, and refuses an overview of another integration', async () => {
    const { integration, overviewId } = await givenReady();
    const other = await givenOnboarded(service, tenant);
    expectProblem(
      await tenant.operator.post(syncNowOf(other.integration), { overview_id: overviewId }),
      404,
      'overview_not_found',
    );
    const run = await tenant.operator
      .post(syncNowOf(integration), { overview_id: overviewId })
      .set(...AT_ONCE)
      .expect(202);
    expect(run.body.sync_run).toMatchObject({ kind: 'sync_now', overview_id: overviewId });
    expect((await tenant.viewer.get(`/v1/overviews/${overviewId}`).expect(200)).body).toMatchObject({
      applied_sync_run_id: run.body.sync_run.id,
    });
  });

  it('from an overview that is not ready is refused', async () => {
    const { integration } = await givenOnboarded(service, tenant);
    const { body } = await tenant.operator
      .post(overviewsOf(integration), {})
      .set(...AT_ONCE)
      .expect(202);
    expectProblem(
      await tenant.operator.post(syncNowOf(integration), { overview_id: body.overview.id }),
      409,
      'overview_not_ready',
    );
    expectProblem(
      await tenant.viewer.get(`/v1/overviews/${body.overview.id}/items`),
      409,
      'overview_not_ready',
    );
  });
});
