/** rule 60: the places of a topic, when all calls are silent. */
import * as fc from 'fast-check';
import { CALLS_AT_ONCE, TopicCalls } from '../../worker/outbox-calls';

const silence = new Promise<void>(() => undefined);

/** Begins calls in this order, each by a tenant, where they may begin. @returns the places of each tenant. */
function begin(calls: TopicCalls, tenants: readonly string[]): Map<string, number> {
  const held = new Map<string, number>();
  for (const [call, tenantId] of tenants.entries()) {
    if (!calls.mayBegin(tenantId)) continue;
    void calls.hold({ tenantId, subjectId: `${call}` }, () => silence);
    held.set(tenantId, (held.get(tenantId) ?? 0) + 1);
  }
  return held;
}

it('a tenant alone holds half of them', () => {
  expect(begin(new TopicCalls(), Array<string>(40).fill('a'))).toEqual(new Map([['a', CALLS_AT_ONCE / 2]]));
});

it('four tenants leave a place to a fifth, in whatever order they come', () => {
  const order = fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 200, size: 'max' });
  fc.assert(
    fc.property(order, (tenants) => {
      const calls = new TopicCalls();
      const held = begin(calls, tenants);
      expect(calls.mayBegin('e')).toBe(true);
      expect(Math.max(0, ...held.values())).toBeLessThanOrEqual(CALLS_AT_ONCE / 2);
    }),
  );
});

it('tenants that take turns hold nearly the same number, and fifteen leave a place', () => {
  for (let count = 1; count < CALLS_AT_ONCE; count += 1) {
    const calls = new TopicCalls();
    const tenants = Array.from({ length: count }, (_, index) => `${index}`);
    const held = [...begin(calls, Array.from({ length: 20 }, () => tenants).flat()).values()];
    expect(Math.max(...held) - Math.min(...held)).toBeLessThanOrEqual(1);
    expect([held.length, calls.mayBegin('another')]).toEqual([count, true]);
  }
});

it('a place is given back, and the tenant may begin again, also after an error', async () => {
  const calls = new TopicCalls();
  let fail = (_error: Error): void => undefined;
  const held = calls.hold(
    { tenantId: 'a', subjectId: 'first' },
    () => new Promise((_, reject) => (fail = reject)),
  );
  begin(calls, Array<string>(40).fill('a'));
  expect([calls.tenantsAtLimit(), calls.isUnderWay('first')]).toEqual([['a'], true]);
  const ended = calls.untilOneEnds();

  fail(new Error('It is refused.'));

  await expect(held).rejects.toThrow('It is refused.');
  await ended;
  expect([calls.tenantsAtLimit(), calls.isUnderWay('first'), calls.mayBegin('a')]).toEqual([[], false, true]);
});
