/** Large lists that several workers read in ranges, on skipped time (rules.md 60). */
import { MockActivityEnvironment } from '@temporalio/testing';
import { createSyncRunActivities } from '../../../../activities/sync-runs/sync-run';
import type { ReadRequest } from '../../../../connectors/connector';
import { RecordRejected, Unavailable } from '../../../../connectors/errors';
import type { SyncJobReport } from '../../../../contract/sync-run';
import { Random } from '../../../support/random';
import { until } from '../../../support/until';
import { PushEnvironment, type TestTenant } from '../../../support/environments/push-environment';
import { CrmIntegration, fill, people } from '../../../support/environments/crm-integration';

/** Four ranges of six, six, six and seven. */
const BOUNDS = ['p005', 'p011', 'p017'];
const COUNT = 25;
let environment: PushEnvironment;
let tenant: TestTenant;

beforeAll(async () => {
  environment = await PushEnvironment.create();
});
afterAll(() => environment.end());
beforeEach(async () => {
  tenant = await environment.tenant();
});

/** A CRM with `COUNT` contacts, onboarded, whose lists are read in ranges from now on. */
async function divided(bounds = BOUNDS): Promise<CrmIntegration> {
  const pulled = await CrmIntegration.onboarded(tenant, {}, fill(environment, COUNT));
  pulled.account.bounds = bounds;
  pulled.account.reads.length = 0;
  return pulled;
}

const isOf = ({ range }: ReadRequest, number: number): boolean =>
  (JSON.parse(range ?? '[null]') as (string | null)[])[0] === (BOUNDS[number - 1] ?? null);
const rangesOf = (pulled: CrmIntegration) =>
  pulled.inTenant(({ trx }) => trx.selectFrom('syncRanges').selectAll().execute());

async function renameAll({ account }: CrmIntegration): Promise<void> {
  for (const [id, fields] of account.held('contacts'))
    await account.put('contacts', id, { ...fields, name: 'changed' });
}

/** A full run whose activities the test calls itself. */
async function byHand(pulled: CrmIntegration) {
  const { syncRunId } = await pulled.request('full');
  const activities = createSyncRunActivities(environment.dependencies);
  const place = { tenantId: tenant.tenantId, integrationId: pulled.integrationId };
  const run = <T>(activity: () => Promise<T>): Promise<T> => new MockActivityEnvironment().run(activity);
  await run(() => activities.startNextSyncRun(place));
  const job = { kind: 'pull' as const, recordType: 'contacts' };
  const firedAt = await environment.now();
  const advance = (more: { divides?: boolean; range?: number }): Promise<SyncJobReport> =>
    run(() => activities.advanceSyncJob({ ...place, syncRunId, job, firedAt, ...more }));
  return { syncRunId, advance };
}

