/** Fields with transforms, and with a direction of their own, between two systems (rules.md 17, 46 to 48). */
import * as fc from 'fast-check';
import type { PushItem } from '../../../connectors/connector';
import { forUpdate } from '../../../connectors/payload-of-update';
import type { JsonObject, JsonValue } from '../../../domain/json';
import { remoteDifference } from '../../../domain/pull/remote-difference';
import { mergePulled } from '../../../domain/pull/three-way-merge';
import { findUnreadEdits } from '../../../domain/pull/unread-edits';
import {
  type FieldMapping,
  mapRecord,
  pushTarget,
  relevantFields,
  targetText,
  type RecordTypeMapping,
} from '../../../domain/records/mapping';
import { notationAfterPush } from '../../../domain/records/notation';
import { ownerOf, respectOwners } from '../../../domain/records/record-change';
import type { TransformStep } from '../../../domain/records/transforms/step';

const mappingOf = (...fields: FieldMapping[]): RecordTypeMapping => ({
  direction: 'both',
  onDelete: 'leave',
  fields,
});

/** Both sides after a push that the third party stored in a notation of its own. */
function givenPushed(
  mapping: RecordTypeMapping,
  fields: JsonObject,
  habit: (value: JsonValue) => JsonValue = (value) => value,
) {
  const mapped = mapRecord(mapping, fields);
  if (!mapped.ok) return undefined;
  const there = Object.fromEntries(
    Object.entries(mapped.payload).map(([name, value]) => [name, habit(value)]),
  );
  const notation = notationAfterPush(mapping, fields, { before: null, shown: null, payload: mapped.payload });
  return { fields, there, payload: mapped.payload, agreement: { agreed: mapped.payload, notation } };
}

const CHAINS: [name: string, steps: TransformStep[], values: fc.Arbitrary<JsonValue>][] = [
  ['trim', [{ type: 'trim' }], fc.constantFrom(' a ', 'b', '', '  ', null)],
  ['case', [{ type: 'case', to: 'lower' }], fc.constantFrom('Ana', 'ANA', 'ana', 'İ', null)],
  ['default', [{ type: 'default', value: 'none' }], fc.constantFrom('a', 'none', null)],
  [
    'join',
    [{ type: 'join', separator: ', ' }],
    fc.array(fc.constantFrom('a', 'b', 'c')).map((list) => list.toSorted()),
  ],
  ['lookup', [{ type: 'lookup', values: { a: 1, b: 2 } }], fc.constantFrom('a', 'b', null)],
  ['number', [{ type: 'number', decimals: 1, point: ',' }], fc.double({ noNaN: true, min: -1e6, max: 1e6 })],
  [
    'local time',
    [{ type: 'datetime', format: 'dd.MM.yyyy HH:mm', zone: 'Europe/Berlin' }],
    fc.constantFrom('2026-10-25T00:30:00.123Z', '2026-10-25T01:30:00Z', '2026-03-29 01:30', null),
  ],
  [
    'phone',
    [{ type: 'phone', country: 'DE', format: 'national' }],
    fc.constantFrom('+49 30 123456', '030123456', null),
  ],
  ['country', [{ type: 'country', ours: 'alpha2', theirs: 'name' }], fc.constantFrom('DE', 'US', 'GB', null)],
];
const HABITS: ((value: JsonValue) => JsonValue)[] = [
  (value) => value,
  (value) => (typeof value === 'string' ? value.toUpperCase() : value),
  (value) => value ?? '',
];

