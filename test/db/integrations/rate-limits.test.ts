/** One rate limiter for all workers: rules.md 34, R9. */
import { randomUUID } from 'node:crypto';
import type { RequestPriority } from '../../../domain/rate-limit/rate-limiter';
import { probeNow } from '../../../db/records/probe-now';
import { recordRateLimitUsage, takePermits } from '../../../db/integrations/rate-limits';
import { GivenTenant, openTestDb, type TestDb } from '../given';

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

const take = (priority: RequestPriority, wanted = 1, of = integrationId) =>
  tenant.work((work) => takePermits(work, { integrationId: of, priority, wanted }));
const note = (answers: {
  requests: number;
  slowedDown?: number;
  pauseMs?: number;
  quota?: { limit: number; remaining: number; resetsInMs: number | null };
}) =>
  tenant.work((work) =>
    recordRateLimitUsage(work, { integrationId, slowedDown: 0, quota: null, ...answers }),
  );
/** 80 requests in 2 s, then one refused: 20 per second from now on, and a second later a full bucket. */
async function slowDown(): Promise<void> {
  await take('full');
  now += 2_000;
  await note({ requests: 80 });
  await note({ requests: 1, slowedDown: 1 });
  now += 1_000;
}
const sum = (takings: { granted: number }[]) => takings.reduce((total, { granted }) => total + granted, 0);

describe('the shared rate limiter', () => {
  it('is created once when many workers request tokens for the first time at once', async () => {
    const takings = await Promise.all(Array.from({ length: 20 }, () => take('full', 10)));

    expect(takings.every(({ granted, retryAt }) => granted >= 10 && retryAt === null)).toBe(true);
    expect(
      await db.superuser('select 1 from rate_limits where integration_id = $1', [integrationId]),
    ).toHaveLength(1);
  });

  it('grants and counts without a row while an app is tried that is not linked yet', async () => {
    const trial = randomUUID();

    const taken = await take('manual', 3, trial);
    await tenant.work((work) =>
      recordRateLimitUsage(work, { integrationId: trial, requests: 3, slowedDown: 1, quota: null }),
    );

    expect(taken.granted).toBeGreaterThanOrEqual(3);
    expect(await db.superuser('select 1 from rate_limits where integration_id = $1', [trial])).toEqual([]);
  });

  it('never grants more than it has to many workers, and keeps a reserve for pushes', async () => {
    await slowDown();

    const passes = await Promise.all(Array.from({ length: 30 }, () => take('full', 3)));
    const refused = passes.filter(({ granted }) => granted === 0);
    const pushes = await Promise.all(Array.from({ length: 10 }, () => take('push', 1)));

    expect(sum(passes)).toBeGreaterThanOrEqual(5);
    expect(refused.length).toBeGreaterThan(0);
    expect(refused.every(({ retryAt }) => retryAt !== null && retryAt.getTime() > now)).toBe(true);
    expect(sum(pushes)).toBeGreaterThanOrEqual(1);
    expect(sum([...passes, ...pushes])).toBeLessThanOrEqual(10);
  });

  it('lets pushes through while full reads use up everything else', async () => {
    await slowDown();
    let pushed = 0;
    for (let round = 0; round < 20; round += 1) {
      now += 100;
      await Promise.all(Array.from({ length: 5 }, () => take('full', 3)));
      pushed += (await take('push')).granted > 0 ? 1 : 0;
    }

    expect(pushed).toBe(20);
  });

  it('makes a full read wait for the reset at the reserve of a quota; a push goes on', async () => {
    const quota = { limit: 5_000, remaining: 900, resetsInMs: 1_800_000 };
    const taken = await tenant.work((work) =>
      takePermits(work, {
        integrationId,
        priority: 'full',
        wanted: 1,
        answers: { requests: 5, slowedDown: 0, quota },
      }),
    );

    expect(taken).toEqual({ granted: 0, retryAt: new Date(START + 1_800_000) });
    expect((await take('push')).granted).toBeGreaterThanOrEqual(1);
    now += 1_800_000;
    expect((await take('full')).granted).toBeGreaterThanOrEqual(1);
  });

  it.each<[string, Parameters<typeof note>[0]]>([
    ['pause', { requests: 1, slowedDown: 1, pauseMs: 86_400_000 }],
    ['empty quota', { requests: 1, quota: { limit: 9, remaining: 0, resetsInMs: 86_400_000 } }],
  ])(
    'grants requests again after a person has acted, whatever %s was named before',
    async (_what, answers) => {
      await note(answers);
      now += 3_000;
      expect((await take('manual')).granted).toBe(0);

      await tenant.work((work) => probeNow(work, { integrationId }));

      expect((await take('manual')).granted).toBeGreaterThanOrEqual(1);
    },
  );

  it('of one integration does not affect another', async () => {
    await slowDown();
    const other = await tenant.integration();

    expect((await take('full', 50)).granted).toBeLessThan(20);
    expect((await take('full', 50, other)).granted).toBeGreaterThanOrEqual(50);
  });
});
