/**
 * Runs asked for while one is at work, canceled, paused and deleted in the middle, on skipped time (rules.md
 * 16, 30).
 */
import { Unavailable } from '../../../connectors/errors';
import { syncRunWorkflowId } from '../../../contract/sync-run';
import { PushEnvironment, type TestTenant } from '../../support/environments/push-environment';
import { fill, people, CrmIntegration } from '../../support/environments/crm-integration';

let environment: PushEnvironment;
let tenant: TestTenant;

beforeAll(async () => {
  environment = await PushEnvironment.create();
});
afterAll(() => environment.end());
beforeEach(async () => {
  tenant = await environment.tenant();
});

/** Does something once, while the page after this cursor is on its way. */
function atPage({ account }: CrmIntegration, cursor: string | null, act: () => Promise<unknown>): void {
  account.beforePage = async (request) => {
    if (request.cursor !== cursor) return;
    account.beforePage = () => undefined;
    await act();
  };
}

const cursors = ({ account }: CrmIntegration) => account.reads.map(({ cursor }) => cursor);
const linked = async (count: number) => {
  const pulled = await CrmIntegration.onboarded(tenant, {}, fill(environment, count));
  await environment.sleep(600_000);
  pulled.account.reads.length = 0;
  return pulled;
};
const status = async (pulled: CrmIntegration) =>
  (await environment.env.client.workflow.getHandle(syncRunWorkflowId(pulled)).describe()).status.name;

describe('rule 30: a request during a run', () => {
  it('a request of the same kind gets the running run, and no second one', async () => {
    const pulled = await linked(7);
    const asked: unknown[] = [];
    atPage(pulled, 'p002', async () => {
      for (const kind of ['full', 'hourly', 'sign_in', 'last_day'] as const)
        asked.push(await pulled.request(kind));
      asked.push(await pulled.request('full', { recordTypes: ['contacts'] }));
    });
    const run = await pulled.sync('full');

    expect(asked).toEqual(Array.from({ length: 5 }, () => ({ syncRunId: run.syncRunId, isCoalesced: true })));
    expect(await pulled.runs()).toHaveLength(2); // with the onboarding
  });

  it('wider requests get exactly one follow-up, which runs afterwards', async () => {
    const pulled = await linked(7);
    await pulled.account.put('contacts', 'p001', { name: 'Changed' });
    let follower = '';
    atPage(pulled, null, async () => {
      const answers = [];
      for (let time = 0; time < 5; time += 1) answers.push(await pulled.request('full'));
      answers.push(await pulled.request('nightly'));
      expect(new Set(answers.map(({ syncRunId }) => syncRunId)).size).toBe(1);
      expect(answers.map(({ isCoalesced }) => isCoalesced)).toEqual([false, true, true, true, true, true]);
      follower = answers[0]?.syncRunId ?? '';
    });
    const first = await pulled.sync('hourly');

    const second = await pulled.run(follower);
    expect([first.state, second.state, second.followsSyncRunId, second.scope]).toEqual([
      'succeeded',
      'succeeded',
      first.syncRunId,
      'full',
    ]);
    expect(second.startedAt?.getTime()).toBeGreaterThanOrEqual(first.finishedAt?.getTime() ?? Infinity);
    expect(cursors(pulled)).toEqual([null, null, 'p002', 'p005']);
  });

  it('a queued run is widened, without another run', async () => {
    const pulled = await linked(1);
    const narrow = await pulled.request('incremental');
    const wide = await pulled.request('full');
    expect(wide).toEqual({ syncRunId: narrow.syncRunId, isCoalesced: true });
    await pulled.settle();
    expect(await pulled.run(wide.syncRunId)).toMatchObject({
      kind: 'full',
      scope: 'full',
      state: 'succeeded',
    });
  });

  it('a request after a cancel gets a new run, and not the one that is ending', async () => {
    const pulled = await linked(12);
    let own = '';
    let canceled = '';
    atPage(pulled, 'p002', async () => {
      await pulled.cancel(canceled);
      own = (await pulled.request('full')).syncRunId;
    });
    canceled = (await pulled.request('full')).syncRunId;
    await pulled.settle();

    expect(own).not.toBe(canceled);
    expect([(await pulled.run(canceled)).state, (await pulled.run(own)).state]).toEqual([
      'canceled',
      'succeeded',
    ]);
    expect(await pulled.job(own)).toMatchObject({ recordsRead: 12 });
  });
});

