/** What a claim of due pushes goes by, and what it tells: rules 1, 8 and 58. */
import { MockActivityEnvironment } from '@temporalio/testing';
import { createRecordPushActivities } from '../../../activities/push/record-push';
import { RateLimitExhausted } from '../../../activities/integrations/rate-limited-http';
import type { PushReport } from '../../../contract/record-push';
import { eventsOf } from '../../support/clients/events';
import {
  GRACE_MS,
  MINUTE,
  PushEnvironment,
  type TestTenant,
} from '../../support/environments/push-environment';

let environment: PushEnvironment;
let tenant: TestTenant;
let integrationId: string;

beforeAll(async () => {
  environment = await PushEnvironment.create();
});
afterAll(() => environment.end());
beforeEach(async () => {
  environment.resetLedger();
  tenant = await environment.tenant();
  integrationId = await tenant.integration();
});

const names = () => tenant.sent(integrationId).map(({ payload }) => (payload as { name: string }).name);

describe('rule 1: the grace period where the clocks of Temporal and PostgreSQL differ', () => {
  /** An execution of the push queue, as a Temporal host requests it whose clock is wrong by `byMs`. */
  async function execute(byMs: number): Promise<PushReport & { firedAt: number }> {
    const { pushDueRecords } = createRecordPushActivities(environment.dependencies);
    const firedAt = (await environment.now()) + byMs;
    const input = { tenantId: tenant.tenantId, integrationId, firedAt };
    return { firedAt, ...((await new MockActivityEnvironment().run(pushDueRecords, input)) as PushReport) };
  }

  it.each([10 * MINUTE, 3 * 60 * MINUTE])(
    'is not shortened by a clock of Temporal that is %i ms ahead, and the queue sleeps for the rest of it',
    async (aheadMs) => {
      await tenant.change('e1', { name: 'A' });

      const { firedAt, nextDueAt } = await execute(aheadMs);

      expect(names()).toEqual([]);
      expect(await tenant.status(integrationId, 'e1')).toBe('sync_pending');
      const sleepMs = (nextDueAt ?? 0) - firedAt;
      expect(sleepMs).toBeGreaterThan(GRACE_MS - MINUTE);
      expect(sleepMs).toBeLessThanOrEqual(GRACE_MS + 1_000);
    },
  );

  it('ends later by a clock of Temporal that is behind: nothing is lost, nothing is early', async () => {
    await tenant.change('e1', { name: 'A' });

    const { nextDueAt } = await execute(-10 * MINUTE);

    expect(names()).toEqual([]);
    expect(nextDueAt).toBe((await tenant.recordSync(integrationId, 'e1'))?.dueAt?.getTime());
    await environment.sleep(GRACE_MS + 1_000);
    expect(names()).toEqual(['A']);
  });
});

describe('rule 8: what followers hear of a claim', () => {
  const streamed = () =>
    environment.database.withTenant(tenant.tenantId, ({ trx }) =>
      trx.selectFrom('streamEvents').select(['topic', 'body']).where('topic', '=', 'record_syncs').execute(),
    );

  it.each([
    [
      'a value that is not in the value map',
      { name: 'grade', to: 'grade', values: { senior: 'S' } },
      { grade: 'x' },
    ],
    [
      'a text where the app has a date',
      { name: 'grade', to: 'grade', type: 'date' as const },
      { grade: 'soon' },
    ],
  ])('is the event and the stream entry of a failure for %s', async (_title, field, fields) => {
    const strict = await tenant.integration({
      recordTypes: { employees: { direction: 'push', fields: [field], onDelete: 'leave' } },
    });
    await tenant.change('e1', fields);
    const before = (await streamed()).length;
    await environment.sleep(GRACE_MS + 1_000);

    expect(await tenant.status(strict, 'e1')).toBe('sync_failed');
    expect(await eventsOf(tenant, 'RECORD_SYNC_FAILED')).toMatchObject([
      { records: [{ external_id: 'e1', error_codes: ['mapping_failed'] }] },
    ]);
    expect((await streamed()).length).toBeGreaterThan(before);
  });

  it('is Syncing as soon as the push begins, before the app has answered', async () => {
    let statusInCall: string | null | undefined;
    let heardInCall = 0;
    await tenant.change('e1', { name: 'A' });
    const before = (await streamed()).length;
    environment.ledger.answer = async () => {
      statusInCall = await tenant.status(integrationId, 'e1');
      heardInCall = (await streamed()).length;
      return undefined;
    };
    await environment.sleep(GRACE_MS + 1_000);

    expect(statusInCall).toBe('syncing');
    expect(heardInCall).toBe(before + 1);
  });
});

describe("rule 34: Syncline's own rate limiter", () => {
  it('holds pushes back until it has permits; the third party is not shown as rate limited', async () => {
    const permitsAt = new Date((await environment.now()) + GRACE_MS + 20 * MINUTE);
    let asked = 0;
    environment.ledger.answer = () => {
      asked += 1;
      return asked > 4 ? undefined : new RateLimitExhausted(permitsAt, 20 * MINUTE);
    };
    await tenant.change('e1', { name: 'A' });
    await tenant.change('e2', { name: 'B' });
    await environment.sleep(GRACE_MS + 10 * MINUTE);
    const integration = () =>
      environment.database.withTenant(tenant.tenantId, ({ trx }) =>
        trx
          .selectFrom('integrations')
          .select(['blockedReason', 'blockedUntil'])
          .where('integrationId', '=', integrationId)
          .executeTakeFirstOrThrow(),
      );
    expect(await integration()).toEqual({ blockedReason: null, blockedUntil: null });
    expect(asked).toBeLessThanOrEqual(2);
    expect(await tenant.status(integrationId, 'e1')).toBe('syncing');

    asked = 5;
    await environment.sleep(11 * MINUTE);

    expect(names().toSorted()).toEqual(['A', 'B']);
  });
});
