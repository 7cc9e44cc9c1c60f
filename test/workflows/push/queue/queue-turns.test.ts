/** Whose turn the push queue of an integration is, in PostgreSQL (decision 0041). */
import * as fc from 'fast-check';
import { PUSHING_LIMITS } from '../../../../activities/dependencies';
import type { TenantWork } from '../../../../db/database';
import { beginLook, endLook } from '../../../../db/push/queue/queue-looks';
import { endTurn, renewTurn } from '../../../../db/push/queue/queue-turns';
import { newUuid } from '../../../../db/sql/ids';
import { PRIORITIES } from '../../../../domain/work-priorities';
import { PushEnvironment, type TestTenant } from '../../../support/environments/push-environment';

const LEASE_MS = PUSHING_LIMITS.leaseMs;

let environment: PushEnvironment;
let tenant: TestTenant;

beforeAll(async () => {
  environment = await PushEnvironment.create();
});
afterAll(() => environment.end());
beforeEach(async () => {
  tenant = await environment.tenant();
});

/** Turns of one queue in PostgreSQL. */
function turnsOf(tenantId: string) {
  const integrationId = newUuid();
  let fired = 0;
  const inTenant = <T>(work: (tenant: TenantWork) => Promise<T>) =>
    environment.database.withTenant(tenantId, work);
  const lease = async () => new Date((await environment.now()) + LEASE_MS);
  const looks = new Map<number, string>();
  /** The turn that an execution has taken last. */
  const taken = (number: number) => ({ integrationId, look: looks.get(number) ?? '0' });
  return {
    /** @returns the execution whose turn it is; null = this one. */
    async take(number: number, beside: readonly number[], run = 'run'): Promise<number | null> {
      const turn = { integrationId, run, number, beside, until: await lease() };
      fired += 1;
      const asked = { integrationId, firedAt: fired, attempt: 1, turn };
      const begun = await inTenant((work) => beginLook(work, asked));
      if (begun.takenBy === null) looks.set(number, begun.look);
      return begun.takenBy;
    },
    taken,
    async renew(number: number, turn = taken(number)): Promise<boolean> {
      const renewed = { ...turn, until: await lease() };
      return inTenant((work) => renewTurn(work, renewed));
    },
    end(number: number, turn = taken(number)) {
      return inTenant((work) => endTurn(work, turn));
    },
    async look(number: number): Promise<void> {
      const next = { nextLookAt: await lease(), priorityKey: PRIORITIES.edit };
      await inTenant((work) => endLook(work, { ...taken(number), ...next }));
    },
  };
}

describe('the turn of an integration', () => {
  it('is that of the first one, until it has ended', async () => {
    const turns = turnsOf(tenant.tenantId);
    expect(await turns.take(1, [])).toBeNull();
    expect(await turns.take(2, [1])).toBe(1);
    expect(await turns.take(1, [])).toBeNull(); // a repeated attempt

    await turns.end(1);
    expect(await turns.take(2, [1])).toBeNull();
    expect(await turns.take(1, [])).toBe(2);
    expect(await turns.take(3, [1, 2])).toBe(2);
  });

  it('is not ended or renewed by an attempt that Temporal has given up', async () => {
    const turns = turnsOf(tenant.tenantId);
    await turns.take(1, []);
    const givenUp = turns.taken(1);
    await turns.take(1, []);

    expect(await turns.renew(1, givenUp)).toBe(false);
    await turns.end(1, givenUp);

    expect(await turns.take(2, [1])).toBe(1);
    expect(await turns.renew(1)).toBe(true);
  });

  it('does not come back by a renewal that was under way at its end', async () => {
    const turns = turnsOf(tenant.tenantId);
    await turns.take(1, []);
    await turns.end(1);

    expect(await turns.renew(1)).toBe(false);
    expect(await turns.take(2, [1])).toBeNull();
  });

  it('is free if the next execution was scheduled after its end, although no statement has ended it', async () => {
    const { take } = turnsOf(tenant.tenantId);
    await take(1, []);

    expect(await take(2, [])).toBeNull();
    expect(await take(1, [], 'next run')).toBeNull();
  });

  it('ends with the announcement of the next look', async () => {
    const turns = turnsOf(tenant.tenantId);
    await turns.take(1, []);
    await turns.look(1);

    expect(await turns.take(2, [1])).toBeNull();
  });

  it('of a dead worker ends by itself, and not before', async () => {
    const turns = turnsOf(tenant.tenantId);
    await turns.take(1, []);
    await environment.env.sleep(LEASE_MS - 1_000);
    expect(await turns.renew(1)).toBe(true);
    await environment.env.sleep(LEASE_MS - 1_000);
    expect(await turns.take(2, [1])).toBe(1);

    await environment.env.sleep(2_000);
    expect(await turns.take(2, [1])).toBeNull();
    expect(await turns.renew(1)).toBe(false);
    expect(await turns.take(1, [])).toBe(2);
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
