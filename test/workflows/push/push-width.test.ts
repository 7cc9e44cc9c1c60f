/** How many calls a push queue makes at once, and when people see their results (rules 59 and 60). */
import { setTimeout as pause } from 'node:timers/promises';
import { PUSHING_LIMITS } from '../../../activities/dependencies';
import { lockMappings } from '../../../db/records/mapping-lock';
import { pauseIntegration, resumeIntegration } from '../../../db/sync-runs/integration-lifecycle';
import { GRACE_MS, PushEnvironment, type TestTenant } from '../../support/environments/push-environment';
import { prioritiesIn } from '../../support/environments/queue-priorities';
import { until } from '../../support/until';

let environment: PushEnvironment;
let tenant: TestTenant;

beforeAll(async () => {
  environment = await PushEnvironment.create({
    pushing: { ...PUSHING_LIMITS, spreadAfterMs: 300, timeBoxMs: 2_000 },
  });
});
afterAll(() => environment.end());
beforeEach(async () => {
  environment.resetLedger();
  tenant = await environment.tenant();
});

const acceptMany = (count: number) =>
  tenant.accept(
    ...Array.from({ length: count }, (_, index) => ({ externalId: `e${index}`, fields: { name: 'A' } })),
  );
async function appBearing(concurrency: number): Promise<string> {
  const integrationId = await tenant.integration();
  await environment.database.withTenant(tenant.tenantId, ({ trx }) =>
    trx
      .updateTable('integrations')
      .set({ config: JSON.stringify({ owner: integrationId, concurrency }) })
      .where('integrationId', '=', integrationId)
      .execute(),
  );
  return integrationId;
}
const settle = () => environment.sleep(GRACE_MS + 1_000);
const countSynced = (integrationId: string): Promise<number> =>
  environment.database.withTenant(tenant.tenantId, async ({ trx }) => {
    const synced = await trx
      .selectFrom('recordSyncs')
      .select('recordId')
      .where('integrationId', '=', integrationId)
      .where('status', '=', 'synced')
      .execute();
    return synced.length;
  });

it('rule 60: records show Synced while one of their batch still waits for the third party', async () => {
  const integrationId = await tenant.integration();
  let calls = 0;
  let shown = 0;
  environment.ledger.answer = async (_item, owner) => {
    if (owner !== integrationId || (calls += 1) !== 10) return undefined;
    for (let tries = 0; tries < 100 && shown < 9; tries += 1) {
      await pause(50);
      shown = await countSynced(integrationId);
    }
    return undefined;
  };
  await acceptMany(20);
  await settle();

  expect(shown).toBe(9);
  expect(await countSynced(integrationId)).toBe(20);
});

it('rule 60: an app with a concurrency of 1 never gets two calls at the same time', async () => {
  const integrationId = await appBearing(1);
  let [underWay, most] = [0, 0];
  environment.ledger.answer = async (_item, owner) => {
    if (owner !== integrationId) return undefined;
    most = Math.max(most, (underWay += 1));
    await pause(2);
    underWay -= 1;
    return undefined;
  };
  await acceptMany(200);
  await settle();
  await until('all records are pushed', async () => (await countSynced(integrationId)) === 200);

  expect(most).toBe(1);
});

/** The most executions that called the app at the same time: the ledger calls record by record in a batch. */
function watchCalls(integrationId: string, meanwhile: (call: number) => Promise<unknown> = async () => {}) {
  const watched = { underWay: 0, most: 0, calls: 0 };
  environment.ledger.answer = async (_item, owner) => {
    if (owner !== integrationId) return undefined;
    watched.calls += 1;
    watched.most = Math.max(watched.most, (watched.underWay += 1));
    await meanwhile(watched.calls);
    await pause(10);
    watched.underWay -= 1;
    return undefined;
  };
  return watched;
}

/** @returns the records that were claimed before. Claims under way are waited for, and later ones see it. */
const lowerToOne = (integrationId: string): Promise<ReadonlySet<string>> =>
  environment.database.withTenant(tenant.tenantId, async (work) => {
    await lockMappings(work, 'alone');
    const config = JSON.stringify({ owner: integrationId, concurrency: 1 });
    await work.trx
      .updateTable('integrations')
      .set(({ eb }) => ({ config, version: eb('version', '+', 1) }))
      .where('integrationId', '=', integrationId)
      .execute();
    const claimed = await work.trx
      .selectFrom('recordSyncs')
      .innerJoin('records', 'records.recordId', 'recordSyncs.recordId')
      .select('records.externalId')
      .where('recordSyncs.integrationId', '=', integrationId)
      .where('recordSyncs.claimId', 'is not', null)
      .execute();
    return new Set(claimed.map(({ externalId }) => externalId));
  });

