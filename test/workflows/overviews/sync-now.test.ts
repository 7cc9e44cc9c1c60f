/** What comes between an overview, a Sync Now and its end: rules.md 18 to 24. */
import { overviewWorkflowId } from '../../../contract/overview';
import { cancelSyncRun } from '../../../db/sync-runs/sync-jobs';
import { changeIntegration } from '../../../db/sync-runs/integration-lifecycle';
import { PushEnvironment, MINUTE, type TestTenant } from '../../support/environments/push-environment';
import { OverviewEnvironment } from '../../support/environments/overview-environment';
import { givenPerson } from '../../support/environments/people';
import { BOTH_WAYS, CONTACTS, fill, CrmIntegration } from '../../support/environments/crm-integration';

const DAY = 24 * 60 * MINUTE;
let environment: PushEnvironment;
let tenant: TestTenant;

beforeAll(async () => {
  environment = await PushEnvironment.create();
});
afterAll(() => environment.end());
beforeEach(async () => {
  environment.resetLedger();
  tenant = await environment.tenant();
});

async function requester(name = 'Ana') {
  const { personId } = await givenPerson(environment.database, tenant.tenantId, { name });
  return { requestedBy: `person:${name}`, personId };
}
async function given(pulled: { integrationId: string }) {
  return new OverviewEnvironment(tenant, pulled.integrationId, await requester());
}
async function pushing() {
  const integrationId = await tenant.integration();
  await tenant.change('e1', { name: 'Ada', email: 'ada@example.org' });
  await environment.sleep(10 * MINUTE);
  await tenant.change('e1', { name: 'Other', email: 'ada@example.org' });
  return { integrationId, overviews: await given({ integrationId }) };
}

/** A Sync Now whose pushes are due and not yet signalled to the push queue. */
async function followedBy(overviews: OverviewEnvironment): Promise<string> {
  const runId = await overviews.syncNow();
  await environment.dispatch();
  while ((await overviews.followed(runId)) === 0) await new Promise((resolve) => setTimeout(resolve, 20));
  return runId;
}

describe('an integration that is removed', () => {
  it('ends a ready overview: it is invalid, and its data is deleted', async () => {
    const pulled = await CrmIntegration.onboarded(tenant, {}, fill(environment, 3));
    await pulled.account.put('contacts', 'new', { name: 'New', email: 'new@example.org' });
    const overviews = await given(pulled);
    const overviewId = await overviews.ready();

    await pulled.remove();
    await environment.sleep(2_000);

    expect(await overviews.show(overviewId)).toMatchObject({
      invalidReason: 'integration_deleted',
      dataDeletedAt: expect.any(Date),
    });
    expect(await overviews.items(overviewId)).toEqual([]);
  });

  it('ends a queued Sync Now, and notifies its starter', async () => {
    const pulled = await CrmIntegration.onboarded(tenant, {}, fill(environment, 3));
    const overviews = await given(pulled);
    const overviewId = await overviews.ready();
    const runId = await overviews.syncNow(overviewId);

    await pulled.remove();

    expect(await pulled.run(runId)).toMatchObject({ state: 'canceled', finishedAt: expect.any(Date) });
    expect(await overviews.operations(runId)).toMatchObject([{ endedAt: expect.any(Date) }]);
  });
});

describe('a Sync Now that is canceled', () => {
  it('reports the cancellation to the waiting caller, and does not mention an overview', async () => {
    const pulled = await CrmIntegration.onboarded(tenant, {}, fill(environment, 3));
    const overviews = await given(pulled);
    const runId = await overviews.syncNow();
    await pulled.cancel(runId);

    expect(await pulled.run(runId)).toMatchObject({ state: 'canceled' });
    const [notification] = (await tenant.notifications()).filter(({ syncRunId }) => syncRunId === runId);
    expect(notification).toMatchObject({
      kind: 'sync_could_not_finish',
      detail: expect.stringMatching(/canceled/i),
    });
    expect(notification?.detail).not.toMatch(/overview/i);
  });

  it('in the middle of its pushes leaves no rows behind', async () => {
    const { overviews } = await pushing();
    const runId = await followedBy(overviews);
    await overviews.inTenant((work) => cancelSyncRun(work, { syncRunId: runId, by: 'ana' }));
    await overviews.ended(runId);
    expect(await overviews.followed(runId)).toBe(0);
    expect(await overviews.items(runId)).toEqual([]);
  });
});

