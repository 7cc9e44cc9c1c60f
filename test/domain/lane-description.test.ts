/** What operators read in Temporal's UI stays within Temporal's limits: 400 bytes a summary, 20,000 bytes details (temporal.md 2.1). */
import * as fc from 'fast-check';
import { describeLane, type LaneState, summarizeWait } from '../../domain/lane-description';

const bytes = (text: string) => Buffer.byteLength(text, 'utf8');
const lane = (more: Partial<LaneState> = {}): LaneState => ({
  state: 'working',
  pendingRecords: 3,
  blockedUntil: null,
  blockedBecause: null,
  blockedDetail: null,
  ...more,
});

describe('the summary of a timer', () => {
  it('says what waits, in at most 400 bytes', () => {
    expect(summarizeWait(0)).toBe('until the first record is due');
    expect(summarizeWait(12)).toContain('12');
    fc.assert(fc.property(fc.maxSafeNat(), (pending) => expect(bytes(summarizeWait(pending))).toBeLessThanOrEqual(400)));
  });
});

describe('the details of a lane', () => {
  it('say what waits, until when, and why', () => {
    const text = describeLane(
      lane({ blockedUntil: Date.UTC(2026, 0, 2), blockedBecause: 'outage', blockedDetail: 'connect ECONNREFUSED' }),
      Date.UTC(2026, 0, 1),
    );

    expect(text).toContain('**3** records wait, next look at 2026-01-01T00:00:00.000Z.');
    expect(text).toContain('cannot be reached');
    expect(text).toContain('2026-01-02T00:00:00.000Z: connect ECONNREFUSED');
  });

  it.each([
    ['paused', 'Resume the integration'],
    ['needs_reauthorization', 'give new ones'],
    ['deleted', 'was deleted'],
  ] as const)('name the remedy when the integration is %s', (state, words) => {
    expect(describeLane(lane({ state }), null)).toContain(words);
  });

  it('do not pass 20,000 bytes, nor end in half a character, whatever the third party says', () => {
    const words = fc.record({
      before: fc.integer({ min: 0, max: 4_100 }),
      what: fc.constantFrom('x', 'é', '漢', '😀', '\uD83D', '\0'),
      times: fc.integer({ min: 0, max: 9_000 }),
    });
    fc.assert(
      fc.property(words, ({ before, what, times }) => {
        const blockedDetail = 'x'.repeat(before) + what.repeat(times);
        const text = describeLane(lane({ blockedUntil: 0, blockedBecause: 'rate_limit', blockedDetail }), 0);

        expect(bytes(text)).toBeLessThanOrEqual(20_000);
        expect(/\p{Surrogate}/u.test(text)).toBe(false);
      }),
    );
  });

  it('do not fail on an instant that no calendar has', () => {
    expect(() => describeLane(lane({ blockedUntil: 1e300, blockedBecause: 'outage' }), 1e300)).not.toThrow();
  });
});
