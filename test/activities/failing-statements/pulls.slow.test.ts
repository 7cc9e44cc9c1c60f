/**
 * A nightly run and an overview whose statements fail, one after the other: each page counts once, the run
 * ends as it would have ended, and it says so once (rules.md 35, 38, 51).
 */
import { listOverviewItems } from '../../../db/overviews/overview-items';
import { listOverviewJobs } from '../../../db/overviews/overview-jobs';
import { listSyncJobs } from '../../../db/pull/job-rows';
import { BOTH_WAYS, CONTACTS, CrmIntegration } from '../../support/environments/crm-integration';
import { DirectWorkers } from '../../support/environments/direct-workers';
import { failuresOf } from '../../support/environments/failing-statements';
import { OverviewEnvironment } from '../../support/environments/overview-environment';
import { givenPerson } from '../../support/environments/people';
import { MINUTE, type TestTenant } from '../../support/environments/push-environment';

let workers: DirectWorkers;

beforeAll(async () => {
  workers = await DirectWorkers.create();
});
afterAll(() => workers.end());

interface World {
  tenant: TestTenant;
  crm: CrmIntegration;
  overviews: OverviewEnvironment;
  round: number;
  before: Record<string, number>;
  syncRunId: string;
  overviewId: string;
}

async function worldOf(mapping: typeof CONTACTS): Promise<World> {
  const tenant = await workers.tenant();
  const { personId } = await givenPerson(workers.database, tenant.tenantId);
  // Longer than the timers that are waited for.
  const settings = { recordTypes: { contacts: mapping }, gracePeriodMs: 30 * MINUTE };
  const crm = await CrmIntegration.link(tenant, settings, async (account) => {
    for (const id of ['p1', 'p2', 'p3', 'p4', 'gone-0'])
      await account.put('contacts', id, { name: id, email: `${id}@example.org` });
  });
  await workers.work();
  const by = { requestedBy: `person:${personId}`, personId };
  const overviews = new OverviewEnvironment(tenant, crm.integrationId, by);
  return { tenant, crm, overviews, round: 0, before: {}, syncRunId: '', overviewId: '' };
}

/** One record is new there, one has changed and one is gone. */
async function changeThere(world: World): Promise<void> {
  const { account } = world.crm;
  const round = (world.round += 1);
  await workers.pass(MINUTE);
  await account.put('contacts', 'p1', { name: `name ${round}`, email: 'p1@example.org' });
  await account.remove('contacts', `gone-${round - 1}`);
  await account.put('contacts', `gone-${round}`, { name: 'new', email: 'new@example.org' });
  world.before = await countsOf(world);
}

async function changeHere({ crm, tenant, round }: World): Promise<void> {
  const externalId = await crm.externalId('p2');
  const fields = { name: `our ${round}` };
  await tenant.accept({ recordType: 'contacts', externalId, kind: 'patch', fields });
}

/** How many events, notifications and rows of the Sync Status log there are. */
async function countsOf({ tenant }: World): Promise<Record<string, number>> {
  const rows = await workers.superuser(
    `select type as name, count(*)::int as count from events where tenant_id = $1 group by 1
     union all select kind, count(*)::int from notifications where tenant_id = $1 group by 1
     union all select 'statuses', count(*)::int from sync_statuses where tenant_id = $1
     union all select 'runs', count(*)::int from sync_runs where tenant_id = $1`,
    [tenant.tenantId],
  );
  return Object.fromEntries(rows.map(({ name, count }) => [name, count])) as Record<string, number>;
}

async function addedTo(world: World): Promise<[string, number][]> {
  return Object.entries(await countsOf(world))
    .map(([name, count]): [string, number] => [name, count - (world.before[name] ?? 0)])
    .filter(([, count]) => count > 0)
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
}

