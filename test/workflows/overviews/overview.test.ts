/** Sync Overview and Sync Now, both directions: rules.md 19 to 23. */
import { addOperation } from '../../../db/notifications/operations';
import { listOverviewItems, type OverviewItem } from '../../../db/overviews/overview-items';
import { findOverview, type Overview } from '../../../db/overviews/overviews';
import { listOverviewJobs } from '../../../db/overviews/overview-jobs';
import { requestOverview, type Requester } from '../../../db/overviews/overview-lifecycle';
import { datasetsOf } from '../../../domain/records/mapping-directions';
import { requestSyncNow, type SyncNowAnswer } from '../../../db/sync-runs/sync-now';
import { findIntegration } from '../../../db/integrations/integrations';
import { RateLimited, Unauthorized, Unavailable } from '../../../connectors/errors';
import { PushEnvironment, MINUTE, type TestTenant } from '../../support/environments/push-environment';
import { givenPerson } from '../../support/environments/people';
import { BOTH_WAYS, CONTACTS, fill, CrmIntegration } from '../../support/environments/crm-integration';

const DAY = 24 * 60 * MINUTE;
const ANA: Requester = { requestedBy: 'person:ana', personId: null };
const BEN: Requester = { requestedBy: 'person:ben', personId: null };
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

async function ask(integrationId: string, by = ANA): Promise<string> {
  const id = await environment.database.withTenant(tenant.tenantId, async (work) => {
    const integration = await findIntegration(work, { integrationId });
    const overviewId = await requestOverview(work, {
      integrationId,
      datasets: datasetsOf(integration?.recordTypes ?? {}, ['pull', 'push']),
      ...by,
    });
    if (overviewId !== undefined)
      await addOperation(work, { kind: 'overview', integrationId, overviewId, ...by });
    return overviewId;
  });
  if (id === undefined) throw new Error('The integration is gone.');
  return id;
}
const show = async (overviewId: string): Promise<Overview> => {
  const found = await environment.database.withTenant(tenant.tenantId, (work) =>
    findOverview(work, { overviewId }),
  );
  if (found === undefined) throw new Error('No such overview.');
  return found;
};
const jobs = (overviewId: string) =>
  environment.database.withTenant(tenant.tenantId, (work) => listOverviewJobs(work, [overviewId]));
const items = (overviewId: string): Promise<OverviewItem[]> =>
  environment.database.withTenant(tenant.tenantId, (work) =>
    listOverviewItems(work, { overviewId, limit: 10_000 }),
  );
