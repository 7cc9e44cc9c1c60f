/** Shares of a worker's slots, with every order in which work may ask (rule 60). */
import * as fc from 'fast-check';
import { type SlotRequest, SlotShares, slotRetrySeconds, WAITING_MAX } from '../../domain/slot-shares';

let requests = 0;
beforeEach(() => (requests = 0));

class Asked {
  giveBack: (() => void) | undefined;
  isAnswered = false;
  endWait: () => void;

  constructor(shares: SlotShares, tenantId: string, more: Partial<SlotRequest> = {}) {
    this.endWait = shares.ask(
      { tenantId, isForPerson: false, priorityKey: 3, since: (requests += 1), ...more },
      (giveBack) => {
        if (this.isAnswered) throw new Error('It was answered twice.');
        [this.isAnswered, this.giveBack] = [true, giveBack];
      },
    );
  }

  get state(): 'waits' | 'refused' | 'has a slot' {
    if (!this.isAnswered) return 'waits';
    return this.giveBack === undefined ? 'refused' : 'has a slot';
  }
}

/** @returns how many of the requests got a slot; none of them waits. */
function countGiven(shares: SlotShares, tenantId: string, count: number, isForPerson = false): number {
  const asked = Array.from({ length: count }, () => new Asked(shares, tenantId, { isForPerson }));
  for (const { endWait } of asked) endWait();
  return asked.filter(({ state }) => state === 'has a slot').length;
}