async function shownRun({ crm, syncRunId }: World) {
  const { state, successfulJobs, failedJobs, isSyncFinished } = await crm.run(syncRunId);
  const jobs = await crm.inTenant((work) => listSyncJobs(work, { syncRunId }));
  return {
    run: { state, successfulJobs, failedJobs, isSyncFinished },
    jobs: jobs.map(({ recordType, ...job }) => ({
      recordType,
      state: job.state,
      error: job.error,
      isLastAttemptFailed: job.isLastAttemptFailed,
      pages: job.pages,
      read: job.recordsRead,
      new: job.recordsNew,
      changed: job.recordsChanged,
      deleted: job.recordsDeleted,
      unchanged: job.recordsUnchanged,
      failed: job.recordsFailed,
    })),
    errors: (await crm.errors(syncRunId)).map(({ code, message }) => ({ code, message })),
  };
}

async function shownDataset({ crm }: World) {
  const { localTotal, remoteTotal, watermark, knownDifference } = await crm.dataset();
  return {
    dataset: {
      localTotal,
      remoteTotal,
      knownDifference,
      isRecent: Number(watermark) > workers.now() - 60 * MINUTE,
    },
    differences: await crm.differences(),
  };
}

it('D2: a nightly run survives a failure of any of its statements', async () => {
  const failures = await failuresOf<World>(
    workers,
    {
      world: () => worldOf(CONTACTS),
      async prepare(world) {
        await changeThere(world);
        ({ syncRunId: world.syncRunId } = await world.crm.request('nightly'));
      },
      outcome: async (world) => ({
        ...(await shownRun(world)),
        ...(await shownDataset(world)),
        added: await addedTo(world),
      }),
    },
    { atMost: 160 },
  );

  expect(failures).toBe('');
});

async function shownOverview({ crm, overviews, overviewId }: World) {
  const { state, invalidReason, appliedSyncRunId, dataDeletedAt } = await overviews.show(overviewId);
  const [items, jobs] = await crm.inTenant(async (work) => [
    await listOverviewItems(work, { overviewId, limit: 100 }),
    await listOverviewJobs(work, [overviewId]),
  ]);
  return {
    overview: {
      state,
      invalidReason,
      isApplied: appliedSyncRunId !== null,
      isDeleted: dataDeletedAt !== null,
    },
    items: items.map(({ direction, action }) => `${direction} ${action}`).toSorted(),
    overviewJobs: jobs.map(({ recordType, direction, ...job }) => ({
      recordType,
      direction,
      state: job.state,
      error: job.error,
      waitingUntil: job.waitingUntil,
      recordsRead: job.recordsRead,
      isFinished: job.finishedAt !== null,
    })),
  };
}

it('D2: an overview survives a failure of any of its statements', async () => {
  const failures = await failuresOf<World>(
    workers,
    {
      world: () => worldOf(BOTH_WAYS),
      async prepare(world) {
        await changeThere(world);
        await changeHere(world);
        world.overviewId = await world.overviews.ask();
      },
      outcome: async (world) => ({ ...(await shownOverview(world)), added: await addedTo(world) }),
    },
    { atMost: 140 },
  );

  expect(failures).toBe('');
});

it('D2: a Sync Now that applies an overview survives a failure of any of its statements', async () => {
  const failures = await failuresOf<World>(
    workers,
    {
      world: () => worldOf(BOTH_WAYS),
      async prepare(world) {
        await changeThere(world);
        await changeHere(world);
        const { overviews } = world;
        world.overviewId = await overviews.ask();
        await workers.work();
        world.before = await countsOf(world);
        world.syncRunId = await overviews.syncNow(world.overviewId);
      },
      outcome: async (world) => ({
        ...(await shownOverview(world)),
        ...(await shownRun(world)),
        ...(await shownDataset(world)),
        added: await addedTo(world),
        isPushed: world.crm.account.held('contacts').get('p2')?.['name'] === `our ${world.round}`,
        status: await world.tenant.status(world.crm.integrationId, await world.crm.externalId('p2')),
      }),
    },
    { atMost: 140 },
  );

  expect(failures).toBe('');
});
