/** Shares of a worker's slots, with every order in which work may ask (rule 60). */
import * as fc from 'fast-check';
import { type SlotRequest, SlotShares } from '../../domain/slot-shares';

let now = 0;
let requests = 0;
const request = (tenantId: string, more: Partial<SlotRequest> = {}): SlotRequest => ({
  key: `work ${(requests += 1)}`,
  tenantId,
  isForPerson: false,
  since: requests,
  ...more,
});
const sharesOf = (slots: number): SlotShares => new SlotShares(slots, () => now);

beforeEach(() => {
  now = 0;
  requests = 0;
});

/** @returns how many of the requests got a slot. */
function countTaken(shares: SlotShares, tenantId: string, count: number, isForPerson = false): number {
  const results = Array.from({ length: count }, () => shares.take(request(tenantId, { isForPerson })));
  return results.filter((result) => typeof result === 'function').length;
}

describe('rule 60: the slots of a worker', () => {
  it('are left to other tenants by a tenant with any amount of work', () => {
    const shares = sharesOf(12);
    expect(countTaken(shares, 'a', 100)).toBe(3);
    expect(countTaken(shares, 'a', 100, true)).toBe(1);
    expect(countTaken(shares, 'b', 100)).toBe(3);
  });

  it('are left to what people wait for, whatever the schedules of all tenants start', () => {
    const shares = sharesOf(12);
    const taken = ['a', 'b', 'c', 'd', 'e'].map((tenantId) => countTaken(shares, tenantId, 100));
    expect(taken).toEqual([3, 3, 3, 0, 0]);
    expect(countTaken(shares, 'e', 2, true)).toBe(2);
  });

  it.each([1, 2, 3, 5])('are given to every kind of work if there are %i', (slots) => {
    expect(countTaken(sharesOf(slots), 'a', 3)).toBe(1);
    expect(countTaken(sharesOf(slots), 'a', 3, true)).toBe(1);
  });

  it('go to the work that has waited longest, not to work that asks in the instant when one is free', () => {
    const shares = sharesOf(4);
    const giveBack = shares.take(request('a')) as () => void;
    const first = request('a');
    const second = request('a');
    expect([shares.take(first), shares.take(second)]).toEqual([1, 2]);
    giveBack();
    expect(shares.take(request('a'))).toEqual(expect.any(Number));
    expect(shares.take(second)).toEqual(expect.any(Number));
    expect(shares.take(first)).toEqual(expect.any(Function));
  });

  it('go to a tenant without a slot before a tenant with some', () => {
    const shares = sharesOf(4);
    const giveBack = ['a', 'b', 'c'].map((tenantId) => shares.take(request(tenantId)) as () => void);
    const waiting = request('d');
    expect(shares.take(waiting)).toBe(1);
    giveBack[0]?.();
    expect(shares.take(waiting)).toEqual(expect.any(Function));
  });

  it('are not kept for work that does not ask again', () => {
    const shares = sharesOf(4);
    const giveBack = shares.take(request('a')) as () => void;
    expect(shares.take(request('a'))).toBe(1);
    giveBack();
    expect(shares.take(request('a'))).toEqual(expect.any(Number));
    now += 60_000;
    expect(shares.take(request('a'))).toEqual(expect.any(Function));
  });

  it('reach all work in the end, and no tenant holds more than a third of them', () => {
    const work = fc.record({
      tenantId: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
      isForPerson: fc.boolean(),
      lastsMs: fc.integer({ min: 0, max: 60_000 }),
    });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.array(work, { maxLength: 60 }), (slots, all) => {
        now = 0;
        const shares = sharesOf(slots);
        const events = all.map((one, index) => ({
          ...one,
          at: 0,
          ask: { ...one, key: String(index), since: index },
          giveBack: undefined as (() => void) | undefined,
        }));
        const held = new Map<string, number>();
        const change = (tenantId: string, by: number): void =>
          void held.set(tenantId, (held.get(tenantId) ?? 0) + by);
        while (events.length > 0) {
          events.sort((one, other) => one.at - other.at);
          const next = events[0] as (typeof events)[number];
          now = next.at;
          if (now > 60 * 60_000 + all.length * 120_000) throw new Error('Some work got no slot.');
          if (next.giveBack !== undefined) {
            next.giveBack();
            change(next.tenantId, -1);
            events.shift();
            continue;
          }
          const taken = shares.take(next.ask);
          if (typeof taken === 'number') next.at += taken * 1_000;
          else {
            change(next.tenantId, 1);
            next.giveBack = taken;
            next.at += next.lastsMs;
          }
          expect(held.get(next.tenantId) ?? 0).toBeLessThanOrEqual(Math.max(1, Math.floor(slots / 3)));
          expect([...held.values()].reduce((sum, one) => sum + one, 0)).toBeLessThanOrEqual(slots);
        }
      }),
    );
  });
});
