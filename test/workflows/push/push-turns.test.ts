/** Of several executions of a push queue, one at a time pushes (rules 59 and 60, D10). */
import { setTimeout as pause } from 'node:timers/promises';
import { MockActivityEnvironment } from '@temporalio/testing';
import * as fc from 'fast-check';
import { PUSHING_LIMITS } from '../../../activities/dependencies';
import { createRecordPushActivities } from '../../../activities/push/record-push';
import type { PushReport, PushTurn } from '../../../contract/record-push';
import type { TenantWork } from '../../../db/database';
import { beginLook, endLook } from '../../../db/push/queue/queue-looks';
import { endTurn, renewTurn } from '../../../db/push/queue/queue-turns';
import { acceptChanges } from '../../../db/records/accept-changes';
import { newUuid } from '../../../db/sql/ids';
import { PRIORITIES } from '../../../domain/work-priorities';
import { PushEnvironment, type TestTenant } from '../../support/environments/push-environment';
import { prioritiesIn } from '../../support/environments/queue-priorities';
import { until } from '../../support/until';

const LEASE_MS = PUSHING_LIMITS.leaseMs;
const RECORDS = 12;

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

describe('executions that begin at the same time', () => {
  let integrationId: string;
  let calls: { underWay: number; most: number };

  /** Records that are due, of which no push queue is told, for an app that bears one call at a time. */
  beforeEach(async () => {
    integrationId = newUuid();
    const config = { owner: integrationId, concurrency: 1 };
    await tenant.integration({ integrationId, config, gracePeriodMs: 0, maxWaitMs: null });
    await environment.database.withTenant(tenant.tenantId, (work) =>
      acceptChanges(
        work,
        Array.from({ length: RECORDS }, (_, index) => ({
          recordType: 'employees',
          kind: 'put' as const,
          externalId: `e${index}`,
          fields: { name: 'A' },
        })),
        { actor: 'test', requestId: 'test' },
      ),
    );
    calls = { underWay: 0, most: 0 };
    environment.ledger.answer = async (_item, owner) => {
      if (owner !== integrationId) return undefined;
      calls.most = Math.max(calls.most, (calls.underWay += 1));
      await pause(20);
      calls.underWay -= 1;
      return undefined;
    };
  });

  /** @param turn absent: as a workflow of version 0.3.0 schedules it. */
  async function execute(turn: PushTurn | undefined, priorityKey: number): Promise<PushReport> {
    const { pushDueRecords } = createRecordPushActivities(environment.dependencies);
    const firedAt = (await environment.now()) + 1;
    const input = { tenantId: tenant.tenantId, integrationId, firedAt, priorityKey, ...(turn && { turn }) };
    return (await new MockActivityEnvironment().run(pushDueRecords, input)) as PushReport;
  }

  it('never make more calls than the app bears: one of them does nothing', async () => {
    const reports = await Promise.all([
      execute({ number: 1, beside: [] }, PRIORITIES.backfill),
      execute({ number: 2, beside: [1] }, PRIORITIES.edit),
      execute({ number: 3, beside: [1, 2] }, PRIORITIES.person),
    ]);

    expect(calls.most).toBe(1);
    expect(reports.filter(({ takenBy }) => takenBy === undefined).map(({ pushed }) => pushed)).toEqual([
      RECORDS,
    ]);
    expect(tenant.sent(integrationId)).toHaveLength(RECORDS);
  });

  it('an overtaken execution that begins later pushes what is left', async () => {
    environment.dependencies.pushing.timeBoxMs = 50;
    const overtaking = await execute({ number: 2, beside: [1] }, PRIORITIES.edit);
    environment.dependencies.pushing.timeBoxMs = PUSHING_LIMITS.timeBoxMs;
    const overtaken = await execute({ number: 1, beside: [] }, PRIORITIES.backfill);

    expect([overtaking.takenBy, overtaken.takenBy]).toEqual([undefined, undefined]);
    expect(overtaking.pushed + overtaken.pushed).toBe(RECORDS);
  });

  it('one of version 0.3.0 keeps others out until it has ended, and not longer', async () => {
    const overtaking = { number: 2, beside: [1] };
    const reports = await Promise.all([
      execute(undefined, PRIORITIES.edit),
      execute(overtaking, PRIORITIES.person),
    ]);
    expect(calls.most).toBe(1);
    expect(reports.filter(({ takenBy }) => takenBy === undefined)).toHaveLength(1);

    await execute(undefined, PRIORITIES.edit);
    expect((await execute(overtaking, PRIORITIES.person)).takenBy).toBeUndefined();
  });

  it('one that fails does not keep the turn until it is repeated', async () => {
    const { openConnector } = environment.dependencies;
    environment.dependencies.openConnector = () => Promise.reject(new Error('The key service is away.'));
    const failing = execute({ number: 1, beside: [] }, PRIORITIES.backfill);
    await expect(failing).rejects.toThrow('away');
    environment.dependencies.openConnector = openConnector;

    const overtaking = await execute({ number: 2, beside: [1] }, PRIORITIES.edit);

    expect(overtaking.takenBy).toBeUndefined(); // its records are leased to the other
  });
});