async function ready(integrationId: string, by = ANA): Promise<string> {
  const overviewId = await ask(integrationId, by);
  await environment.sleep(2_000);
  expect(await show(overviewId)).toMatchObject({ state: 'ready', invalidAt: null });
  return overviewId;
}
async function syncNow(
  integrationId: string,
  overviewId: string | null = null,
  by = ANA,
): Promise<SyncNowAnswer> {
  return environment.database.withTenant(tenant.tenantId, (work) =>
    requestSyncNow(work, { integrationId, overviewId, ...by }),
  );
}
/** Pushes report through the outbox, which has to be dispatched while the run waits. */
async function settle(pulled: { integrationId: string }, runId: string) {
  for (let tries = 0; tries < 200; tries += 1) {
    await environment.dispatch();
    const run = await environment.database.withTenant(tenant.tenantId, ({ trx }) =>
      trx.selectFrom('syncRuns').selectAll().where('syncRunId', '=', runId).executeTakeFirstOrThrow(),
    );
    if (run.finishedAt !== null) {
      await environment.dispatch();
      return run;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`The run of ${pulled.integrationId} did not end.`);
}
async function syncedNow(pulled: { integrationId: string }, overviewId: string | null = null) {
  const answer = await syncNow(pulled.integrationId, overviewId);
  if (answer.kind !== 'accepted') throw new Error(answer.kind);
  return settle(pulled, answer.syncRunId);
}
const errorsOf = (syncRunId: string) =>
  environment.database.withTenant(tenant.tenantId, ({ trx }) =>
    trx.selectFrom('syncRecordErrors').selectAll().where('syncRunId', '=', syncRunId).execute(),
  );

describe('an overview of a pull', () => {
  it('shows what would be created, updated and deleted here, with before and after, and changes nothing', async () => {
    const pulled = await CrmIntegration.onboarded(tenant, {}, fill(environment, 5));
    await pulled.account.put('contacts', 'new', { name: 'New', email: 'new@example.org' });
    await pulled.account.put('contacts', 'p001', { name: 'Other', email: 'p001@example.org' });
    await pulled.account.remove('contacts', 'p004');
    const before = (await pulled.held()).get('p001');

    const overviewId = await ready(pulled.integrationId);

    expect(await jobs(overviewId)).toMatchObject([
      { direction: 'pull', creates: 1, updates: 1, deletes: 1, unchanged: 3, notPossible: 0 },
    ]);
    const shown = await items(overviewId);
    expect(shown).toHaveLength(3);
    expect(shown).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          action: 'create',
          remoteId: 'new',
          recordId: null,
          before: null,
          after: { name: 'New', email: 'new@example.org' },
        }),
        expect.objectContaining({
          action: 'update',
          remoteId: 'p001',
          before: { name: 'p001' },
          after: { name: 'Other' },
        }),
        expect.objectContaining({
          action: 'delete',
          remoteId: 'p004',
          before: expect.objectContaining({ name: 'p004' }),
          after: null,
        }),
      ]),
    );
    expect((await pulled.held()).get('p001')).toEqual(before);
    expect((await pulled.held()).get('new')).toBeUndefined();
  });

  it('that cannot read everything fails with the reason and shows nothing; refused credentials are reported for the integration', async () => {
    const pulled = await CrmIntegration.onboarded(tenant, {}, fill(environment, 5));
    pulled.account.beforePage = ({ cursor }) => {
      if (cursor !== null) throw new Unauthorized('Gone.');
    };
    const overviewId = await ask(pulled.integrationId);
    await environment.sleep(2_000);

    expect(await show(overviewId)).toMatchObject({ state: 'failed' });
    expect(await jobs(overviewId)).toMatchObject([{ state: 'failed', error: { code: 'unauthorized' } }]);
    expect(await items(overviewId)).toEqual([]);
    expect(await syncNow(pulled.integrationId, overviewId)).toEqual({ kind: 'overview_unusable' });
    expect((await pulled.integration()).needsReauthorizationAt).not.toBeNull();
    expect(await pulled.notifications('integration_needs_reauthorization')).toHaveLength(1);
  });

  it('survives a pause and an outage of minutes, and fails after 15 minutes', async () => {
    const pulled = await CrmIntegration.onboarded(tenant, {}, fill(environment, 5));
    let answers: Error[] = [new RateLimited('Slow down.', 30_000), new Unavailable('Not now.', 503)];
    pulled.account.beforePage = () => {
      const error = answers.shift();
      if (error !== undefined) throw error;
    };
    const overviewId = await ask(pulled.integrationId);
    await environment.sleep(10_000);
    expect(await pulled.integration()).toMatchObject({ blockedReason: 'rate_limit' });
    await environment.sleep(10 * MINUTE);
    expect(await show(overviewId)).toMatchObject({ state: 'ready' });

    answers = Array.from({ length: 1_000 }, () => new Unavailable('Not now.', 503));
    const hopeless = await ask(pulled.integrationId);
    await environment.sleep(30 * MINUTE);
    expect(await show(hopeless)).toMatchObject({ state: 'failed' });
    expect(await jobs(hopeless)).toMatchObject([{ error: { category: 'transient' } }]);
  });

  it('of a list that is suddenly empty shows no deletions', async () => {
    const pulled = await CrmIntegration.onboarded(tenant, {}, fill(environment, 5));
    pulled.account.type('contacts').clear();
    const overviewId = await ask(pulled.integrationId);
    await environment.sleep(2_000);

    expect(await jobs(overviewId)).toMatchObject([
      { state: 'failed', error: { code: 'suspiciously_empty' } },
    ]);
  });
});