describe('an overview that is superseded while it is made', () => {
  it('gives its starter the reason: a request of their own or of another person', async () => {
    const pulled = await CrmIntegration.onboarded(tenant, {}, fill(environment, 3));
    const ana = await given(pulled);
    const ben = new OverviewEnvironment(tenant, pulled.integrationId, await requester('Ben'));
    const first = await ana.ask();
    const second = await ana.ask();
    await ben.ask();

    const details = new Map(
      (await tenant.notifications()).map(({ overviewId, detail }) => [overviewId, detail]),
    );
    expect(details.get(first)).toMatch(/^You requested/);
    expect(details.get(second)).toMatch(/^Another user or API key/);
  });
});

describe('an overview that is applied', () => {
  it('does not keep a run waiting when its seven days end before the run does', async () => {
    const pulled = await CrmIntegration.onboarded(tenant, {}, fill(environment, 3));
    const overviews = await given(pulled);
    const overviewId = await overviews.ready();
    await overviews.syncNow(overviewId);
    // The run has not begun by then.
    await environment.env.sleep(7 * DAY + 500);

    const { events } = await environment.env.client.workflow
      .getHandle(overviewWorkflowId({ overviewId }))
      .fetchHistory();
    expect(events?.length).toBeLessThan(100);
  });

  it('sends the reviewed values of a record that the same Sync Now has just read', async () => {
    const pulled = await CrmIntegration.onboarded(
      tenant,
      { recordTypes: { contacts: BOTH_WAYS } },
      fill(environment, 3),
    );
    await environment.sleep(10 * MINUTE);
    await pulled.account.put('contacts', 'p001', { name: 'Remote', email: 'p001@example.org' });
    await tenant.accept({
      recordType: 'contacts',
      externalId: await pulled.externalId('p001'),
      kind: 'patch',
      fields: { email: 'local@example.org' },
    });
    const overviews = await given(pulled);
    const overviewId = await overviews.ready();
    expect(
      (await overviews.items(overviewId)).map(({ direction, action }) => `${direction} ${action}`),
    ).toEqual(['pull update', 'push update']);

    const run = await overviews.synced(overviewId);

    expect(await overviews.skippedRecords(run.syncRunId)).toEqual([]);
    expect(run).toMatchObject({ state: 'succeeded' });
    expect(pulled.account.held('contacts').get('p001')).toMatchObject({
      name: 'Remote',
      email: 'local@example.org',
    });
  });

  it('counts what another run has applied since the review as applied, not as drifted (rule 21)', async () => {
    const pulled = await CrmIntegration.onboarded(tenant, {}, fill(environment, 3));
    await environment.sleep(10 * MINUTE);
    await pulled.account.put('contacts', 'p000', { name: 'Newer', email: 'p000@example.org' });
    await pulled.account.put('contacts', 'p001', { name: 'Reviewed', email: 'p001@example.org' });
    await pulled.account.put('contacts', 'p003', { name: 'New', email: 'p003@example.org' });
    const overviews = await given(pulled);
    const overviewId = await overviews.ready();
    expect(await overviews.items(overviewId)).toHaveLength(3);
    await pulled.sync('hourly');
    await pulled.account.put('contacts', 'p001', { name: 'Drifted', email: 'p001@example.org' });
    await pulled.sync('hourly');

    const run = await overviews.synced(overviewId);

    expect(await overviews.skippedRecords(run.syncRunId)).toEqual(['drifted p001']);
    expect(run).toMatchObject({ state: 'partially_succeeded' });
  });

  it('does not overwrite a remote change made since the review', async () => {
    const pulled = await CrmIntegration.onboarded(
      tenant,
      { recordTypes: { contacts: BOTH_WAYS } },
      fill(environment, 3),
    );
    await tenant.accept({
      recordType: 'contacts',
      externalId: await pulled.externalId('p001'),
      kind: 'patch',
      fields: { email: 'local@example.org' },
    });
    const overviews = await given(pulled);
    const overviewId = await overviews.ready();
    expect(
      (await overviews.items(overviewId)).map(({ direction, action }) => `${direction} ${action}`),
    ).toEqual(['push update']);
    await pulled.account.put('contacts', 'p001', { name: 'Remote', email: 'p001@example.org' });

    const run = await overviews.synced(overviewId);

    expect(run).toMatchObject({ state: 'partially_succeeded' });
    expect(await overviews.skippedRecords(run.syncRunId)).toEqual([
      `drifted ${await pulled.externalId('p001')}`,
    ]);
    expect(pulled.account.held('contacts').get('p001')).toMatchObject({
      name: 'Remote',
      email: 'p001@example.org',
    });
  });

  it('of one direction does not change the other', async () => {
    const pulled = await CrmIntegration.onboarded(
      tenant,
      { recordTypes: { contacts: BOTH_WAYS } },
      fill(environment, 3),
    );
    const overviews = await given(pulled);
    const run = await overviews.synced(await overviews.ready(['pull']));

    expect(run).toMatchObject({ state: 'succeeded', successfulJobs: 1 });
  });

  it('reports a record type that is no longer mapped', async () => {
    const pulled = await CrmIntegration.onboarded(
      tenant,
      { recordTypes: { contacts: CONTACTS, deals: CONTACTS } },
      async (account) => {
        account.type('deals');
        await account.put('deals', 'd1', { name: 'd1', email: 'd1@example.org' });
        await fill(environment, 3)(account);
      },
    );
    await pulled.account.put('deals', 'd1', { name: 'changed', email: 'd1@example.org' });
    const overviews = await given(pulled);
    const overviewId = await overviews.ready();
    await overviews.inTenant((work) =>
      changeIntegration(work, {
        integrationId: pulled.integrationId,
        change: { recordTypes: { contacts: CONTACTS } },
      }),
    );

    const run = await overviews.synced(overviewId);

    expect(await pulled.job(run.syncRunId, 'deals')).toMatchObject({ state: 'not_supported' });
    expect(await overviews.skippedRecords(run.syncRunId)).toEqual(['not_mapped d1']);
    expect(run).toMatchObject({ state: 'partially_succeeded' });
  });
});