describe('canceling', () => {
  it('ends a queued run, and nothing is read', async () => {
    const pulled = await linked(3);
    const { syncRunId } = await pulled.request('full');
    await pulled.cancel(syncRunId);
    await pulled.settle();
    expect(await pulled.run(syncRunId)).toMatchObject({
      state: 'canceled',
      isSyncFinished: true,
      canceledBy: 'ana',
    });
    expect(pulled.account.reads).toEqual([]);
  });

  it('ends a reading run after the page in flight, keeps what was read and deletes nothing', async () => {
    const pulled = await linked(30);
    for (const id of people(4)) await pulled.account.remove('contacts', id);
    await pulled.account.put('contacts', 'p005', { name: 'Changed', email: 'p005@example.org' });
    const { syncRunId } = await pulled.request('full');
    atPage(pulled, 'p009', () => pulled.cancel(syncRunId));
    await pulled.settle();

    expect(await pulled.run(syncRunId)).toMatchObject({ state: 'canceled', isSyncFinished: true });
    expect(await pulled.job(syncRunId)).toMatchObject({
      state: 'canceled',
      recordsRead: 9,
      recordsChanged: 1,
      recordsDeleted: 0,
    });
    expect(cursors(pulled)).toEqual([null, 'p006', 'p009']);
    expect((await pulled.held()).size).toBe(30);
    expect((await pulled.sync('full')).state).toBe('succeeded');
    expect(await pulled.differences()).toEqual([]);
  });

  it('deletes nothing even if the last page was in flight', async () => {
    const pulled = await linked(6);
    await pulled.account.remove('contacts', 'p000');
    const { syncRunId } = await pulled.request('full');
    atPage(pulled, 'p003', () => pulled.cancel(syncRunId));
    await pulled.settle();
    expect(await pulled.job(syncRunId)).toMatchObject({ state: 'canceled', recordsDeleted: 0 });
    expect((await pulled.held()).size).toBe(6);
  });

  it('ends a waiting run and its workflow at once', async () => {
    const pulled = await linked(3);
    pulled.account.beforePage = () => {
      throw new Unavailable('Broken.', 500);
    };
    const syncRunId = await pulled.begin('full');
    await environment.sleep(3_600_000);
    expect(await pulled.run(syncRunId)).toMatchObject({
      state: 'waiting',
      failedJobs: 1,
      isSyncFinished: false,
    });
    await pulled.cancel(syncRunId);
    expect(await pulled.run(syncRunId)).toMatchObject({ state: 'canceled', isSyncFinished: true });
    await pulled.settle();
    expect(await status(pulled)).toBe('COMPLETED');
    const reads = pulled.account.reads.length;
    await environment.sleep(3_600_000);
    expect(pulled.account.reads).toHaveLength(reads);
  });
});

describe('rule 16: pausing in the middle', () => {
  it('stops the reading, which continues at its position after the resume: no page is read twice', async () => {
    const pulled = await linked(15);
    await pulled.account.remove('contacts', 'p001');
    const { syncRunId } = await pulled.request('full');
    atPage(pulled, 'p006', () => pulled.pause());
    await environment.sleep(5 * 3_600_000);

    expect(await pulled.run(syncRunId)).toMatchObject({ state: 'waiting', isSyncFinished: false });
    expect(await pulled.job(syncRunId)).toMatchObject({ state: 'waiting', waitingReason: 'paused' });
    const before = pulled.account.reads.length;
    expect(before).toBeLessThanOrEqual(4);

    await pulled.resume();
    await pulled.settle();
    expect(await pulled.run(syncRunId)).toMatchObject({ state: 'succeeded' });
    expect(await pulled.job(syncRunId)).toMatchObject({ recordsRead: 14, recordsDeleted: 1 });
    expect(cursors(pulled)).toEqual([...new Set(cursors(pulled))]);
    expect(await pulled.differences()).toEqual([]);
  });

  it('keeps a run that is requested meanwhile from reading before the resume', async () => {
    const pulled = await linked(3);
    await pulled.pause();
    const syncRunId = await pulled.begin('incremental');
    await environment.sleep(24 * 3_600_000);
    expect(pulled.account.reads).toEqual([]);
    await pulled.resume();
    await pulled.settle();
    expect((await pulled.run(syncRunId)).state).toBe('succeeded');
  });
});

describe('deleting the integration in the middle', () => {
  it('ends its run, stops the reading, and leaves no link behind', async () => {
    const pulled = await linked(30);
    const { syncRunId } = await pulled.request('full');
    atPage(pulled, 'p005', () => pulled.remove());
    await pulled.settle();

    expect(await pulled.run(syncRunId)).toMatchObject({ isSyncFinished: true, state: 'canceled' });
    expect(pulled.account.reads.length).toBeLessThanOrEqual(4);
    expect((await pulled.held()).size).toBe(0);
    expect(await status(pulled)).toBe('COMPLETED');
  });
});