describe('Sync Now from an overview', () => {
  it('applies 97 of 100 if three have changed, lists the three, and changes nothing else', async () => {
    const pulled = await CrmIntegration.onboarded(tenant, {}, fill(environment, 100));
    pulled.account.pageSize = 40;
    for (let index = 0; index < 100; index += 1) {
      const id = `p${String(index).padStart(3, '0')}`;
      await pulled.account.put('contacts', id, { name: `${id} new`, email: `${id}@example.org` });
    }
    const overviewId = await ready(pulled.integrationId);
    expect(await items(overviewId)).toHaveLength(100);
    for (const id of ['p000', 'p050', 'p099'])
      await pulled.account.put('contacts', id, { name: `${id} newer`, email: `${id}@example.org` });
    await pulled.account.put('contacts', 'unread', { name: 'Never read', email: 's@example.org' });

    const run = await syncedNow(pulled, overviewId);

    expect(run).toMatchObject({ kind: 'sync_now', state: 'partially_succeeded', overviewId });
    expect(await pulled.job(run.syncRunId)).toMatchObject({
      recordsChanged: 97,
      recordsNew: 0,
      recordsFailed: 3,
    });
    expect(
      (await errorsOf(run.syncRunId)).map(({ remoteId, code }) => `${code} ${remoteId}`).toSorted(),
    ).toEqual(['drifted p000', 'drifted p050', 'drifted p099']);
    expect((await pulled.held()).get('p001')).toMatchObject({ fields: { name: 'p001 new' } });
    expect((await pulled.held()).get('p050')).toMatchObject({ fields: { name: 'p050' } });
    expect((await pulled.held()).get('unread')).toBeUndefined();
    expect(await show(overviewId)).toMatchObject({
      invalidReason: 'applied',
      replacedBySyncRunId: run.syncRunId,
    });
    // What was left aside comes with the next ordinary run.
    await pulled.sync('hourly');
    expect((await pulled.held()).get('p050')).toMatchObject({ fields: { name: 'p050 newer' } });
    expect((await pulled.held()).get('unread')).toMatchObject({ fields: { name: 'Never read' } });
  });

  it('deletes the reviewed records, even more than the safety threshold allows, but none that came back or disappeared since', async () => {
    const pulled = await CrmIntegration.onboarded(tenant, {}, fill(environment, 40));
    for (let index = 0; index < 30; index += 1)
      await pulled.account.remove('contacts', `p${String(index).padStart(3, '0')}`);
    const overviewId = await ready(pulled.integrationId);
    expect(await jobs(overviewId)).toMatchObject([{ deletes: 30 }]);
    await pulled.account.put('contacts', 'p000', { name: 'p000', email: 'p000@example.org' });
    await pulled.account.remove('contacts', 'p039');

    const run = await syncedNow(pulled, overviewId);

    expect(await pulled.job(run.syncRunId)).toMatchObject({
      recordsDeleted: 29,
      recordsFailed: 0,
      recordsSkipped: 1,
    });
    expect((await pulled.held()).get('p000')).toMatchObject({ fields: { name: 'p000' } });
    expect((await pulled.held()).get('p039')).toMatchObject({ fields: { name: 'p039' } });
    expect((await pulled.held()).get('p029')).toBeUndefined();
  });

  it('is one run for two people who start it, and both are notified', async () => {
    const pulled = await CrmIntegration.onboarded(tenant, {}, fill(environment, 5));
    const overviewId = await ready(pulled.integrationId);
    const [first, second] = [
      await syncNow(pulled.integrationId, overviewId, ANA),
      await syncNow(pulled.integrationId, overviewId, BEN),
    ];
    expect(second).toEqual({ ...first, isShared: true });
    const [plain, again] = [
      await syncNow(pulled.integrationId, null, ANA),
      await syncNow(pulled.integrationId, null, BEN),
    ];
    expect(again).toEqual({ ...plain, isShared: true });
    if (plain.kind === 'accepted') await settle(pulled, plain.syncRunId);
  });
});