describe('an overview that was made while a Sync Now was at work', () => {
  it('is invalid when that run has ended', async () => {
    const pulled = await CrmIntegration.onboarded(tenant, {}, fill(environment, 3));
    const overviews = await given(pulled);
    const runId = await overviews.syncNow();
    let goOn = (): void => undefined;
    const isReady = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    const reads = pulled.account.reads.length;
    // The run's first page, and no page of the overview.
    pulled.account.beforePage = () => (pulled.account.reads.length === reads + 1 ? isReady : undefined);
    await overviews.until(runId, () => pulled.account.reads.length > reads);
    const overviewId = await overviews.ask();
    await overviews.until(runId, async () => (await overviews.show(overviewId)).state === 'ready');
    goOn();
    await overviews.ended(runId);

    expect(await overviews.show(overviewId)).toMatchObject({
      invalidReason: 'superseded_by_sync',
      replacedBySyncRunId: runId,
    });
  });
});

describe('pushes that a person stops', () => {
  it.each([
    ['hold', 'held'],
    ['discard', 'discarded'],
  ] as const)('%s: the run ends, and lists the pushes that it did not send', async (act, code) => {
    const { integrationId, overviews } = await pushing();
    const runId = await followedBy(overviews);
    await tenant.act(act, integrationId, 'e1');
    await environment.sleep(5 * MINUTE);

    const run = await overviews.ended(runId);
    expect(run).toMatchObject({ state: 'partially_succeeded' });
    expect(await overviews.skippedRecords(runId)).toEqual([`${code} e1`]);
  });
});

describe('who is notified', () => {
  it('each person once, for any number of requests', async () => {
    const pulled = await CrmIntegration.onboarded(tenant, {}, fill(environment, 3));
    const overviews = await given(pulled);
    const ben = await requester('Ben');
    const runId = await overviews.syncNow();
    await overviews.syncNow();
    await overviews.syncNow(null, ben);
    await overviews.ended(runId);

    expect((await tenant.notifications()).filter(({ syncRunId }) => syncRunId === runId)).toHaveLength(2);
  });

  it('a person who joins in the instant of its end is notified, or gets a new run', async () => {
    const pulled = await CrmIntegration.onboarded(tenant, {}, fill(environment, 3));
    const overviews = await given(pulled);
    const runId = await overviews.syncNow();
    const pressed = [runId];
    let isOver = false;
    const pressing = (async () => {
      while (!isOver) pressed.push(await overviews.syncNow());
    })();
    await overviews.ended(runId);
    isOver = true;
    await pressing;
    for (const id of new Set(pressed)) {
      await overviews.ended(id);
      expect((await overviews.operations(id)).filter(({ endedAt }) => endedAt === null)).toEqual([]);
    }
  });
});
