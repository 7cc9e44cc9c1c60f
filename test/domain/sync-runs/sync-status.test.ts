/** Differences between both sides and the reaction to them (rules.md 32). */
import * as fc from 'fast-check';
import {
  answerToDrift,
  type DriftFacts,
  REPAIR_INTERVAL_MS,
  sumOfTotals,
  totalsOf,
} from '../../../domain/sync-runs/sync-status';

const FACTS: DriftFacts = {
  difference: 0,
  previousDifference: null,
  sinceRepairMs: null,
  knownDifference: null,
  isFull: false,
  hasTombstones: false,
  deletionsInReview: 0,
  erasedThere: 0,
  isListChanged: false,
  isRepair: false,
};
const anyFacts = fc.record({
  difference: fc.constantFrom(null, -3, 0, 2),
  previousDifference: fc.constantFrom(null, -3, 0, 2),
  sinceRepairMs: fc.constantFrom(null, 0, REPAIR_INTERVAL_MS - 1, REPAIR_INTERVAL_MS),
  knownDifference: fc.constantFrom(null, -3, 2),
  isFull: fc.boolean(),
  hasTombstones: fc.boolean(),
  deletionsInReview: fc.constantFrom(0, 2),
  erasedThere: fc.constantFrom(0, 1),
  isListChanged: fc.boolean(),
  isRepair: fc.boolean(),
});

describe('rule 32: totals', () => {
  it('are the local total minus the remote one, and null, never 0, if a side is unknown', () => {
    expect(totalsOf(10, 12)).toEqual({ syncline: 10, app: 12, difference: -2 });
    expect(totalsOf(10, null)).toEqual({ syncline: 10, app: null, difference: null });
    expect(totalsOf(null, 0).difference).toBeNull();
    expect(totalsOf(0, 0).difference).toBe(0);
  });

  it('are known in sum only if every part is known', () => {
    expect(sumOfTotals([totalsOf(3, 3), totalsOf(4, 5)])).toEqual({ syncline: 7, app: 8, difference: -1 });
    expect(sumOfTotals([totalsOf(3, 3), totalsOf(4, null)])).toEqual({
      syncline: 7,
      app: null,
      difference: null,
    });
    expect(sumOfTotals([])).toEqual({ syncline: null, app: null, difference: null });
  });
});

describe('rule 32: the consequence of a difference', () => {
  it.each<[string, Partial<DriftFacts>]>([
    ['none', {}],
    ['none', { difference: null }],
    ['repair', { difference: 1, previousDifference: 1 }],
    ['repair', { difference: 1, previousDifference: 1, knownDifference: -1 }],
    ['none', { difference: 1, previousDifference: 1, knownDifference: 1 }],
    ['repair', { hasTombstones: true }],
    ['repair', { isFull: true, isListChanged: true }],
    ['alert', { isFull: true, isListChanged: true, isRepair: true, difference: 2 }],
    ['none', { isFull: true, isListChanged: true, isRepair: true }],
    ['alert', { isFull: true, difference: 2 }],
    ['none', { isFull: true, difference: 3, deletionsInReview: 3 }],
    ['alert', { isFull: true, difference: 4, deletionsInReview: 3 }],
    ['none', { isFull: true, difference: -2, erasedThere: 2 }],
    ['alert', { isFull: true, difference: -3, erasedThere: 2 }],
    ['none', { isFull: true }],
    ['none', { isFull: true, difference: null }],
  ])('%s for %j', (answer, facts) => {
    expect(answerToDrift({ ...FACTS, ...facts })).toBe(answer);
  });

  it.each<[string, Partial<DriftFacts>]>([
    ['none', { difference: 1 }],
    ['none', { difference: 1, previousDifference: 0 }],
    ['none', { difference: 2, previousDifference: 1 }],
    ['none', { difference: 1, previousDifference: 1, sinceRepairMs: REPAIR_INTERVAL_MS - 1 }],
    ['none', { hasTombstones: true, sinceRepairMs: REPAIR_INTERVAL_MS - 1 }],
    ['repair', { difference: 1, previousDifference: 1, sinceRepairMs: REPAIR_INTERVAL_MS }],
    ['repair', { hasTombstones: true, sinceRepairMs: REPAIR_INTERVAL_MS }],
  ])(
    'rule 52: a repair needs two equal counts and six hours since the last one: %s for %j',
    (answer, facts) => {
      expect(answerToDrift({ ...FACTS, ...facts })).toBe(answer);
    },
  );

  it('a repair never calls for another repair', () => {
    fc.assert(
      fc.property(
        anyFacts,
        (facts) => answerToDrift({ ...facts, isFull: true, isRepair: true }) !== 'repair',
      ),
    );
  });

  it('notifies people only after a full pass', () => {
    fc.assert(
      fc.property(
        anyFacts,
        (facts) =>
          answerToDrift(facts) !== 'alert' ||
          (facts.isFull && facts.difference !== null && facts.difference !== 0),
      ),
    );
  });
});
