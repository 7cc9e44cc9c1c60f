/**
 * Waits of retries that a person ends, and pushes that are given up, at any size and under any lock: rules.md
 * 11 and 60.
 */
import type { TenantWork } from '../../../db/database';
import { findIntegration } from '../../../db/integrations/integrations';
import { liftRetries } from '../../../db/integrations/lift-waits';
import { giveUpWaiting, unreachableError } from '../../../db/integrations/outage-pushes';
import { readPushQueueStatus } from '../../../db/push/push-queue';
import {
  changeIntegration,
  pauseIntegration,
  replaceCredentials,
  resumeIntegration,
} from '../../../db/sync-runs/integration-lifecycle';
import { OUTAGE_LIMITS } from '../../../domain/retry';
import { GivenTenant, openTestDb, type TestDb } from '../given';
import { countRows, givenWaitingPushes } from '../many-rows';

const HOUR = 3_600_000;
const START = Date.UTC(2026, 10, 21, 12);
let now = START;
let db: TestDb;
let tenant: GivenTenant;
let integrationId: string;

beforeAll(async () => {
  db = await openTestDb(() => new Date(now));
});
afterAll(() => db.end());
beforeEach(async () => {
  now = START;
  tenant = await GivenTenant.create(db);
  integrationId = await tenant.integration();
});

const later = (ms: number) => new Date(now + ms);
const integration = () => tenant.work((work) => findIntegration(work, { integrationId }));
const lift = (limit: number) =>
  tenant.work((work) => liftRetries(work, { integrationId, now: new Date(now), limit }));
const liftAll = async (limit: number): Promise<number> => {
  for (let chunks = 1; ; chunks += 1) if (!(await lift(limit))) return chunks;
};
const count = async (condition: string): Promise<number> => {
  const rows = await db.superuser(
    `select count(*)::int as count from record_syncs where integration_id = $1 and ${condition}`,
    [integrationId],
  );
  return rows[0]?.['count'] as number;
};
const retriesDue = () =>
  count(
    `push_id is not null and window_opened_at is null and next_attempt_at <= '${later(0).toISOString()}'`,
  );
/** Waiting pushes `w1` to `w{retries}`, each with its next attempt in two hours. */
const givenRetries = async (retries: number): Promise<void> => {
  await givenWaitingPushes(tenant, { integrationId, count: retries });
  await db.superuser(`update record_syncs set next_attempt_at = $2 where integration_id = $1`, [
    integrationId,
    later(2 * HOUR),
  ]);
};
const openWindows = (windows: number) =>
  tenant.accept(
    ...Array.from({ length: windows }, (_, n) => ({ externalId: `open${n}`, fields: { name: `n${n}` } })),
  );

const acts: [string, (work: TenantWork) => Promise<unknown>][] = [
  ['new credentials', (work) => replaceCredentials(work, { integrationId, encryptedCredentials: 'sealed' })],
  [
    'another configuration',
    (work) => changeIntegration(work, { integrationId, change: { config: { base_url: 'https://b.test/' } } }),
  ],
  [
    'a resume',
    async (work) => {
      await pauseIntegration(work, { integrationId });
      await resumeIntegration(work, { integrationId });
    },
  ],
];

