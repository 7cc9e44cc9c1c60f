/** A rate limit ends with one push that tries the app: rules.md 34. */
import { type BlockedQueue, unblock } from '../../../activities/push/blocked-queue';
import type { ThirdPartyState } from '../../../activities/integrations/third-party-health';
import { markRateLimited } from '../../../db/integrations/availability';
import { findIntegration, type Integration } from '../../../db/integrations/integrations';
import { claimDuePushes } from '../../../db/push/claim-pushes';
import { changeIntegration } from '../../../db/sync-runs/integration-lifecycle';
import { OUTAGE_LIMITS } from '../../../domain/retry';
import { GivenTenant, openTestDb, type TestDb } from '../../db/given';

const HOUR = 3_600_000;
let now: number;
let db: TestDb;
let tenant: GivenTenant;
let integrationId: string;
let tried: string[];
let answer: ThirdPartyState;

beforeAll(async () => {
  db = await openTestDb(() => new Date(now));
});
afterAll(() => db.end());
beforeEach(async () => {
  now = Date.UTC(2026, 10, 21, 12);
  tried = [];
  answer = { kind: 'well' };
  tenant = await GivenTenant.create(db);
  integrationId = await tenant.integration();
  await tenant.accept(...['e1', 'e2', 'e3'].map((externalId) => ({ externalId, fields: { name: 'A' } })));
  const until = new Date(now + HOUR);
  await tenant.work((work) => markRateLimited(work, { integrationId, until, detail: 'Slow down.' }));
  now += HOUR;
});

const read = async (): Promise<Integration> => {
  const integration = await tenant.work((work) => findIntegration(work, { integrationId }));
  if (integration === undefined) throw new Error('There is no integration.');
  return integration;
};
const queue = (): BlockedQueue => ({
  inTenant: (work) => tenant.work(work),
  instant: () => ({ now: new Date(now), outage: OUTAGE_LIMITS }),
  open: () => Promise.reject(new Error('A rate limit needs no check.')),
  claim: (integration, wanted) =>
    tenant.work((work) =>
      claimDuePushes(work, {
        integration,
        firedAt: new Date(now),
        now: new Date(now),
        leaseUntil: new Date(now + 20_000),
        giveUpAfterMs: OUTAGE_LIMITS.giveUpAfterMs,
        ...wanted,
      }),
    ),
  async probe(_integration, pushes) {
    tried.push(...pushes.map(({ externalId }) => externalId));
    return answer;
  },
  recordResults: async () => undefined,
  recordState: async () => undefined,
});
const end = (integration: Integration) =>
  unblock(queue(), integration, integration.blockedUntil ?? new Date(now));

it('one push is sent, and its success ends the rate limit', async () => {
  await end(await read());

  expect(tried).toHaveLength(1);
  expect(await read()).toMatchObject({ blockedUntil: null, blockedReason: null });
});

it('a rename in that moment does not end it: the next look sends the push', async () => {
  const before = await read();
  await tenant.work((work) => changeIntegration(work, { integrationId, change: { accountName: 'B' } }));

  await end(before);
  expect(tried).toEqual([]);
  expect(await read()).toMatchObject({ blockedReason: 'rate_limit', blockedUntil: new Date(now) });
  await end(await read());

  expect(tried).toHaveLength(1);
  expect(await read()).toMatchObject({ blockedReason: null });
});

it('an import that holds all due records does not end it: a push is sent a second later', async () => {
  await tenant.work(async ({ trx }) => {
    await trx.selectFrom('recordSyncs').select('recordId').forUpdate().execute();
    await end(await read());
  });
  expect(tried).toEqual([]);
  expect(await read()).toMatchObject({ blockedReason: 'rate_limit', blockedUntil: new Date(now + 1_000) });

  now += 1_000;
  await end(await read());

  expect(tried).toHaveLength(1);
});

it('a push that got no permit does not end it, and a person can still end the pause', async () => {
  answer = { kind: 'permits', retryAt: new Date(now + 7_000) };

  await end(await read());

  expect(await read()).toMatchObject({ blockedReason: 'rate_limit', blockedUntil: new Date(now + 1_000) });
});

it('a longer pause that another call was given meanwhile is kept', async () => {
  const before = await read();
  const until = new Date(now + 9 * HOUR);
  await tenant.work((work) => markRateLimited(work, { integrationId, until, detail: 'Not before tonight.' }));
  answer = { kind: 'permits', retryAt: new Date(now + 7_000) };

  await end(before);

  expect(await read()).toMatchObject({ blockedUntil: until, blockedDetail: 'Not before tonight.' });
});

it('a rate limit ends without a push if none is due', async () => {
  await db.superuser('delete from record_syncs where integration_id = $1', [integrationId]);

  await end(await read());

  expect(tried).toEqual([]);
  expect(await read()).toMatchObject({ blockedReason: null });
});
