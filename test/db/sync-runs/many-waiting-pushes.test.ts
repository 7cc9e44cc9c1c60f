/** Integrations with many waiting pushes: rule 60. What a request reads and writes is counted, not timed. */
import type { TenantWork } from '../../../db/database';
import { markOutage, markUnauthorized } from '../../../db/integrations/availability';
import { findIntegration } from '../../../db/integrations/integrations';
import { giveUpWaiting, unreachableError } from '../../../db/integrations/outage-pushes';
import {
  pauseIntegration,
  replaceCredentials,
  resumeIntegration,
} from '../../../db/sync-runs/integration-lifecycle';
import { OUTAGE_LIMITS } from '../../../domain/retry';
import { GivenTenant, openTestDb, type TestDb } from '../given';
import { givenWaitingPushes, rowsOf } from '../many-rows';

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

const givenUp = async () => {
  const rows = await db.superuser(
    `select count(*)::int as count from record_syncs where integration_id = $1 and push_id is null`,
    [integrationId],
  );
  return rows[0]?.['count'];
};
const failHours = async (hours: number) => {
  now += hours * HOUR;
  await tenant.work(async (work) => {
    const outage = { now: new Date(now), limits: OUTAGE_LIMITS, knownSince: new Date(now) };
    await markOutage(work, { integrationId, detail: 'down', ...outage });
    const { retryClockStoppedMs = 0 } = (await findIntegration(work, { integrationId })) ?? {};
    const error = unreachableError('down', OUTAGE_LIMITS);
    await giveUpWaiting(work, { integrationId, limit: 10, now: new Date(now), retryClockStoppedMs, error });
  });
};
const pause = () => tenant.work((work) => pauseIntegration(work, { integrationId }));
const resume = (work: TenantWork) => resumeIntegration(work, { integrationId });
const refuse = () =>
  tenant.work((work) =>
    markUnauthorized(work, {
      integrationId,
      now: new Date(now),
      detail: 'refused',
      credentialsUpdatedAt: null,
    }),
  );
const reauthorize = (work: TenantWork) =>
  replaceCredentials(work, { integrationId, encryptedCredentials: 'sealed' });

describe('rule 60: an integration for which 60,000 pushes wait', () => {
  beforeEach(() => givenWaitingPushes(tenant, { integrationId, count: 60_000 }));

  it('resumes by writing a few rows', async () => {
    await pause();
    now += HOUR;

    const { wrote, read } = await rowsOf(tenant, resume);

    expect(wrote).toBeLessThan(20);
    expect(read).toBeLessThan(100);
  });

  it('gets new credentials by writing a few rows', async () => {
    await refuse();
    now += HOUR;

    const { wrote, read } = await rowsOf(tenant, reauthorize);

    expect(wrote).toBeLessThan(20);
    expect(read).toBeLessThan(100);
  });
});

describe('rule 16: the retry clock of pushes', () => {
  beforeEach(() => tenant.accept({ externalId: 'e1', fields: { name: 'A' } }));

  const wait = () =>
    db.superuser(
      `update record_syncs set window_opened_at = null, due_at = null, push_id = gen_random_uuid(),
         push_version = 1, push_hash = 'hash', next_attempt_at = $2, give_up_at = $3 where integration_id = $1`,
      [integrationId, new Date(START), new Date(START + 72 * HOUR)],
    );

  it('stops during each of several pauses', async () => {
    await wait();
    await failHours(10);
    for (let pauses = 0; pauses < 3; pauses += 1) {
      await pause();
      now += 100 * HOUR;
      await tenant.work(resume);
      await failHours(10);
    }
    expect(await givenUp()).toBe(0);
    await failHours(31);
    expect(await givenUp()).toBe(0);

    await failHours(2);

    expect(await givenUp()).toBe(1);
  });

  it.each<[string, (() => Promise<unknown>)[]]>([
    ['a pause ends first', [refuse, pause, () => tenant.work(resume), () => tenant.work(reauthorize)]],
    [
      'new credentials come first',
      [refuse, pause, () => tenant.work(reauthorize), () => tenant.work(resume)],
    ],
    [
      'the credentials are refused during the pause',
      [pause, refuse, () => tenant.work(reauthorize), () => tenant.work(resume)],
    ],
  ])('counts a pause without accepted credentials once: %s', async (_, steps) => {
    await wait();
    for (const step of steps) {
      await step();
      now += 10 * HOUR;
    }
    // 30 hours stopped, 10 hours run.
    await failHours(61);
    expect(await givenUp()).toBe(0);

    await failHours(2);

    expect(await givenUp()).toBe(1);
  });

  it('gives a push that starts after a pause its full time', async () => {
    await pause();
    now += 100 * HOUR;
    await tenant.work(resume);
    const { pushes } = await tenant.claim(integrationId, new Date(now));
    expect(pushes).toHaveLength(1);
    await db.superuser(`update record_syncs set lease_until = null, claim_id = null, next_attempt_at = $1`, [
      new Date(now),
    ]);
    await failHours(71);
    expect(await givenUp()).toBe(0);

    await failHours(2);

    expect(await givenUp()).toBe(1);
  });
});