describe('rule 60: a bulk change for an app that bears many calls', () => {
  it('is pushed by several executions at once, each record once', async () => {
    const integrationId = await appBearing(64);
    const watched = watchCalls(integrationId);
    await acceptMany(1_000);
    await settle();
    await until('all records are pushed', async () => (await countSynced(integrationId)) === 1_000);

    // One execution works on two batches at once.
    expect(watched.most).toBeGreaterThan(2);
    expect(watched.most).toBeLessThanOrEqual(64);
    const sent = tenant.sent(integrationId).map(({ externalId }) => externalId);
    expect(sent).toHaveLength(1_000);
    expect(new Set(sent).size).toBe(1_000);
    expect(await prioritiesIn(environment, integrationId)).not.toContain(undefined);
  });

  it('is pushed although claims of records take longer than an execution works alone', async () => {
    const { pushing } = environment.dependencies;
    const usual = pushing.spreadAfterMs;
    pushing.spreadAfterMs = 0;
    try {
      const integrationId = await appBearing(64);
      await acceptMany(50);
      await settle();
      await until('all records are pushed', async () => (await countSynced(integrationId)) === 50);
      expect(tenant.sent(integrationId)).toHaveLength(50);
    } finally {
      pushing.spreadAfterMs = usual;
    }
  });

  it('stops in all of them once a person pauses the app', async () => {
    const integrationId = await appBearing(64);
    let isPaused = false;
    let [pausedAt, after] = [0, 0];
    const watched = watchCalls(integrationId, async () => {
      if (isPaused) after += 1;
      if (watched.underWay <= 2 || isPaused || pausedAt > 0) return;
      pausedAt = watched.calls;
      await environment.database.withTenant(tenant.tenantId, (work) =>
        pauseIntegration(work, { integrationId }),
      );
      isPaused = true;
    });
    await acceptMany(900);
    await settle();
    await until('several executions push', () => isPaused);
    let seen = -1;
    await until('no call is made', async () => {
      await pause(500);
      const isQuiet = seen === watched.calls;
      seen = watched.calls;
      return isQuiet;
    });

    expect(watched.calls).toBeLessThan(900);
    // What was claimed before: two batches of 50 in each of four executions.
    expect(after).toBeLessThanOrEqual(400);

    environment.ledger.answer = () => undefined;
    await environment.database.withTenant(tenant.tenantId, (work) =>
      resumeIntegration(work, { integrationId }),
    );
    await environment.sleep(60_000);
    await until('all records are pushed', async () => (await countSynced(integrationId)) === 900);
    expect(tenant.sent(integrationId)).toHaveLength(900);
  });

  it('makes one call at a time once its concurrency is lowered to 1', async () => {
    const integrationId = await appBearing(64);
    let isLowering = false;
    // Those are still pushed several at a time; every later claim is made with the new concurrency.
    let claimedBefore: ReadonlySet<string> | undefined;
    const later = { calls: 0, underWay: 0, most: 0 };
    const watched = watchCalls(integrationId, async () => {
      if (isLowering || watched.underWay <= 2) return;
      isLowering = true;
      claimedBefore = await lowerToOne(integrationId);
    });
    const { answer } = environment.ledger;
    environment.ledger.answer = async (item, owner) => {
      const isLater = owner === integrationId && claimedBefore?.has(item.externalId) === false;
      if (!isLater) return answer(item, owner);
      later.calls += 1;
      later.most = Math.max(later.most, (later.underWay += 1));
      const error = await answer(item, owner);
      later.underWay -= 1;
      return error;
    };
    await acceptMany(900);
    await settle();
    await until('all records are pushed', async () => (await countSynced(integrationId)) === 900);

    expect(later.calls).toBeGreaterThan(0);
    expect(later.most).toBe(1);
    expect(tenant.sent(integrationId)).toHaveLength(900);
  });

  it('goes on when an execution dies, with each record pushed once', async () => {
    const integrationId = await appBearing(64);
    const { database } = environment;
    let hasDied = false;
    const watched = watchCalls(integrationId, async () => {
      if (hasDied || watched.underWay <= 2) return;
      hasDied = true;
      // The first statement of the next claim or conclusion fails, and its execution with it.
      jest
        .spyOn(database, 'withTenant')
        .mockImplementationOnce(() => Promise.reject(new Error('The worker died.')));
    });
    await acceptMany(1_000);
    await settle();
    await until('an execution has died', () => hasDied);
    await until('all records are pushed', async () => {
      await environment.sleep(1_000);
      return (await countSynced(integrationId)) === 1_000;
    });
    jest.restoreAllMocks();

    expect(new Set(tenant.sent(integrationId).map(({ externalId }) => externalId)).size).toBe(1_000);
  });
});