describe('a field with a transform', () => {
  it.each(CHAINS)('is quiet after a push: no change, no conflict, no drift (%s)', (_name, steps, values) => {
    const mapping = mappingOf({ name: 'value', to: 'theirs', transform: steps });

    fc.assert(
      fc.property(values, fc.constantFrom(...HABITS), (value, habit) => {
        const pushed = givenPushed(mapping, { value }, habit);
        if (pushed === undefined) return;
        const { fields, there, payload, agreement } = pushed;

        const merged = mergePulled(mapping, fields, agreement, there);
        const again = mergePulled(mapping, merged.fields, merged, there);
        const { difference } = remoteDifference(mapping, { fields, payload }, there, agreement.notation);

        for (const { changedFields, conflicts, isAgreed } of [merged, again])
          expect({ changedFields, conflicts, isAgreed }).toEqual({
            changedFields: [],
            conflicts: [],
            isAgreed: true,
          });
        expect(difference).toBeNull();
      }),
    );
  });

  it.each(CHAINS)('takes an edit of the app once, and is quiet afterwards (%s)', (_name, steps, values) => {
    const mapping = mappingOf({ name: 'value', to: 'theirs', transform: steps });

    fc.assert(
      fc.property(values, values, (value, edited) => {
        const pushed = givenPushed(mapping, { value });
        const edit = mapRecord(mapping, { value: edited });
        if (pushed === undefined || !edit.ok) return;
        const seen = mergePulled(mapping, pushed.fields, pushed.agreement, pushed.there);

        const merged = mergePulled(mapping, seen.fields, seen, edit.payload);
        const again = mergePulled(mapping, merged.fields, merged, edit.payload);

        expect(merged.conflicts).toEqual([]);
        expect([again.changedFields, again.conflicts, again.isAgreed]).toEqual([[], [], true]);
        expect(mapRecord(mapping, again.fields)).toEqual(edit);
      }),
    );
  });

  it('keeps its value if the app shows one that does not fit', () => {
    const mapping = mappingOf({
      name: 'born',
      to: 'born',
      transform: [{ type: 'date', format: 'dd.MM.yyyy' }],
    });
    const { fields, agreement } = givenPushed(mapping, { born: '2000-01-31' })!;

    const merged = mergePulled(mapping, fields, agreement, { born: 'soon' });

    expect(merged.fields).toEqual({ born: '2000-01-31' });
  });

  it('sends its default for a field that the record does not have', () => {
    const mapping = mappingOf({ name: 'team', to: 'team', transform: [{ type: 'default', value: 'none' }] });

    expect(mapRecord(mapping, {})).toEqual({ ok: true, payload: { team: 'none' } });
  });

  it('sends several fields as one text, and nothing if the record has none of them', () => {
    const transform: TransformStep[] = [{ type: 'join', separator: ' ' }];
    const mapping = mappingOf({ names: ['first', 'last'], to: 'full', transform });

    expect(mapRecord(mapping, { first: 'Ana', last: 'Lima' })).toEqual({
      ok: true,
      payload: { full: 'Ana Lima' },
    });
    expect(mapRecord(mapping, { last: 'Lima' })).toEqual({ ok: true, payload: { full: 'Lima' } });
    expect(mapRecord(mapping, { other: 1 })).toEqual({ ok: true, payload: {} });
    expect(relevantFields(mapping, ['last', 'other'])).toEqual(['last']);
  });
});

describe('a field that Syncline owns', () => {
  const mapping = mappingOf({ name: 'grade', to: 'grade', direction: 'push' }, { name: 'name', to: 'name' });

  it('is not read, and an edit in the app does not change it', () => {
    const { fields, there, agreement } = givenPushed(mapping, { grade: 1, name: 'Ana' })!;

    const merged = mergePulled(mapping, fields, agreement, { ...there, grade: 9 });

    expect(merged).toMatchObject({ fields, changedFields: [], conflicts: [], isAgreed: true });
  });

  it('still has to be sent if it was changed here', () => {
    const { there, agreement } = givenPushed(mapping, { grade: 1, name: 'Ana' })!;

    const merged = mergePulled(mapping, { grade: 2, name: 'Ana' }, agreement, there);

    expect(merged.isAgreed).toBe(false);
  });

  it('is overwritten in the app by the next push', () => {
    const { there, agreement } = givenPushed(mapping, { grade: 1, name: 'Ana' })!;
    const fields = { grade: 1, name: 'Eva' };
    const payload = { grade: 1, name: 'Eva' };

    const { sent } = findUnreadEdits(mapping, { fields, payload }, agreement, {
      remote: { ...there, grade: 9 },
      isReplaced: false,
    });

    expect(sent).toEqual(payload);
  });
});