it('what a person pushes while a backfill makes its calls does not double the calls', async () => {
  const people = Array.from({ length: 5 }, (_, index) => ({
    externalId: `e${index}`,
    fields: { name: 'A' },
  }));
  await tenant.accept(...people);
  const integrationId = newUuid();
  const priorities = () => prioritiesIn(environment, integrationId);
  const calls = { all: 0, underWay: 0, most: 0 };
  environment.ledger.answer = async (_item, owner) => {
    if (owner !== integrationId) return undefined;
    calls.most = Math.max(calls.most, (calls.underWay += 1));
    if ((calls.all += 1) === 1) {
      await tenant.change('late', { name: 'A' });
      await tenant.act('push_now', integrationId, 'late');
      await until('it is asked for', async () =>
        (await priorities()).some((key) => key !== PRIORITIES.backfill),
      );
    }
    await pause(20);
    calls.underWay -= 1;
    return undefined;
  };
  const config = { owner: integrationId, concurrency: 1 };
  await tenant.integration({ integrationId, config, gracePeriodMs: 0, initialPush: 'all' });
  await environment.sleep(1_000);
  await until('all are sent', () => tenant.sent(integrationId).length === people.length + 1);

  expect(calls.most).toBe(1);
  expect(await priorities()).toContain(PRIORITIES.backfill);
  expect(new Set(tenant.sent(integrationId).map(({ externalId }) => externalId)).size).toBe(
    people.length + 1,
  );
});

it('an edit that overtakes an execution of version 0.3.0 is not scheduled again and again', async () => {
  await tenant.accept({ externalId: 'e1', fields: { name: 'A' } });
  const integrationId = newUuid();
  const priorities = () => prioritiesIn(environment, integrationId);
  let hasBegun = false;
  environment.ledger.answer = async (_item, owner) => {
    if (owner !== integrationId || hasBegun) return undefined;
    hasBegun = true;
    // Its workflow has given it no number.
    await environment.superuser(
      `update push_queue_looks set turn_number = 0 where integration_id = '${integrationId}'`,
    );
    await tenant.change('late', { name: 'A' });
    await until('it is asked for', async () => (await priorities()).includes(PRIORITIES.edit));
    await pause(2_000);
    return undefined;
  };
  const config = { owner: integrationId, concurrency: 1 };
  await tenant.integration({ integrationId, config, gracePeriodMs: 0, initialPush: 'all' });
  await environment.sleep(1_000);
  await until('all are sent', () => tenant.sent(integrationId).length === 2);

  expect((await priorities()).length).toBeLessThan(10);
});

