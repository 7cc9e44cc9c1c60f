/** Why an overview no longer holds, and how jobs are named (rules.md 19, 22). */
import * as fc from 'fast-check';
import {
  directionOfJob,
  INVALIDITY_TEXTS,
  OVERVIEW_INVALIDITIES,
  OVERVIEW_VALID_MS,
  pushJobOf,
  supersededBy,
} from '../../../domain/overviews/overview';

const requester = () =>
  fc.record({
    personId: fc.option(fc.constantFrom('p1', 'p2'), { nil: null }),
    requestedBy: fc.constantFrom('key:one', 'key:two', 'person:p1', 'person:p2'),
  });

describe('rule 19: who superseded it', () => {
  it.each([
    [
      'the same person',
      { personId: 'p1', requestedBy: 'person:p1' },
      { personId: 'p1', requestedBy: 'person:p1' },
      'superseded_by_new_overview',
    ],
    [
      'the same person by a key that acts for them',
      { personId: 'p1', requestedBy: 'key:one' },
      { personId: 'p1', requestedBy: 'person:p1' },
      'superseded_by_new_overview',
    ],
    [
      'another person by the same key',
      { personId: 'p2', requestedBy: 'key:one' },
      { personId: 'p1', requestedBy: 'key:one' },
      'superseded_by_other_admin',
    ],
    [
      'the same key',
      { personId: null, requestedBy: 'key:one' },
      { personId: null, requestedBy: 'key:one' },
      'superseded_by_new_overview',
    ],
    [
      'another key',
      { personId: null, requestedBy: 'key:two' },
      { personId: null, requestedBy: 'key:one' },
      'superseded_by_other_admin',
    ],
    [
      'a key where a person had asked',
      { personId: null, requestedBy: 'key:one' },
      { personId: 'p1', requestedBy: 'key:one' },
      'superseded_by_other_admin',
    ],
  ] as const)('%s', (_, newer, older, reason) => {
    expect(supersededBy(newer, older)).toBe(reason);
  });

  it('is the same whichever request was first', () => {
    fc.assert(
      fc.property(requester(), requester(), (one, other) =>
        expect(supersededBy(one, other)).toBe(supersededBy(other, one)),
      ),
    );
  });

  it('is the same person after two requests of one person', () => {
    fc.assert(
      fc.property(requester(), (one) =>
        expect(supersededBy(one, { ...one })).toBe('superseded_by_new_overview'),
      ),
    );
  });
});

describe('rules 19 and 20: its end', () => {
  it('is after seven days, and every reason has its own text', () => {
    expect(OVERVIEW_VALID_MS).toBe(7 * 24 * 3_600_000);
    expect(Object.keys(INVALIDITY_TEXTS).toSorted()).toEqual([...OVERVIEW_INVALIDITIES].toSorted());
    expect(new Set(Object.values(INVALIDITY_TEXTS)).size).toBe(OVERVIEW_INVALIDITIES.length);
  });
});

describe('rule 22: jobs of a run', () => {
  it('have the direction in their name', () => {
    // As record types are named.
    const recordType = () => fc.stringMatching(/^[a-z][a-z0-9_]{0,20}$/);
    fc.assert(
      fc.property(recordType(), (name) => {
        expect(directionOfJob(name)).toEqual({ recordType: name, direction: 'pull' });
        expect(directionOfJob(pushJobOf(name))).toEqual({ recordType: name, direction: 'push' });
      }),
    );
    expect(directionOfJob('')).toEqual({ recordType: '', direction: 'pull' });
  });
});