describe('validity', () => {
  it('ends when the same person requests another, and the running generation is canceled', async () => {
    const pulled = await CrmIntegration.onboarded(tenant, {}, fill(environment, 5));
    const first = await ready(pulled.integrationId);
    const second = await ask(pulled.integrationId);
    expect(await show(first)).toMatchObject({
      state: 'ready',
      invalidReason: 'superseded_by_new_overview',
      replacedByOverviewId: second,
    });
    const third = await ask(pulled.integrationId, BEN);
    expect(await show(second)).toMatchObject({
      state: 'canceled',
      invalidReason: 'superseded_by_other_admin',
      replacedByOverviewId: third,
    });
    await environment.sleep(2_000);
    expect(await items(first)).toEqual([]);
    expect(await show(third)).toMatchObject({ state: 'ready' });
    // A newer one that fails revives nothing.
    pulled.account.beforePage = () => {
      throw new Unauthorized('Gone.');
    };
    const failing = await ask(pulled.integrationId);
    await environment.sleep(2_000);
    expect(await show(failing)).toMatchObject({ state: 'failed' });
    expect(await show(third)).toMatchObject({ invalidReason: 'superseded_by_other_admin' });
  });

  it('that ends while it is generated stops the reading of pages, and its starter gets the reason', async () => {
    const ana = await givenPerson(environment.database, tenant.tenantId);
    const pulled = await CrmIntegration.onboarded(tenant, {}, fill(environment, 50));
    pulled.account.pageSize = 5;
    const asked: (string | null)[] = [];
    pulled.account.beforePage = async ({ cursor }) => {
      asked.push(cursor);
      if (asked.length === 2) await ask(pulled.integrationId, BEN);
    };
    const first = await ask(pulled.integrationId, { requestedBy: ANA.requestedBy, personId: ana.personId });
    await environment.sleep(2_000);

    expect(await show(first)).toMatchObject({
      state: 'canceled',
      invalidReason: 'superseded_by_other_admin',
    });
    expect(await items(first)).toEqual([]);
    // What comes after is the other one, from its beginning.
    expect(asked[2] ?? null).toBeNull();
    const notifications = await environment.database.withTenant(tenant.tenantId, ({ trx }) =>
      trx.selectFrom('notifications').selectAll().where('overviewId', '=', first).execute(),
    );
    expect(notifications).toMatchObject([
      { kind: 'sync_could_not_finish', detail: expect.stringContaining('Another user or API key') },
    ]);
  });

  it('ends with a Sync Now, not with a scheduled run', async () => {
    const pulled = await CrmIntegration.onboarded(tenant, {}, fill(environment, 5));
    const overviewId = await ready(pulled.integrationId);
    // Not `pulled.sync`: who awaits a workflow's end lets the clock run, and this snapshot waits for a moment
    // in seven days.
    await settle(pulled, (await pulled.request('hourly')).syncRunId);
    expect(await show(overviewId)).toMatchObject({ invalidAt: null });
    const run = await syncedNow(pulled);
    expect(await show(overviewId)).toMatchObject({
      invalidReason: 'superseded_by_sync',
      replacedBySyncRunId: run.syncRunId,
    });
  });

  it('ends after seven days, and its data is deleted', async () => {
    const pulled = await CrmIntegration.onboarded(tenant, {}, fill(environment, 5));
    await pulled.account.put('contacts', 'new', { name: 'New', email: 'new@example.org' });
    const overviewId = await ready(pulled.integrationId);
    await environment.sleep(7 * DAY - MINUTE);
    expect(await show(overviewId)).toMatchObject({ invalidAt: null });
    expect(await items(overviewId)).toHaveLength(1);
    await environment.sleep(2 * MINUTE);
    expect(await show(overviewId)).toMatchObject({
      invalidReason: 'expired',
      dataDeletedAt: expect.any(Date),
    });
    expect(await items(overviewId)).toEqual([]);
  }, 120_000);
});

