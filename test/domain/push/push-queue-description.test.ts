/**
 * Texts in Temporal's UI stay within Temporal's limits: 400 bytes for a summary, 20,000 bytes for details.
 */
import * as fc from 'fast-check';
import {
  describeFirstWait,
  describePushQueue,
  type QueueState,
  summarizeWait,
} from '../../../domain/push/push-queue-description';

const bytes = (text: string) => Buffer.byteLength(text, 'utf8');
const queue = (more: Partial<QueueState> = {}): QueueState => ({
  state: 'working',
  pendingRecords: 3,
  blockedUntil: null,
  blockedReason: null,
  ...more,
});

describe('the summary of a timer', () => {
  it('names the number of pending records, in at most 400 bytes', () => {
    expect(summarizeWait(0)).toBe('until the first record is due');
    expect(summarizeWait(12)).toContain('12');
    expect(summarizeWait(10_000)).toContain('10000 or more');
    fc.assert(
      fc.property(fc.maxSafeNat(), (pending) =>
        expect(bytes(summarizeWait(pending))).toBeLessThanOrEqual(400),
      ),
    );
  });
});

describe('the details of a push queue', () => {
  it('name the time of the first check', () => {
    expect(describeFirstWait(Date.UTC(2026, 0, 1))).toContain('First check at 2026-01-01T00:00:00.000Z');
    expect(() => describeFirstWait(Number.POSITIVE_INFINITY)).not.toThrow();
  });

  it('name the pending records, their due times, and the reason', () => {
    const text = describePushQueue(
      queue({ blockedUntil: Date.UTC(2026, 0, 2), blockedReason: 'outage' }),
      Date.UTC(2026, 0, 1),
    );

    expect(text).toContain('**3** records pending. Next check at 2026-01-01T00:00:00.000Z.');
    expect(text).toContain('cannot be reached');
    expect(text).toContain('Next probe at 2026-01-02T00:00:00.000Z.');
    expect(text).toContain('The reason is shown at the integration.');
  });

  it.each([
    ['paused', 'until it is resumed'],
    ['needs_reauthorization', 'once the integration has new ones'],
    ['deleted', 'was deleted'],
  ] as const)('name the remedy when the integration is %s', (state, words) => {
    expect(describePushQueue(queue({ state }), null)).toContain(words);
  });

  it('are far below 20,000 bytes', () => {
    const states = fc.record({
      state: fc.constantFrom(
        'working' as const,
        'paused' as const,
        'needs_reauthorization' as const,
        'deleted' as const,
      ),
      pendingRecords: fc.maxSafeNat(),
      blockedUntil: fc.option(fc.maxSafeNat()),
      blockedReason: fc.constantFrom('outage' as const, 'rate_limit' as const),
    });
    fc.assert(
      fc.property(states, fc.option(fc.maxSafeNat()), (state, nextDueAt) =>
        expect(bytes(describePushQueue(state, nextDueAt))).toBeLessThanOrEqual(2_000),
      ),
    );
  });

  it('do not fail on an instant outside the range of a Date', () => {
    expect(() =>
      describePushQueue(queue({ blockedUntil: 1e300, blockedReason: 'outage' }), 1e300),
    ).not.toThrow();
  });
});
