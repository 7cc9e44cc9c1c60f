/** The effect of a change on one record sync: rules.md 1 to 6, 9 and 14. */
import * as fc from 'fast-check';
import { canonicalJson, type JsonObject } from '../../../domain/json';
import {
  pushTarget,
  type PushTarget,
  type RecordState,
  type RecordTypeMapping,
} from '../../../domain/records/mapping';
import {
  type ChangeOfRecord,
  decideRecordSync,
  type RecordSyncDecision,
  type RecordSyncState,
} from '../../../domain/push/plan-record-syncs';
import type { WaitPolicy } from '../../../domain/push/debounce-window';

const MINUTE = 60_000;
const at = (minutes: number) => new Date(Date.UTC(2026, 10, 21) + minutes * MINUTE);
const policy: WaitPolicy = { gracePeriodMs: 5 * MINUTE, maxWaitMs: 60 * MINUTE };
const mapping: RecordTypeMapping = {
  direction: 'push',
  fields: [
    { name: 'name', to: 'n' },
    { name: 'email', to: 'e' },
  ],
  filter: { country: ['BE', null] },
  onDelete: 'deactivate',
};
const hashOf = (target: PushTarget) => canonicalJson(target as never);
const record = (fields: JsonObject, isDeleted = false): RecordState => ({ fields, isDeleted });
const recordSync = (more: Partial<RecordSyncState> = {}): RecordSyncState => ({
  window: null,
  isHeld: false,
  isPushOpen: false,
  hasResult: false,
  resultHash: null,
  ...more,
});
const synced = (state: RecordState, more: Partial<RecordSyncState> = {}) =>
  recordSync({ hasResult: true, resultHash: hashOf(pushTarget(mapping, state)), ...more });
const openWindow = { openedAt: at(0), dueAt: at(5) };

function changed(before: RecordState | null, after: RecordState): ChangeOfRecord {
  const names = new Set([...Object.keys(before?.fields ?? {}), ...Object.keys(after.fields)]);
  return {
    before,
    after,
    changedFields: [...names].filter(
      (name) =>
        canonicalJson(before?.fields[name] ?? 'absent') !== canonicalJson(after.fields[name] ?? 'absent'),
    ),
  };
}
const decide = (
  change: ChangeOfRecord,
  state: RecordSyncState | null,
  now = at(1),
  by: RecordTypeMapping | null = mapping,
): RecordSyncDecision => decideRecordSync(by ?? undefined, policy, change, state, hashOf, now);

const A = record({ name: 'A' });
const B = record({ name: 'B' });

describe('rule 1: a relevant change', () => {
  it('opens a window, which the push queue must be signaled about', () => {
    expect(decide(changed(A, B), synced(A))).toEqual({
      kind: 'window',
      window: { openedAt: at(1), dueAt: at(6), reason: 'quiet' },
      fields: ['name'],
      effect: 'overwrite',
      isDueEarlier: true,
    });
  });

  it('moves an open window without a signal to the push queue', () => {
    expect(decide(changed(A, B), synced(A, { window: openWindow }), at(3))).toMatchObject({
      kind: 'window',
      window: { openedAt: at(0), dueAt: at(8) },
      isDueEarlier: false,
    });
  });

  it('signals the push queue if a shorter grace period makes the window due earlier', () => {
    const decision = decideRecordSync(
      mapping,
      { ...policy, gracePeriodMs: 1_000 },
      changed(A, B),
      synced(A, { window: openWindow }),
      hashOf,
      at(1),
    );

    expect(decision).toMatchObject({ kind: 'window', isDueEarlier: true });
  });

  it('does not signal the push queue for a held record sync (rule 9), which keeps its window', () => {
    expect(decide(changed(A, B), synced(A, { window: openWindow, isHeld: true }))).toMatchObject({
      kind: 'window',
      window: { openedAt: at(0) },
      isDueEarlier: false,
    });
  });
});

describe('rule 3: an irrelevant change', () => {
  it.each<[string, ChangeOfRecord, RecordSyncState | null, RecordTypeMapping | null]>([
    [
      'a field that is not mapped',
      changed(record({ name: 'A', size: 1 }), record({ name: 'A', size: 2 })),
      synced(A),
      mapping,
    ],
    ['a record type that is not mapped', changed(A, B), null, null],
    [
      'a record that is not eligible and stays so',
      changed(record({ name: 'A', country: 'NL' }), record({ name: 'B', country: 'NL' })),
      synced(A),
      mapping,
    ],
    [
      'a deleted record that is deleted',
      changed(record({ name: 'A' }, true), record({ name: 'B' }, true)),
      synced(A),
      mapping,
    ],
    ['a new record that is not eligible', changed(null, record({ name: 'A', country: 'NL' })), null, mapping],
    [
      'a record that leaves and never had a record sync',
      changed(A, record({ name: 'A' }, true)),
      null,
      mapping,
    ],
  ])('has no effect: %s', (_what, change, state, by) => {
    expect(decide(change, state, at(1), by)).toEqual({ kind: 'irrelevant' });
  });
});