describe('a field that the app owns', () => {
  const mapping = mappingOf({ name: 'badge', to: 'badge', direction: 'pull' }, { name: 'name', to: 'name' });
  const owner = ownerOf('int', mapping);

  it('is never sent, and its change here is no change to send', () => {
    expect(mapRecord(mapping, { badge: 7, name: 'Ana' })).toEqual({ ok: true, payload: { name: 'Ana' } });
    expect(relevantFields(mapping, ['badge'])).toEqual([]);
  });

  it('takes the value of the app, whatever was here', () => {
    const { there, agreement } = givenPushed(mapping, { badge: 7, name: 'Ana' })!;

    const merged = mergePulled(mapping, { badge: 7, name: 'Ana' }, agreement, { ...there, badge: 8 });

    expect(merged).toMatchObject({ fields: { badge: 8, name: 'Ana' }, conflicts: [], isAgreed: true });
  });

  it('cannot be changed here, while other fields and the record itself can', () => {
    const change = { recordType: 'people', externalId: '1', fields: { badge: 1 } };

    expect(respectOwners({ ...change, kind: 'patch' }, { badge: 7 }, [owner])).toMatchObject({
      kind: 'refused',
      fields: ['badge'],
    });
    expect(respectOwners({ ...change, kind: 'patch', fields: { name: 'Eva' } }, {}, [owner]).kind).toBe(
      'allowed',
    );
    expect(respectOwners({ ...change, kind: 'delete' }, {}, [owner]).kind).toBe('allowed');
  });

  it('stays as it is where a push replaces the whole record', () => {
    const { there, agreement, payload } = givenPushed(mapping, { name: 'Ana' })!;
    const push = { fields: { name: 'Ana' }, payload };

    const { sent } = findUnreadEdits(mapping, push, agreement, {
      remote: { ...there, badge: 8 },
      isReplaced: true,
    });

    expect(sent).toEqual({ name: 'Ana', badge: 8 });
  });
});

describe('a field with a conflict rule of its own', () => {
  it('takes the value of the app while the record type keeps ours', () => {
    const mapping = mappingOf(
      { name: 'phone', to: 'phone', onConflict: 'theirs' },
      { name: 'name', to: 'name' },
    );
    const { agreement } = givenPushed(mapping, { phone: '1', name: 'a' })!;

    const merged = mergePulled(mapping, { phone: '2', name: 'b' }, agreement, { phone: '3', name: 'c' });

    expect(merged.fields).toEqual({ phone: '3', name: 'b' });
    expect(merged.conflicts.map(({ field, winner }) => [field, winner])).toEqual([
      ['phone', 'theirs'],
      ['name', 'ours'],
    ]);
  });
});

describe('a field that is only sent on creation', () => {
  const mapping = mappingOf(
    { name: 'role', to: 'role', direction: 'push', onlyOnCreate: true },
    { name: 'name', to: 'name' },
  );
  const targetOf = (fields: JsonObject) => pushTarget(mapping, { fields, isDeleted: false });

  it('is in the payload, but a change of it is no change to send', () => {
    const [before, after] = [targetOf({ role: 'a', name: 'x' }), targetOf({ role: 'b', name: 'x' })];

    expect(before).toMatchObject({ payload: { role: 'a', name: 'x' } });
    expect(targetText(after)).toBe(targetText(before));
    expect(targetText(targetOf({ role: 'a', name: 'y' }))).not.toBe(targetText(before));
  });

  it('is left out of what a record that exists there gets', () => {
    const item = { payload: { role: 'a', name: 'x' }, createOnly: ['role'] } as unknown as PushItem;

    expect(forUpdate(item).payload).toEqual({ name: 'x' });
  });

  it('is no difference, drift or conflict afterwards', () => {
    const { there, agreement } = givenPushed(mapping, { role: 'a', name: 'x' })!;
    const fields = { role: 'b', name: 'x' };
    const remote = { ...there, role: 'c' };

    const merged = mergePulled(mapping, fields, agreement, remote);
    const { difference } = remoteDifference(mapping, { fields, payload: fields }, remote, agreement.notation);

    expect(merged).toMatchObject({ fields, changedFields: [], conflicts: [], isAgreed: true });
    expect(difference).toBeNull();
  });
});