describe('pushing', () => {
  const employees = (count: number) =>
    Array.from({ length: count }, (_, index) => ({
      externalId: `e${index}`,
      fields: { name: `Name ${index}`, email: `e${index}@example.org` },
    }));

  it('without reads from the third party, an overview compares with the last sent payload, and Sync Now sends the changes at once', async () => {
    const integrationId = await tenant.integration();
    await tenant.accept(...employees(3));
    await environment.sleep(10 * MINUTE);
    await tenant.change('e1', { name: 'Other', email: 'e1@example.org' });

    const overviewId = await ready(integrationId);
    expect(await jobs(overviewId)).toMatchObject([
      { direction: 'push', comparedWith: 'last_push', updates: 1, unchanged: 2 },
    ]);
    expect(await items(overviewId)).toMatchObject([
      { action: 'update', externalId: 'e1', after: { name: 'Other' } },
    ]);
    const calls = environment.ledger.calls.length;

    const run = await syncedNow({ integrationId }, overviewId);
    expect(run).toMatchObject({ state: 'succeeded' });
    expect(environment.ledger.calls.length - calls).toBe(1);
    expect(await tenant.recordSync(integrationId, 'e1')).toMatchObject({ status: 'synced' });
  });

  it('with reads from the third party, an overview shows the differences there, and Sync Now sends a drifted record again', async () => {
    const pulled = await CrmIntegration.link(tenant, {
      recordTypes: { contacts: { ...CONTACTS, direction: 'push' } },
    });
    await tenant.accept({
      recordType: 'contacts',
      externalId: 'c1',
      fields: { name: 'Ada', email: 'ada@example.org' },
    });
    await environment.sleep(10 * MINUTE);
    const [[remoteId] = ['']] = [...pulled.account.type('contacts')];
    await pulled.account.put('contacts', remoteId, { name: 'Edited there', email: 'ada@example.org' });

    const overviewId = await ready(pulled.integrationId);
    expect(await jobs(overviewId)).toMatchObject([{ comparedWith: 'third_party', updates: 1 }]);
    expect(await items(overviewId)).toMatchObject([
      { action: 'update', before: { name: 'Edited there' }, after: { name: 'Ada' } },
    ]);

    expect(await syncedNow(pulled)).toMatchObject({ state: 'succeeded' });
    expect(pulled.account.type('contacts').get(remoteId)?.fields).toMatchObject({ name: 'Ada' });
  });

  it('rule 54: a record that is listed and cannot be read is shown as not possible, and a Sync Now does not write it', async () => {
    const pulled = await CrmIntegration.link(tenant, {
      recordTypes: { contacts: { ...CONTACTS, direction: 'push' } },
    });
    for (const externalId of ['c1', 'c2'])
      await tenant.accept({ recordType: 'contacts', externalId, fields: { name: externalId } });
    await environment.sleep(10 * MINUTE);
    pulled.account.distort = (page) => ({
      ...page,
      records: page.records.slice(1),
      unreadable: page.records.slice(0, 1).map(({ remoteId }) => ({
        remoteId,
        code: 'too_large',
        message: 'The record is too large.',
      })),
    });
    const pushes = pulled.account.pushes.length;

    const overviewId = await ready(pulled.integrationId);
    expect(await items(overviewId)).toMatchObject([
      { action: 'not_possible', externalId: 'c1', reason: 'The record is too large.' },
    ]);
    expect(await syncedNow(pulled)).toMatchObject({ state: 'succeeded' });
    expect(pulled.account.pushes).toHaveLength(pushes);
  });

  describe('rule 23: a comparison with a list that cannot be trusted fails and shows nothing', () => {
    const pushed = async () => {
      const pulled = await CrmIntegration.link(tenant, {
        recordTypes: { contacts: { ...CONTACTS, direction: 'push' } },
      });
      for (const externalId of ['c1', 'c2', 'c3', 'c4', 'c5', 'c6'])
        await tenant.accept({ recordType: 'contacts', externalId, fields: { name: externalId } });
      await environment.sleep(10 * MINUTE);
      return pulled;
    };

    it('of a list that is suddenly empty', async () => {
      const pulled = await pushed();
      pulled.account.type('contacts').clear();

      const overviewId = await ask(pulled.integrationId);
      await environment.sleep(2_000);

      expect(await jobs(overviewId)).toMatchObject([
        { state: 'failed', error: { code: 'suspiciously_empty' } },
      ]);
      expect(await items(overviewId)).toEqual([]);
    });

    it('of a list that moves while it is read', async () => {
      const pulled = await pushed();
      pulled.account.abilities = { canFilterByModified: true, isPagingStable: false };
      const [first = ''] = pulled.account.type('contacts').keys();
      pulled.account.beforePage = async ({ cursor }) => {
        if (cursor !== null) await pulled.account.remove('contacts', first);
      };

      const overviewId = await ask(pulled.integrationId);
      await environment.sleep(2_000);

      expect(await jobs(overviewId)).toMatchObject([{ state: 'failed', error: { code: 'list_changed' } }]);
    });
  });

  it('a record type in both directions is pulled, then pushed', async () => {
    const pulled = await CrmIntegration.onboarded(
      tenant,
      { recordTypes: { contacts: BOTH_WAYS } },
      fill(environment, 3),
    );
    await pulled.account.put('contacts', 'p000', { name: 'Remote', email: 'p000@example.org' });
    await tenant.accept({
      recordType: 'contacts',
      externalId: 'local',
      fields: { name: 'Local', email: 'local@example.org' },
    });

    const run = await syncedNow(pulled);

    expect(run).toMatchObject({ state: 'succeeded', successfulJobs: 2 });
    expect((await pulled.held()).get('p000')).toMatchObject({ fields: { name: 'Remote' } });
    expect(
      [...pulled.account.type('contacts').values()]
        .map(({ fields }) => JSON.stringify(fields['name']))
        .toSorted(),
    ).toEqual(['"Local"', '"Remote"', '"p001"', '"p002"']);
  });
});