describe('rule 60: a large list that is read in ranges (F10)', () => {
  it('is imported by several activities at the same time, each record once', async () => {
    let [inProgress, atOnce] = [0, 0];
    const pulled = await CrmIntegration.onboarded(tenant, {}, async (account) => {
      await fill(environment, COUNT)(account);
      account.bounds = BOUNDS;
      account.beforePage = async () => {
        atOnce = Math.max(atOnce, (inProgress += 1));
        await until('all ranges are being read', () => atOnce === 4);
        inProgress -= 1;
      };
    });

    const [run] = await pulled.runs();
    expect(await pulled.job(run?.syncRunId ?? '')).toMatchObject({
      state: 'succeeded',
      recordsRead: COUNT,
      recordsNew: COUNT,
      recordsFailed: 0,
      pages: 9,
    });
    expect(Object.keys(await pulled.names())).toEqual(people(COUNT));
    expect(pulled.account.reads.every(({ range }) => range !== undefined)).toBe(true);
    expect(await pulled.dataset()).toMatchObject({ localTotal: COUNT, remoteTotal: COUNT });
    expect(await rangesOf(pulled)).toEqual([]);
  });

  it('loses and doubles nothing while records come, go and change', async () => {
    const pulled = await divided();
    let isChanged = false;
    pulled.account.beforePage = async (request) => {
      if (isChanged || request.cursor === null) return;
      isChanged = true;
      await pulled.account.put('contacts', 'a-first', { name: 'before all bounds' });
      await pulled.account.put('contacts', 'z-last', { name: 'behind all bounds' });
      await pulled.account.put('contacts', 'p022', { name: 'changed' });
      for (const gone of ['p003', 'p011', 'p024']) await pulled.account.remove('contacts', gone);
    };
    const run = await pulled.sync('full');
    await pulled.sync('incremental');
    pulled.account.beforePage = () => undefined;
    await pulled.sync('full');

    expect(run.state).toBe('succeeded');
    const held = await pulled.names();
    expect(held).toEqual(
      Object.fromEntries([...pulled.account.held('contacts')].map(([id, { name }]) => [id, name])),
    );
    expect(Object.keys(held)).toHaveLength(COUNT + 2 - 3);
  });

  it('deletes what is missing once all ranges have ended, and sums up what they counted', async () => {
    const pulled = await divided();
    for (const gone of ['p000', 'p012', 'p024']) await pulled.account.remove('contacts', gone);
    await pulled.account.put('contacts', 'p020', { name: 'changed' });
    const run = await pulled.sync('full');

    expect(await pulled.job(run.syncRunId)).toMatchObject({
      state: 'succeeded',
      recordsRead: COUNT - 3,
      recordsChanged: 1,
      recordsUnchanged: COUNT - 4,
      recordsDeleted: 3,
    });
    expect(await pulled.dataset()).toMatchObject({ localTotal: COUNT - 3, remoteTotal: COUNT - 3 });
  });

  it('continues a range that failed at its own page, and deletes nothing of it meanwhile', async () => {
    const pulled = await divided();
    await pulled.account.remove('contacts', 'p001');
    let failures = 0;
    let deletedMeanwhile: number | undefined;
    pulled.account.beforePage = async (request) => {
      if (!isOf(request, 2) || request.cursor === null || failures === 2) return;
      if ((failures += 1) === 2) {
        const job = await pulled.job((await pulled.runs()).at(-1)?.syncRunId ?? '');
        deletedMeanwhile = job.recordsDeleted;
      }
      throw new Unavailable('Bad gateway.', 502);
    };
    const run = await pulled.sync('full');

    expect(await pulled.job(run.syncRunId)).toMatchObject({
      state: 'succeeded',
      recordsRead: COUNT - 1,
      recordsDeleted: 1,
    });
    expect([failures, deletedMeanwhile]).toEqual([2, 0]);
    const firstPages = pulled.account.reads.filter(({ cursor }) => cursor === null);
    expect(firstPages).toHaveLength(4);
    expect((await pulled.held()).size).toBe(COUNT - 1);
  });

  it('fails as a whole if a range cannot be read, keeps what the others read, and deletes nothing', async () => {
    const pulled = await divided();
    await renameAll(pulled);
    await pulled.account.remove('contacts', 'p002');
    const newest = async () => pulled.job((await pulled.runs()).at(-1)?.syncRunId ?? '');
    pulled.account.beforePage = async (request) => {
      if (!isOf(request, 3)) return;
      await until('the others are stored', async () => (await newest()).recordsChanged === 17);
      throw new RecordRejected('The table was locked.', []);
    };
    const run = await pulled.sync('full');

    const job = await pulled.job(run.syncRunId);
    expect(job).toMatchObject({ state: 'failed', recordsDeleted: 0, recordsChanged: 17 });
    expect((await pulled.held()).size).toBe(COUNT);
    expect(await rangesOf(pulled)).toEqual([]);
  });

  it('keeps what a range has listed again in a deletion review, if another range cannot be read', async () => {
    const pulled = await divided();
    const contacts = [...pulled.account.held('contacts')];
    const gone = new Random().shuffled(contacts).slice(0, 22);
    for (const [id] of gone) await pulled.account.remove('contacts', id);
    await pulled.sync('full');
    expect(await pulled.reviews()).toMatchObject([{ state: 'pending', recordsMissing: 22 }]);
    for (const [id, fields] of gone.slice(0, 15)) await pulled.account.put('contacts', id, fields);
    const bound = BOUNDS[2] ?? '';
    const listed = [...pulled.account.held('contacts').keys()].filter((id) => id <= bound);
    const newest = async () => pulled.job((await pulled.runs()).at(-1)?.syncRunId ?? '');
    pulled.account.beforePage = async (request) => {
      if (!isOf(request, 3)) return;
      await until('the others are stored', async () => (await newest()).recordsRead === listed.length);
      throw new RecordRejected('The table was locked.', []);
    };
    await pulled.sync('full');

    expect(await newest()).toMatchObject({ state: 'failed', recordsRead: listed.length });
    const missing = gone.filter(([id]) => !listed.includes(id)).length;
    expect(await pulled.reviews()).toMatchObject([{ state: 'pending', recordsMissing: missing }]);
    expect(await pulled.decideReview('approved')).toBe(missing);
    expect(Object.keys(await pulled.names())).toEqual(expect.arrayContaining(listed));
  });

  it('stops in all ranges when the run is canceled', async () => {
    const pulled = await divided();
    await pulled.account.remove('contacts', 'p002');
    let canceled: Promise<void> | undefined;
    pulled.account.beforePage = async (request) => {
      if (request.cursor !== null) return;
      canceled ??= pulled.runs().then((runs) => pulled.cancel(runs.at(-1)?.syncRunId ?? ''));
      await canceled;
    };
    const run = await pulled.sync('full');

    expect(run).toMatchObject({ state: 'canceled' });
    // Of each range the page that was being read, and perhaps one that was requested ahead.
    expect(pulled.account.reads.length).toBeLessThanOrEqual(8);
    expect((await pulled.held()).size).toBe(COUNT);
    expect(await rangesOf(pulled)).toEqual([]);
  });

  it.each([[[1]], [[0, 1, 2, 3]]])(
    'starts over in one piece, once, when the third party no longer knows the positions in the ranges %j',
    async (forgotten) => {
      const pulled = await divided();
      const expired = new Set<number>();
      pulled.account.beforePage = (request) => {
        const range = forgotten.find((one) => isOf(request, one) && !expired.has(one));
        if (range === undefined || request.cursor === null || request.range === undefined) return;
        expired.add(range);
        throw new RecordRejected('The cursor has expired.', []);
      };
      await pulled.account.remove('contacts', 'p004');
      const run = await pulled.sync('full');

      expect(await pulled.job(run.syncRunId)).toMatchObject({
        state: 'succeeded',
        restarts: 1,
        recordsDeleted: 1,
      });
      expect((await pulled.held()).size).toBe(COUNT - 1);
    },
  );

  it('leaves what was read last to the next run: the watermark is that of the range that began first', async () => {
    const pulled = await divided();
    const times: Date[] = [];
    pulled.account.distort = (page, request) => {
      if (request.cursor !== null || page.asOf === null) return page;
      const asOf = new Date(page.asOf.getTime() - (isOf(request, 2) ? 60_000 : 0));
      times.push(asOf);
      return { ...page, asOf };
    };
    await pulled.sync('full');

    expect(times).toHaveLength(4);
    expect((await pulled.dataset()).watermark?.getTime()).toBe(Math.min(...times.map(Number)));
  });

  it('is read range by range for a workflow of the former version, which does not ask for ranges', async () => {
    const pulled = await divided();
    const { syncRunId, advance } = await byHand(pulled);

    expect(await advance({ divides: true })).toMatchObject({ state: 'more', ranges: [0, 1, 2, 3] });
    expect(await advance({ range: 2 })).toMatchObject({ state: 'ended' });
    expect(await advance({ range: 2 })).toMatchObject({ state: 'ended' });
    expect(await advance({ divides: true })).toMatchObject({ state: 'more', ranges: [0, 1, 3] });
    expect(await advance({})).toMatchObject({ state: 'ended' });
    expect(await pulled.job(syncRunId)).toMatchObject({ state: 'succeeded', recordsRead: COUNT, pages: 9 });
  });

  it('counts a page once when two workers read the same range', async () => {
    const pulled = await divided();
    await renameAll(pulled);
    const { syncRunId, advance } = await byHand(pulled);
    await advance({ divides: true });

    await Promise.all([0, 0, 1, 1, 2, 2, 3, 3].map((range) => advance({ range })));
    await advance({ divides: true });

    expect(await pulled.job(syncRunId)).toMatchObject({
      state: 'succeeded',
      recordsRead: COUNT,
      recordsChanged: COUNT,
      pages: 9,
    });
  });
});