/** Turns of one queue in PostgreSQL. */
function turnsOf(tenantId: string) {
  const integrationId = newUuid();
  let fired = 0;
  const inTenant = <T>(work: (tenant: TenantWork) => Promise<T>) =>
    environment.database.withTenant(tenantId, work);
  const lease = async () => new Date((await environment.now()) + LEASE_MS);
  const looks = new Map<number, string | null>();
  return {
    /** @returns the execution whose turn it is; null = this one. */
    async take(number: number, beside: readonly number[], run = 'run'): Promise<number | null> {
      const turn = { integrationId, run, number, beside, until: await lease() };
      fired += 1;
      const asked = { integrationId, firedAt: fired, attempt: 1, turn };
      const { look, takenBy } = await inTenant((work) => beginLook(work, asked));
      looks.set(number, look);
      return takenBy;
    },
    renew: async (number: number) => {
      const turn = { integrationId, run: 'run', number, until: await lease() };
      await inTenant((work) => renewTurn(work, turn));
    },
    end: (number: number) => inTenant((work) => endTurn(work, { integrationId, run: 'run', number })),
    look: async (number: number) => {
      const next = { nextLookAt: await lease(), priorityKey: PRIORITIES.edit };
      await inTenant((work) => endLook(work, { integrationId, look: looks.get(number) ?? '0', ...next }));
    },
  };
}

describe('the turn of an integration', () => {
  it('is that of the first one, until it has ended', async () => {
    const { take, end } = turnsOf(tenant.tenantId);
    expect(await take(1, [])).toBeNull();
    expect(await take(2, [1])).toBe(1);
    expect(await take(1, [])).toBeNull(); // a repeated attempt

    await end(1);
    expect(await take(2, [1])).toBeNull();
    expect(await take(1, [])).toBe(2);
    expect(await take(3, [1, 2])).toBe(2);
  });

  it('is free if the next execution was scheduled after its end, although no statement has ended it', async () => {
    const { take } = turnsOf(tenant.tenantId);
    await take(1, []);

    expect(await take(2, [])).toBeNull();
    expect(await take(1, [], 'next run')).toBeNull();
  });

  it('ends with the announcement of the next look', async () => {
    const { take, look } = turnsOf(tenant.tenantId);
    await take(1, []);
    await look(1);

    expect(await take(2, [1])).toBeNull();
  });

  it('of a dead worker ends by itself, and not before', async () => {
    const { take, renew } = turnsOf(tenant.tenantId);
    await take(1, []);
    await environment.env.sleep(LEASE_MS - 1_000);
    await renew(1);
    await environment.env.sleep(LEASE_MS - 1_000);
    expect(await take(2, [1])).toBe(1);

    await environment.env.sleep(2_000);
    expect(await take(2, [1])).toBeNull();
    await renew(1);
    expect(await take(1, [])).toBe(2);
  });

  it('is never that of two executions, in whatever order they are scheduled, begin, end and die', async () => {
    const step = fc.record({
      does: fc.constantFrom('schedule', 'begin', 'begin', 'end', 'die'),
      which: fc.nat(3),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), async (steps) => {
        const turns = turnsOf(tenant.tenantId);
        const waiting = new Map<number, number[]>();
        const besides: number[] = [];
        let [scheduled, running]: [number, number | null] = [0, null];
        for (const { does, which } of steps) {
          if (does === 'schedule') {
            const beside = [...waiting.keys()];
            waiting.set((scheduled += 1), beside);
          }
          const chosen = [...waiting.keys()][which];
          if (does === 'begin' && chosen !== undefined && chosen !== running) {
            const takenBy = await turns.take(chosen, waiting.get(chosen) ?? []);
            if (running !== null && takenBy !== running) besides.push(chosen);
            if (takenBy === null) running = chosen;
            else waiting.delete(chosen);
          }
          if (does === 'end' && running !== null) {
            // Without a statement it ends later for those who were scheduled before its end.
            if (which > 0 || waiting.get(running)?.length !== 0) await turns.end(running);
            waiting.delete(running);
            running = null;
          }
          if (does === 'die' && running !== null) {
            await environment.env.sleep(LEASE_MS);
            running = null; // it is repeated
          }
        }
        expect(besides).toEqual([]);
      }),
      { numRuns: 30 },
    );
  });
});
