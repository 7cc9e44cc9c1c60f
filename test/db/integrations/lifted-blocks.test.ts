/** What a person does ends the waits of an integration as a whole, under any lock: rules.md 10 and 34. */
import { markRateLimited, markUnauthorized } from '../../../db/integrations/availability';
import { findIntegration, lockIntegration } from '../../../db/integrations/integrations';
import { saveCheck } from '../../../db/sync-runs/checks/save-check';
import { applyRecordSyncAction, type RecordSyncAction } from '../../../db/records/record-sync-actions';
import { changeIntegration, pauseIntegration } from '../../../db/sync-runs/integration-lifecycle';
import { GivenTenant, openTestDb, type TestDb } from '../given';
import { givenWaitingPushes } from '../many-rows';

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
const messages = () =>
  db.superuser(`select 1 from outbox where topic = 'record_push' and subject_id = $1`, [integrationId]);

describe('a rate limit of a day', () => {
  beforeEach(async () => {
    await givenWaitingPushes(tenant, { integrationId, count: 1 });
    await tenant.work((work) =>
      markRateLimited(work, { integrationId, until: later(24 * HOUR), detail: 'Slow down.' }),
    );
  });

  it.each<RecordSyncAction>(['push_now', 'retry'])(
    'ends after %s, also if a rename holds the integration in that moment',
    async (action) => {
      const { recordId = '' } = (await tenant.recordSync(integrationId, 'w1')) ?? {};
      let acting: Promise<unknown> | undefined;

      await tenant.work(async (work) => {
        await lockIntegration(work, { integrationId });
        acting = tenant.work((other) =>
          applyRecordSyncAction(other, { action, integrationId, recordId, actor: 'ana' }),
        );
        await new Promise((resolve) => setTimeout(resolve, 100));
        await changeIntegration(work, { integrationId, change: { accountName: 'Another name' } });
      });

      expect(await acting).toBe('done');
      expect(await integration()).toMatchObject({ accountName: 'Another name', blockedUntil: new Date(now) });
    },
  );

  it('holds on after a hold or an action that is refused', async () => {
    await tenant.accept({ externalId: 'e1', fields: { name: 'A' } });
    const { recordId = '' } = (await tenant.recordSync(integrationId, 'e1')) ?? {};
    const act = (action: RecordSyncAction) =>
      tenant.work((work) => applyRecordSyncAction(work, { action, integrationId, recordId, actor: 'ana' }));

    expect(await act('hold')).toBe('done');
    expect(await act('retry')).toBe('nothing_failed');

    expect(await integration()).toMatchObject({ blockedUntil: later(24 * HOUR) });
  });
});

describe('an integration that needs new credentials', () => {
  const check = (ok: boolean) => ({
    at: new Date(now).toISOString(),
    ok,
    kind: ok ? null : ('unauthorized' as const),
    message: '',
  });
  beforeEach(async () => {
    await givenWaitingPushes(tenant, { integrationId, count: 2 });
    await tenant.work((work) =>
      markUnauthorized(work, {
        integrationId,
        now: new Date(now),
        detail: 'Wrong realm.',
        credentialsUpdatedAt: null,
      }),
    );
    now += HOUR;
  });

  it('continues once its stored credentials pass a check, and its retry clock stood still', async () => {
    await tenant.work((work) => saveCheck(work, { integrationId, check: check(true) }));

    expect(await integration()).toMatchObject({
      needsReauthorizationAt: null,
      blockedDetail: null,
      retryClockStoppedMs: HOUR,
    });
    expect((await integration())?.liftRetriesAfter).not.toBeNull();
    expect(await messages()).not.toEqual([]);
  });

  it('goes on waiting after a check that fails, and after new settings without a check', async () => {
    await tenant.work((work) => saveCheck(work, { integrationId, check: check(false) }));
    await tenant.work((work) => saveCheck(work, { integrationId, check: null }));

    expect(await integration()).toMatchObject({ needsReauthorizationAt: new Date(START) });
  });

  it('stays paused, and its pushes wait for the resume', async () => {
    await tenant.work((work) => pauseIntegration(work, { integrationId }));
    await db.superuser('delete from outbox');

    await tenant.work((work) => saveCheck(work, { integrationId, check: check(true) }));

    expect(await integration()).toMatchObject({ needsReauthorizationAt: null, pausedAt: new Date(now) });
    expect(await messages()).toEqual([]);
  });
});
