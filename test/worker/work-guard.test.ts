/** What stays announced of work that ended (rule 60). */
import type { Database } from '../../db/database';
import type { ThirdPartySlots } from '../../worker/third-party-slots';
import { WorkGuard } from '../../worker/work-guard';
import { GivenTenant, openTestDb, type TestDb } from '../db/given';
import { createLog } from '../../runtime/log';
import { until } from '../support/until';

let db: TestDb;
let isAway: boolean;
beforeEach(async () => {
  isAway = false;
  db = await openTestDb();
});
afterEach(() => db.end());

function startGuard(): WorkGuard {
  const database: Pick<Database, 'withDispatcher'> = {
    withDispatcher: (work) =>
      isAway ? Promise.reject(new Error('PostgreSQL is away.')) : db.database.withDispatcher(work),
  };
  const slots: Pick<ThirdPartySlots, 'run'> = { run: (_info, _work, run) => run() };
  const log = createLog({ process: 'worker', level: 'silent' });
  return new WorkGuard(database as Database, log, slots as ThirdPartySlots);
}

async function check(guard: WorkGuard, run: () => Promise<void>): Promise<void> {
  const tenant = await GivenTenant.create(db);
  const args = [{ tenantId: tenant.tenantId, integrationId: await tenant.integration() }];
  const { inbound } = guard.interceptor({ info: { activityType: 'checkIntegration' } } as never);
  await inbound?.execute?.({ args, headers: {} }, run);
}

const announced = () => db.superuser('select * from running_work');

test('rule 60: work that ended during an outage of PostgreSQL is withdrawn after it', async () => {
  const guard = startGuard();

  await check(guard, async () => {
    expect(await announced()).toHaveLength(1);
    isAway = true;
  });
  expect(await announced()).toHaveLength(1);
  isAway = false;

  await until('the work is withdrawn', async () => (await announced()).length === 0);
  await guard.stop();
});

test('rule 60: a worker stops as it should while PostgreSQL is away', async () => {
  const guard = startGuard();
  isAway = true;

  await expect(guard.stop()).resolves.toBeUndefined();
});

test.each(['endSubscription', 'exchangeCode', 'readMappingSamples'])(
  'rule 60: %s of a tenant holds a slot of its share',
  async (activityType) => {
    const run = jest.fn<Promise<unknown>, unknown[]>().mockResolvedValue('a slot');
    const slots: Pick<ThirdPartySlots, 'run'> = { run: run as never };
    const log = createLog({ process: 'worker', level: 'silent' });
    const guard = new WorkGuard(db.database, log, slots as ThirdPartySlots);

    const { inbound } = guard.interceptor({ info: { activityType } } as never);
    const args = [{ tenantId: 'a tenant', integrationId: 'an integration' }];
    await expect(inbound?.execute?.({ args, headers: {} }, async () => 'no slot')).resolves.toBe('a slot');

    expect(run.mock.calls[0]?.[1]).toMatchObject({ tenantId: 'a tenant', kind: 'check' });
    await guard.stop();
  },
);

test('rule 60: work that is parked, or to be retried alone, is not done by further executions of its queue', async () => {
  const guard = startGuard();
  const tenant = await GivenTenant.create(db);
  const queue = { tenantId: tenant.tenantId, integrationId: await tenant.integration(), firedAt: 0 };
  const { inbound } = guard.interceptor({ info: { activityType: 'pushDueRecords' } } as never);
  const push = async (more: object) =>
    inbound?.execute?.({ args: [{ ...queue, ...more }], headers: {} }, async () => 'pushed');
  const overtaking = { priorityKey: 3, turn: { number: 2, beside: [1] } };
  await expect(push(overtaking)).resolves.toBe('pushed');

  const suspect = `'${queue.tenantId}', gen_random_uuid(), 'push', '${queue.integrationId}', now(), true`;
  await db.superuser(
    `insert into running_work (tenant_id, work_id, kind, subject_id, seen_at, is_suspect) values (${suspect})`,
  );
  await expect(push(overtaking)).rejects.toMatchObject({ type: 'WorkDeferred' });
  await db.superuser('update running_work set parked_at = now()');
  await expect(push({ shard: 1 })).rejects.toMatchObject({ type: 'WorkParked' });
  await expect(push(overtaking)).rejects.toMatchObject({ type: 'WorkParked' });
  await guard.stop();
});