describe('rule 60: the slots of a worker', () => {
  it('are left to other tenants by a tenant with any amount of work', () => {
    const shares = new SlotShares(12);
    expect(countGiven(shares, 'a', 100)).toBe(3);
    expect(countGiven(shares, 'a', 100, true)).toBe(1);
    expect(countGiven(shares, 'b', 100)).toBe(3);
  });

  it('are left to what people wait for, whatever the schedules of all tenants start', () => {
    const shares = new SlotShares(12);
    const given = ['a', 'b', 'c', 'd', 'e'].map((tenantId) => countGiven(shares, tenantId, 100));
    expect(given).toEqual([3, 3, 3, 0, 0]);
    expect(countGiven(shares, 'e', 2, true)).toBe(2);
  });

  it.each([1, 2, 3, 5])('are given to every kind of work if there are %i', (slots) => {
    expect(countGiven(new SlotShares(slots), 'a', 3)).toBe(1);
    expect(countGiven(new SlotShares(slots), 'a', 3, true)).toBe(1);
  });

  it('go to the work that has waited longest as soon as they are free', () => {
    const shares = new SlotShares(4);
    const holder = new Asked(shares, 'a');
    const [second, first] = [new Asked(shares, 'a', { since: 20 }), new Asked(shares, 'a', { since: 10 })];
    expect([second.state, first.state]).toEqual(['waits', 'waits']);
    holder.giveBack?.();
    expect([second.state, first.state]).toEqual(['waits', 'has a slot']);
    first.giveBack?.();
    expect(second.state).toBe('has a slot');
  });

  it('go to an edit before a backfill that has waited longer', () => {
    const shares = new SlotShares(4);
    const holder = new Asked(shares, 'a');
    const backfill = new Asked(shares, 'a', { priorityKey: 5, since: 10 });
    const edit = new Asked(shares, 'a', { since: 20 });
    holder.giveBack?.();
    expect([backfill.state, edit.state]).toEqual(['waits', 'has a slot']);
    edit.giveBack?.();
    expect(backfill.state).toBe('has a slot');
  });

  it('go to a tenant without a slot before a tenant with some', () => {
    const shares = new SlotShares(12);
    const holders = Array.from('aabbbcccd', (tenantId) => new Asked(shares, tenantId));
    const [more, other] = [new Asked(shares, 'a'), new Asked(shares, 'e')];
    expect([more.state, other.state]).toEqual(['waits', 'waits']);
    holders.at(-1)?.giveBack?.();
    expect([more.state, other.state]).toEqual(['waits', 'has a slot']);
  });

  it('do not stay free while work waits: what waits longest keeps its place, other work asks again', () => {
    const shares = new SlotShares(1);
    const holder = new Asked(shares, 'a', { since: 0 });
    const late = Array.from({ length: WAITING_MAX }, (_, index) => new Asked(shares, `late ${index}`));
    const early = new Asked(shares, 'early', { since: 0 });
    expect(late.at(-1)?.state).toBe('refused');
    expect(late.slice(0, -1).every(({ state }) => state === 'waits')).toBe(true);
    holder.giveBack?.();
    expect(early.state).toBe('has a slot');
  });

  it('can be waited for by every tenant, however much one tenant asks for itself', () => {
    const shares = new SlotShares(2);
    const holder = new Asked(shares, 'a', { isForPerson: true });
    const own = Array.from({ length: 100 }, () => new Asked(shares, 'a', { isForPerson: true }));
    const second = new Asked(shares, 'b');
    const third = new Asked(shares, 'c');
    expect([second.state, third.state]).toEqual(['has a slot', 'waits']);
    second.giveBack?.();
    expect(third.state).toBe('has a slot');
    holder.giveBack?.();
    expect(own.filter(({ state }) => state === 'has a slot')).toHaveLength(1);
  });

  it('are not kept for work that has stopped waiting', () => {
    const shares = new SlotShares(1);
    const holder = new Asked(shares, 'a');
    const gone = new Asked(shares, 'b');
    gone.endWait();
    expect(gone.state).toBe('refused');
    holder.giveBack?.();
    expect(countGiven(shares, 'c', 1)).toBe(1);
  });

  it('are asked for again after a second, or an eighth of the time that the work has waited', () => {
    const seconds = [-3_600_000, 0, 9_000, 16_000, 100_000, 3_600_000].map((ms) => slotRetrySeconds(0, ms));
    expect(seconds).toEqual([1, 1, 1, 2, 12, 20]);
  });

  it('reach all work in the end, and no tenant holds more than a third of them', () => {
    const work = fc.record({
      tenantId: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
      isForPerson: fc.boolean(),
      priorityKey: fc.integer({ min: 1, max: 5 }),
      asksAt: fc.integer({ min: 0, max: 60_000 }),
      lastsMs: fc.integer({ min: 0, max: 60_000 }),
    });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.array(work, { maxLength: 60 }), (slots, all) => {
        const shares = new SlotShares(slots);
        const events: { at: number; run: (now: number) => void }[] = [];
        const held = new Map<string, number>();
        const change = (tenantId: string, by: number) => held.set(tenantId, (held.get(tenantId) ?? 0) + by);
        let reached = 0;
        for (const one of all) {
          const ask = (now: number): void => {
            const endWait = shares.ask({ ...one, since: one.asksAt }, (giveBack) => {
              if (giveBack === undefined)
                return void events.push({
                  at: clock + slotRetrySeconds(one.asksAt, clock) * 1_000,
                  run: ask,
                });
              reached += 1;
              change(one.tenantId, 1);
              events.push({ at: clock + one.lastsMs, run: () => (change(one.tenantId, -1), giveBack()) });
            });
            events.push({ at: now + 3_000, run: endWait });
          };
          events.push({ at: one.asksAt, run: ask });
        }
        let clock = 0;
        while (events.length > 0 && clock < 60 * 60_000 + all.length * 120_000) {
          events.sort((one, other) => one.at - other.at);
          const next = events.shift() as (typeof events)[number];
          clock = next.at;
          next.run(clock);
          expect(Math.max(0, ...held.values())).toBeLessThanOrEqual(Math.max(1, Math.floor(slots / 3)));
          expect([...held.values()].reduce((sum, one) => sum + one, 0)).toBeLessThanOrEqual(slots);
        }
        expect(reached).toBe(all.length);
      }),
    );
  });
});