describe('rule 5: an edit that is undone', () => {
  it('closes the window', () => {
    expect(decide(changed(B, A), synced(A, { window: openWindow }))).toEqual({
      kind: 'no_net_change',
      fields: ['name'],
    });
  });

  it('does not close the window while a push is open, because the state of the third party is unknown', () => {
    expect(decide(changed(B, A), synced(A, { window: openWindow, isPushOpen: true })).kind).toBe('window');
  });

  it('does not close the window if the last sent content is unknown', () => {
    expect(decide(changed(B, A), recordSync({ hasResult: true, window: openWindow })).kind).toBe('window');
  });
});

describe('rule 6: a change while a push is open', () => {
  it('opens a window of its own', () => {
    expect(decide(changed(A, B), synced(A, { isPushOpen: true }))).toMatchObject({
      kind: 'window',
      window: { openedAt: at(1) },
      isDueEarlier: true,
    });
  });
});

describe('rule 14: coming and going', () => {
  it('treats a record that becomes eligible as a change of all mapped fields', () => {
    expect(
      decide(changed(record({ name: 'A', country: 'NL' }), record({ name: 'A', country: 'BE' })), null),
    ).toMatchObject({
      kind: 'window',
      fields: ['name', 'email'],
    });
    expect(decide(changed(null, A), null)).toMatchObject({ kind: 'window', fields: ['name', 'email'] });
  });

  it.each([
    ['deleted', record({ name: 'A' }, true)],
    ['out of the filter', record({ name: 'A', country: 'NL' })],
  ])('opens a window for a pushed record that is %s', (_what, after) => {
    expect(decide(changed(A, after), synced(A)).kind).toBe('window');
    expect(decide(changed(A, after), recordSync({ isPushOpen: true, window: openWindow })).kind).toBe(
      'window',
    );
  });

  it('removes the record sync of a record that was never pushed', () => {
    expect(decide(changed(A, record({ name: 'A' }, true)), recordSync({ window: openWindow }))).toEqual({
      kind: 'forget',
    });
  });

  it('does not push a record that left and returned unchanged', () => {
    expect(decide(changed(record({ name: 'A' }, true), A), synced(A, { window: openWindow })).kind).toBe(
      'no_net_change',
    );
  });
});

describe('rule 47: a record that cannot be mapped', () => {
  const typed: RecordTypeMapping = {
    ...mapping,
    fields: [
      { name: 'name', to: 'n' },
      { name: 'born', to: 'b', type: 'date' },
      { name: 'hours', to: 'h', type: 'number' },
      { name: 'grade', to: 'g', values: { a: 'A' } },
    ],
  };
  const hashOrNull = (target: PushTarget) => (target.operation === 'invalid' ? null : hashOf(target));

  it.each<[string, JsonObject]>([
    ['an empty date', { born: '' }],
    ['a date of zeros', { born: '0000-00-00' }],
    ['a number with separators', { hours: '1,250.5' }],
    ['a list under a number', { hours: [38] }],
    ['a value without a counterpart', { grade: 'z' }],
  ])('opens a window for every edit of another field: %s', (_what, fields) => {
    const before = record({ name: 'A', ...fields });
    const after = record({ name: 'Edited here', ...fields });
    for (const resultHash of [null, hashOf(pushTarget(typed, before)), hashOf(pushTarget(typed, after))]) {
      const state = recordSync({ hasResult: true, resultHash });
      expect(decideRecordSync(typed, policy, changed(before, after), state, hashOrNull, at(1))).toMatchObject(
        { kind: 'window', fields: ['name'] },
      );
    }
  });
});

describe('any sequence of changes of one record sync', () => {
  const fields = fc.record(
    { name: fc.constantFrom('A', 'B'), size: fc.constantFrom(1, 2), country: fc.constantFrom('BE', 'NL') },
    { requiredKeys: [] },
  );
  const states = fc.record({ fields, isDeleted: fc.boolean() }) as fc.Arbitrary<RecordState>;
  const anyRecordSync = fc.record({
    window: fc.constantFrom(null, openWindow),
    isHeld: fc.boolean(),
    isPushOpen: fc.boolean(),
    hasResult: fc.boolean(),
    resultHash: fc.oneof(
      fc.constant(null),
      states.map((state) => hashOf(pushTarget(mapping, state))),
    ),
  });

  it('pushes every change: if the target state differs, a window is open afterwards', () => {
    fc.assert(
      fc.property(states, states, fc.option(anyRecordSync), (before, after, state) => {
        const [wanted, wants] = [before, after].map((one) => hashOf(pushTarget(mapping, one)));
        const isKnown = state !== null && (state.hasResult || state.isPushOpen || state.window !== null);
        const decision = decide(changed(before, after), state);
        const isSilent = decision.kind === 'irrelevant' || decision.kind === 'forget';

        // A change of the wanted state is silent only for a record sync that was never sent,
        // or for a record that leaves and was never sent.
        const mayBeSilent =
          wanted === wants ||
          (wants === hashOf({ operation: 'deactivate' }) &&
            !(isKnown && (state.hasResult || state.isPushOpen)));
        expect(!isSilent || mayBeSilent).toBe(true);
        // And "no net change" is said only of what was concluded, for certain, with the same.
        expect(
          decision.kind !== 'no_net_change' ||
            (state !== null && !state.isPushOpen && state.resultHash === wants),
        ).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });
});