describe('pushes that wait for their next attempt', () => {
  it.each(acts)('are due after %s, also behind 450 windows that are due earlier', async (_what, act) => {
    await givenRetries(7);
    await openWindows(450);

    await tenant.work(act);
    await liftAll(1_000);

    expect(await retriesDue()).toBe(7);
    expect(await count(`due_at > '${later(0).toISOString()}'`)).toBe(450);
  });

  it('are all due after several chunks, among records that failed for ever', async () => {
    await givenRetries(53);
    await db.superuser(
      `update record_syncs set push_id = null, next_attempt_at = null, give_up_at = null,
         result_status = 'sync_failed' where integration_id = $1 and record_id in (
           select record_id from records where external_id ~ '[13579]$' and tenant_id = $2)`,
      [integrationId, tenant.tenantId],
    );
    await db.superuser(
      `update record_syncs set is_push_failing = false where integration_id = $1 and record_id in (
         select record_id from records where external_id ~ '[26]$' and tenant_id = $2)`,
      [integrationId, tenant.tenantId],
    );
    const waiting = await count('push_id is not null');
    const act = acts[0]?.[1] as (typeof acts)[0][1];
    await tenant.work(act);

    expect(await liftAll(8)).toBe(7);

    expect(waiting).toBe(26);
    expect(await retriesDue()).toBe(26);
    expect(await integration()).toMatchObject({ liftRetriesAfter: null });
  });

  it('wait again if they fail again while others are still lifted', async () => {
    await givenRetries(12);
    await tenant.work(acts[1]?.[1] as (typeof acts)[0][1]);
    await lift(4);
    await db.superuser(
      `update record_syncs set next_attempt_at = $2 where integration_id = $1 and next_attempt_at <= $3`,
      [integrationId, later(HOUR), later(0)],
    );

    await liftAll(4);

    expect(await retriesDue()).toBe(8);
  });

  it('are lifted from the beginning if a person acts again meanwhile', async () => {
    await givenRetries(12);
    const act = acts[2]?.[1] as (typeof acts)[0][1];
    await tenant.work(act);
    await lift(8);
    await db.superuser(`update record_syncs set next_attempt_at = $2 where integration_id = $1`, [
      integrationId,
      later(HOUR),
    ]);

    await tenant.work(act);
    await liftAll(8);

    expect(await retriesDue()).toBe(12);
  });

  it('are lifted, too, if another transaction has locked them at first', async () => {
    await givenRetries(3);
    await tenant.work(acts[0]?.[1] as (typeof acts)[0][1]);
    let lifting: Promise<boolean> | undefined;

    await tenant.work(async ({ trx }) => {
      await trx.selectFrom('recordSyncs').select('recordId').forUpdate().execute();
      lifting = lift(10);
      await new Promise((resolve) => setTimeout(resolve, 100));
    });
    await lifting;

    expect(await retriesDue()).toBe(3);
  });

  it('are not touched during a call, nor behind a window of a newer change', async () => {
    await givenRetries(2);
    await db.superuser(
      `update record_syncs set claim_id = gen_random_uuid(), lease_until = $2 where integration_id = $1
         and record_id = (select record_id from records where external_id = 'w1' and tenant_id = $3)`,
      [integrationId, later(20_000), tenant.tenantId],
    );
    await tenant.accept({ externalId: 'w2', fields: { name: 'B' } });
    await tenant.work(acts[0]?.[1] as (typeof acts)[0][1]);

    await liftAll(10);

    expect(await count(`next_attempt_at <= '${later(0).toISOString()}'`)).toBe(0);
  });

  it('keep the queue at work until the last of them is due', async () => {
    await givenRetries(5);
    const isLifting = async () =>
      (await tenant.work((work) => readPushQueueStatus(work, { integrationId }))).isLifting;
    await tenant.work(acts[0]?.[1] as (typeof acts)[0][1]);
    await lift(2);
    expect(await isLifting()).toBe(true);

    await liftAll(2);

    expect(await isLifting()).toBe(false);
  });

  it('are read in chunks: a chunk of 100 reads and writes a few hundred rows of 20,000', async () => {
    await givenRetries(20_000);
    await tenant.work(acts[0]?.[1] as (typeof acts)[0][1]);

    const { read, wrote } = await tenant.work(async (work) => {
      const before = await countRows(work);
      await liftRetries(work, { integrationId, now: work.now, limit: 100 });
      const after = await countRows(work);
      return { read: after.read - before.read, wrote: after.wrote - before.wrote };
    });

    expect(wrote).toBeLessThan(120);
    expect(read).toBeLessThan(1_000);
    expect(await retriesDue()).toBe(100);
  });
});

it('pushes whose time is over are given up behind 25,000 that are due earlier, in chunks', async () => {
  await givenWaitingPushes(tenant, { integrationId, count: 25_000 });
  await db.superuser(
    `update record_syncs set give_up_at = $2, next_attempt_at = $3 where integration_id = $1 and record_id in (
       select record_id from records where tenant_id = $4 and external_id ~ '^w1?[0-9]$')`,
    [integrationId, later(-HOUR), later(HOUR), tenant.tenantId],
  );
  const giveUp = (limit: number) =>
    tenant.work((work) => {
      const error = unreachableError('down', OUTAGE_LIMITS);
      return giveUpWaiting(work, { integrationId, limit, now: new Date(now), retryClockStoppedMs: 0, error });
    });

  expect([await giveUp(15), await giveUp(15)]).toEqual([15, 4]);

  expect(await count(`push_id is null and result_status = 'sync_failed'`)).toBe(19);
  expect(await giveUp(15)).toBe(0);
});
