/** What third parties make of pushed values, and who changed what since (rules.md 46, A4 to A6, A13). */
import * as fc from 'fast-check';
import { isJsonObject, type JsonObject, type JsonValue } from '../../../domain/json';
import { mergePulled } from '../../../domain/pull/three-way-merge';
import { mapRecord, type RecordTypeMapping } from '../../../domain/records/mapping';
import {
  isNotationOf,
  type Notation,
  notationAfterPush,
  withEmptiedFields,
} from '../../../domain/records/notation';

type Habit = (value: JsonValue) => JsonValue;

const onTexts =
  (change: (text: string) => JsonValue): Habit =>
  (value) =>
    typeof value === 'string' ? change(value) : value;
const onNumbers =
  (change: (number: number) => JsonValue): Habit =>
  (value) =>
    typeof value === 'number' ? change(value) : value;
const onLists =
  (change: (list: JsonValue[]) => JsonValue): Habit =>
  (value) =>
    Array.isArray(value) ? change(value) : value;

const HABITS: Record<string, Habit> = {
  'keeps everything': (value) => value,
  'lower case': onTexts((text) => text.toLowerCase()),
  'upper case': onTexts((text) => text.toUpperCase()),
  trims: onTexts((text) => text.trim()),
  truncates: onTexts((text) => (text.length > 8 ? text.slice(0, 8) : text)),
  'rounds to one decimal': onNumbers((number) => Math.round(number * 10) / 10),
  'cuts decimals': onNumbers((number) => Math.trunc(number)),
  'null as empty text': (value) => (value === null ? '' : value),
  'null as 0': (value) => (value === null ? 0 : value),
  'null as false': (value) => (value === null ? false : value),
  'numbers as texts': onNumbers((number) => String(number)),
  'booleans as texts': (value) => (typeof value === 'boolean' ? (value ? 'True' : 'False') : value),
  'dates with a time': onTexts((text) => (/^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text} 00:00:00.000Z` : text)),
  'drops milliseconds': onTexts((text) => text.replace(/\.\d{3}Z$/, 'Z')),
  'another time zone': onTexts((text) =>
    /^\d{4}-\d{2}-\d{2}T/.test(text)
      ? new Date(Date.parse(text) + 7_200_000).toISOString().replace('Z', '+02:00')
      : text,
  ),
  'reverses lists': onLists((list) => list.toReversed()),
  'adds members': onLists((list) => (list.length === 0 ? list : [...list, 'added'])),
  'adds attributes': (value) =>
    isJsonObject(value) && Object.keys(value).length > 0 ? { ...value, primary: true, $ref: 'x' } : value,
  'a list for one value': onTexts((text) => (text === '' ? text : [text])),
};

const FIELDS = ['text', 'number', 'born', 'at', 'vip', 'tags', 'home'];
const MAPPING: RecordTypeMapping = {
  direction: 'both',
  onDelete: 'leave',
  fields: [
    { name: 'text', to: '/text' },
    { name: 'number', to: '/n/number', type: 'number' },
    { name: 'born', to: '/born', type: 'date' },
    { name: 'at', to: '/at', type: 'datetime' },
    { name: 'vip', to: '/vip', type: 'boolean' },
    { name: 'tags', to: '/tags' },
    { name: 'home', to: '/home' },
    { to: '/kind', constant: 'person' },
  ],
};
const orNull = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: null });
const record = fc.record({
  text: orNull(fc.constantFrom('Ada Lovelace', ' Grace ', 'Über-Straße 12', 'x', '+49 (30) 123 456')),
  number: orNull(fc.constantFrom(38, 38.46, -1.25, 1250.5, 0)),
  born: orNull(fc.constantFrom('1990-05-17', '2001-12-31')),
  at: orNull(fc.constantFrom('2026-01-31T12:30:15.123Z', '2026-01-31T23:59:59.999Z')),
  vip: orNull(fc.boolean()),
  tags: orNull(fc.constantFrom<JsonValue>([], ['a', 'b'], [{ value: 'a' }, { value: 'b' }])),
  home: orNull(fc.constantFrom<JsonValue>({}, { city: 'Ghent', zip: null })),
});
const habits = fc.dictionary(fc.constantFrom(...FIELDS), fc.constantFrom(...Object.keys(HABITS)));

const payloadOf = (fields: JsonObject): JsonObject => {
  const mapped = mapRecord(MAPPING, fields);
  if (!mapped.ok) throw new Error('The record cannot be mapped.');
  return mapped.payload;
};

/** The record as a third party with these habits shows it. */
function shownBy(habitOf: Record<string, string>, fields: JsonObject): JsonObject {
  const apply = (name: string, value: JsonValue) => (HABITS[habitOf[name] ?? ''] ?? ((kept) => kept))(value);
  const payload = payloadOf(fields);
  const { number } = payload['n'] as JsonObject;
  const flat = Object.fromEntries(Object.entries(payload).map(([name, value]) => [name, apply(name, value)]));
  return { ...flat, n: { number: apply('number', number as JsonValue) } };
}

describe('rule 46: what a third party made of a push', () => {
  it('A4: is no change, whether its answer shows it or the next read does, and neither is the next read', () => {
    fc.assert(
      fc.property(record, record, habits, fc.boolean(), (earlier, pushed, habitOf, isAnswered) => {
        const remote = shownBy(habitOf, pushed);
        const before = notationAfterPush(MAPPING, earlier, {
          before: null,
          shown: shownBy(habitOf, earlier),
        });
        const notation = notationAfterPush(MAPPING, pushed, { before, shown: isAnswered ? remote : null });
        let agreement: { agreed: JsonObject; notation: Notation } = { agreed: payloadOf(pushed), notation };
        for (let read = 0; read < 2; read += 1) {
          const merged = mergePulled(MAPPING, pushed, agreement, remote);
          expect(merged).toMatchObject({
            fields: pushed,
            changedFields: [],
            conflicts: [],
            isAgreed: true,
            agreed: payloadOf(pushed),
          });
          agreement = merged;
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it('A6: does not compete with an edit that waits, whichever side wins conflicts', () => {
    fc.assert(
      fc.property(record, habits, fc.constantFrom('ours', 'theirs'), (pushed, habitOf, onConflict) => {
        const notation = notationAfterPush(MAPPING, pushed, { before: null, shown: null });
        const edited = { ...pushed, text: 'Edited here' };
        const merged = mergePulled(
          { ...MAPPING, onConflict },
          edited,
          { agreed: payloadOf(pushed), notation },
          shownBy(habitOf, pushed),
        );
        expect(merged).toMatchObject({ fields: edited, changedFields: [], conflicts: [], isAgreed: false });
      }),
    );
  });

  it('does not hide a change made there, known notation or not', () => {
    fc.assert(
      fc.property(record, habits, fc.boolean(), (pushed, habitOf, isAnswered) => {
        const remote = shownBy(habitOf, pushed);
        const notation = notationAfterPush(MAPPING, pushed, {
          before: null,
          shown: isAnswered ? remote : null,
        });
        const agreement = { agreed: payloadOf(pushed), notation };
        const changed = { ...remote, text: 'Changed there', n: { number: 77 } };
        const fields = { ...pushed, text: 'Changed there', number: 77 };
        expect(mergePulled(MAPPING, pushed, agreement, changed)).toMatchObject({
          fields,
          changedFields: ['text', 'number'],
          conflicts: [],
          isAgreed: true,
        });
        const edited = { ...pushed, text: 'Edited here' };
        expect(mergePulled(MAPPING, edited, agreement, changed)).toMatchObject({
          fields: { ...fields, text: 'Edited here' },
          conflicts: [{ field: 'text', ours: 'Edited here', theirs: 'Changed there', winner: 'ours' }],
        });
      }),
    );
  });

  it('takes a small change there once the notation is known', () => {
    const pushed = { text: 'Ada' };
    const mapping: RecordTypeMapping = { ...MAPPING, fields: [{ name: 'text', to: '/text' }] };
    const notation = notationAfterPush(mapping, pushed, { before: null, shown: null });
    const first = mergePulled(mapping, pushed, { agreed: pushed, notation }, { text: 'Ada' });
    expect(mergePulled(mapping, pushed, first, { text: 'ADA' })).toMatchObject({
      fields: { text: 'ADA' },
      changedFields: ['text'],
    });
  });

  it('keeps how a field is shown that the record never had: it was not sent', () => {
    const mapping: RecordTypeMapping = { ...MAPPING, fields: [{ name: 'text', to: '/text' }] };
    const notation = notationAfterPush(mapping, {}, { before: { '/text': { shown: 'ADA' } }, shown: null });
    expect(mergePulled(mapping, {}, { agreed: {}, notation }, { text: 'ADA' })).toMatchObject({
      fields: {},
      changedFields: [],
      isAgreed: true,
    });
  });

  it('sends null for a field that the record no longer has, until the third party has it (rule 47)', () => {
    const fields = [
      { name: 'text', to: '/text' },
      { name: 'street', to: '/address/street' },
      { name: 'never', to: '/never' },
    ];
    const mapping: RecordTypeMapping = { ...MAPPING, fields };
    const before = notationAfterPush(
      mapping,
      { text: 'Ada', street: 'A' },
      { before: null, shown: { text: 'ADA' } },
    );
    const ours = { fields: { text: 'Ada' }, agreed: { text: 'Ada', address: { street: 'A' } } };
    const sent = { text: 'Ada', address: { street: null } };
    expect(withEmptiedFields({ text: 'Ada' }, mapping, { ...ours, notation: before })).toEqual(sent);
    expect(withEmptiedFields({ text: 'Ada' }, mapping, { ...ours, notation: null })).toEqual(sent);
    const after = notationAfterPush(mapping, ours.fields, { before, shown: null });
    expect(after['/address/street']).toEqual({ ours: null });
    expect(withEmptiedFields({ text: 'Ada' }, mapping, { ...ours, notation: after })).toEqual({
      text: 'Ada',
    });
    expect(
      mergePulled(mapping, ours.fields, { agreed: sent, notation: after }, { text: 'Ada' }),
    ).toMatchObject({ changedFields: [], isAgreed: true });
  });

  it.each<[JsonValue, JsonValue]>([
    ['2026-01-31T12:30:45.000Z', '2026-01-31T12:31:00Z'],
    ['2026-01-31T12:30:45.000Z', '2026-01-31T12:30:00Z'],
    ['2026-01-31T12:30:15.623Z', '2026-01-31T12:30:16Z'],
    [1.005, '1.01'],
    [1.259, 1.25],
    [-1.5, -2],
    [-1.9, -1],
  ])('%j may be shown as %j: cut or rounded', (sent, shown) => {
    expect(isNotationOf(sent, shown)).toBe(true);
  });

  it.each<[JsonValue, JsonValue]>([
    ['Anna', 'Berta'],
    ['Anna', 'An'],
    ['12', '13'],
    [38.46, 39.5],
    [38, 38.5],
    ['1990-05-17', '1990-05-18'],
    ['2026-01-31T12:30:15.000Z', '2026-01-31T12:31:15.000Z'],
    ['2026-01-31T12:30:15.000Z', '2026-01-31T12:31:00Z'],
    ['2026-01-31T12:30:15.123Z', '2026-01-31T12:30:16Z'],
    [11.2519, '11.26'],
    [11.2519, 11.1],
    [-0.42, 0.4],
    [-1.2, -2],
    [true, false],
    [null, 'unknown'],
    ['Anna', ''],
    ['Anna', null],
    [['a', 'b'], ['a']],
    [[], ['a']],
    [{ city: 'Ghent' }, { city: 'Bruges' }],
  ])('%j is not shown as %j by any habit', (sent, shown) => {
    expect(isNotationOf(sent, shown)).toBe(false);
  });
});

describe('rule 48: a value that does not fit', () => {
  it('replaces nothing, sends nothing over it, and is no change when it is read again', () => {
    const mapping: RecordTypeMapping = {
      ...MAPPING,
      fields: [
        { name: 'born', to: '/born', type: 'date' },
        { name: 'text', to: '/text' },
      ],
    };
    const here = { born: '1990-05-17', text: 'Ada' };
    const remote = { born: { year: 1990 }, text: 'Ada' };
    const agreement = {
      agreed: here,
      notation: notationAfterPush(mapping, here, { before: null, shown: here }),
    };
    const first = mergePulled(mapping, here, agreement, remote);
    const second = mergePulled(mapping, here, first, remote);
    for (const merged of [first, second])
      expect(merged).toMatchObject({ fields: here, changedFields: [], conflicts: [], isAgreed: true });
    const edited = { ...here, text: 'Edited here' };
    expect(mergePulled(mapping, edited, second, remote)).toMatchObject({ fields: edited, isAgreed: false });
  });

  it('is corrected if an earlier version stored it as it was read', () => {
    const mapping: RecordTypeMapping = { ...MAPPING, fields: [{ name: 'born', to: '/born', type: 'date' }] };
    expect(mergePulled(mapping, { born: '' }, { agreed: { born: '' } }, { born: '' })).toMatchObject({
      fields: { born: null },
      conflicts: [],
      isAgreed: true,
    });
  });
});

describe('A13: a field with two places', () => {
  const mapping: RecordTypeMapping = {
    ...MAPPING,
    fields: [
      { name: 'text', to: '/a' },
      { name: 'text', to: '/b' },
    ],
  };
  const here = { text: 'Ada' };
  const agreement = {
    agreed: { a: 'Ada', b: 'Ada' },
    notation: { '/a': { ours: 'Ada', shown: 'Ada' }, '/b': { ours: 'Ada', shown: 'ADA' } },
  };

  it('takes a change in the second place, and has the first one pushed', () => {
    const merged = mergePulled(mapping, here, agreement, { a: 'Ada', b: 'Grace' });
    expect(merged).toMatchObject({
      fields: { text: 'Grace' },
      changedFields: ['text'],
      conflicts: [],
      isAgreed: false,
    });
    const again = mergePulled(mapping, merged.fields, merged, { a: 'Ada', b: 'Grace' });
    expect(again).toMatchObject({ fields: { text: 'Grace' }, conflicts: [], isAgreed: false });
    expect(mergePulled(mapping, merged.fields, merged, { a: 'Grace', b: 'Grace' }).isAgreed).toBe(true);
  });

  it('logs a conflict if both places changed to different values, and uses the first one', () => {
    expect(mergePulled(mapping, here, agreement, { a: 'Grace', b: 'Edith' })).toMatchObject({
      fields: { text: 'Grace' },
      conflicts: [{ field: 'text', ours: 'Grace', theirs: 'Edith', usedPlace: '/a' }],
      isAgreed: false,
    });
  });

  it('is not changed if each place shows the value in its own notation', () => {
    expect(mergePulled(mapping, here, agreement, { a: 'Ada', b: 'ADA' })).toMatchObject({
      changedFields: [],
      isAgreed: true,
    });
  });
});
