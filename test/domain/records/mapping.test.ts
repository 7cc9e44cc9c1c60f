/** Mappings: relevance, eligibility and the payload (rules.md 3, 13, 14; rules.md S5). */
import * as fc from 'fast-check';
import type { JsonObject, JsonValue } from '../../../domain/json';
import {
  type FieldMapping,
  isEligible,
  mappedFieldNames,
  mapRecord,
  type RecordTypeMapping,
  relevantFields,
} from '../../../domain/records/mapping';
import { setAt, toPath } from '../../../domain/records/place';
import { jsonObject } from '../arbitraries';

const mapping = (...fields: FieldMapping[]): RecordTypeMapping => ({
  direction: 'push',
  fields,
  onDelete: 'deactivate',
});
const mapped = (field: Partial<FieldMapping>, value: JsonValue) =>
  mapRecord(mapping({ name: 'f', to: 'f', ...field }), { f: value });
const payload = (field: Partial<FieldMapping>, value: JsonValue) => {
  const result = mapped(field, value);
  return result.ok ? result.payload.f : `refused: ${result.errors[0]?.message}`;
};

describe('rule 3: relevance', () => {
  const two = mapping(
    { name: 'name', to: 'n' },
    { name: 'name', to: 'm' },
    { name: 'email', to: 'e' },
    { to: 'source', constant: 'us' },
  );

  it('names each mapped field once, and no constant', () => {
    expect(mappedFieldNames(two)).toEqual(['name', 'email']);
  });

  it('keeps the changed fields that are mapped, and drops the others', () => {
    expect(relevantFields(two, ['shoe_size', 'email', 'source'])).toEqual(['email']);
    expect(relevantFields(two, ['shoe_size'])).toEqual([]);
  });

  it('means that the payload does not depend on an irrelevant field', () => {
    fc.assert(
      fc.property(jsonObject(), jsonObject(), (fields, others) => {
        const kept = Object.fromEntries(Object.entries(fields).filter(([name]) => name !== 'a'));
        const only = mapping({ name: 'a', to: 'x' });
        const a = Object.hasOwn(fields, 'a') ? { a: fields.a as JsonValue } : {};

        expect(
          mapRecord(only, { ...kept, ...others, ...a, ...(Object.hasOwn(fields, 'a') ? {} : { a: null }) }),
        ).toEqual(mapRecord(only, { a: null, ...a }));
      }),
    );
  });
});

describe('rule 14: eligibility', () => {
  const belgians = {
    ...mapping(),
    filter: { country: ['BE', null], level: [1, { a: 1 }] },
  } satisfies RecordTypeMapping;
  const record = (fields: JsonObject, isDeleted = false) => ({ fields, isDeleted });

  it.each<[string, boolean, JsonObject]>([
    ['takes a record whose fields all have one of the values', true, { country: 'BE', level: 1 }],
    ['takes values as JSON, keys in any order', true, { country: 'BE', level: { a: 1 } }],
    ['takes an absent field for null', true, { level: 1 }],
    ['does not take a record with another value', false, { country: 'NL', level: 1 }],
    ['does not take one that matches in part', false, { country: 'BE', level: 2 }],
    ['does not take a text for a number', false, { country: 'BE', level: '1' }],
  ])('%s', (_what, expected, fields) => {
    expect(isEligible(belgians, record(fields))).toBe(expected);
  });

  it('excludes deleted records, pulled ones, and types without a mapping; an empty filter includes all others', () => {
    expect(isEligible(belgians, record({ country: 'BE', level: 1 }, true))).toBe(false);
    expect(isEligible({ ...mapping(), direction: 'pull' }, record({}))).toBe(false);
    expect(isEligible(undefined, record({}))).toBe(false);
    expect(isEligible({ ...mapping(), direction: 'both' }, record({}))).toBe(true);
    expect(isEligible({ ...mapping(), filter: { country: [] } }, record({ country: 'BE' }))).toBe(false);
  });

  it('does not treat inherited properties as fields of the record', () => {
    expect(isEligible({ ...mapping(), filter: { constructor: [null] } }, record({}))).toBe(true);
    expect(
      isEligible(
        { ...mapping(), filter: { __proto__: [null] } as unknown as Record<string, JsonValue[]> },
        record({}),
      ),
    ).toBe(true);
  });
});

describe('rule 13: the payload', () => {
  it('puts values where the mapping says, and creates objects and lists on the path', () => {
    const scim = mapping(
      { name: 'first', to: '/name/givenName' },
      { name: 'last', to: '/name/familyName' },
      { name: 'email', to: '/emails/0/value' },
      { to: '/emails/0/primary', constant: true },
      { name: 'slash', to: '/a~1b/c~0d' },
    );

    expect(mapRecord(scim, { first: 'Ada', last: 'Lovelace', email: 'ada@example.org', slash: 1 })).toEqual({
      ok: true,
      payload: {
        name: { givenName: 'Ada', familyName: 'Lovelace' },
        emails: [{ value: 'ada@example.org', primary: true }],
        'a/b': { 'c~d': 1 },
      },
    });
  });

  it('sends null as null, and leaves an absent field out', () => {
    expect(mapRecord(mapping({ name: 'a', to: 'a' }, { name: 'b', to: 'b' }), { a: null })).toEqual({
      ok: true,
      payload: { a: null },
    });
  });

  it('sends a constant whatever the record contains, including null', () => {
    expect(
      mapRecord(mapping({ to: 'a', constant: null }, { to: 'b', constant: 0, type: 'string' }), { a: 'x' }),
    ).toEqual({
      ok: true,
      payload: { a: null, b: 0 },
    });
  });

  it('leaves no gap in a list', () => {
    expect(mapRecord(mapping({ name: 'a', to: '/list/2' }), { a: 'x' })).toEqual({
      ok: true,
      payload: { list: [null, null, 'x'] },
    });
  });

  it('does not send inherited properties for a field that the record lacks', () => {
    expect(
      mapRecord(
        mapping(
          { name: 'constructor', to: 'a' },
          { name: 'toString', to: 'b' },
          { name: '__proto__', to: 'c' },
        ),
        {},
      ),
    ).toEqual({
      ok: true,
      payload: {},
    });
  });

  it.each<[Partial<FieldMapping>, JsonValue, JsonValue]>([
    [{ type: 'string' }, 12, '12'],
    [{ type: 'string' }, false, 'false'],
    [{ type: 'number' }, ' 12.5 ', 12.5],
    [{ type: 'number' }, '0', 0],
    [{ type: 'boolean' }, 'true', true],
    [{ type: 'date' }, '2026-02-28', '2026-02-28'],
    [{ type: 'date' }, '2026-02-28T23:30:00+02:00', '2026-02-28'],
    [{ type: 'datetime' }, '2026-02-28', '2026-02-28T00:00:00.000Z'],
    [{ type: 'datetime' }, '2026-02-28T23:30:00+02:00', '2026-02-28T21:30:00.000Z'],
    [{ type: 'datetime' }, '2026-02-28 23:30:00.5Z', '2026-02-28T23:30:00.500Z'],
    [{ values: { senior: 'S', '*': 'other' } }, 'senior', 'S'],
    [{ values: { senior: 'S', '*': 'other' } }, 'junior', 'other'],
    [{ values: { true: 1, 3: 'three' } }, true, 1],
    [{ values: { true: 1, 3: 'three' } }, 3, 'three'],
    [{ type: 'number' }, null, null],
    [{ values: { a: 'b' } }, null, null],
  ])('converts by %j: %j to %j', (field, value, expected) => {
    expect(payload(field, value)).toEqual(expected);
  });

  it.each<[Partial<FieldMapping>, JsonValue]>([
    [{ type: 'string' }, { a: 1 }],
    [{ type: 'number' }, ''],
    [{ type: 'number' }, '1e400'],
    [{ type: 'number' }, true],
    [{ type: 'boolean' }, 1],
    [{ type: 'date' }, '2026-02-30'],
    [{ type: 'date' }, '28.02.2026'],
    [{ type: 'datetime' }, '2026-13-01T00:00:00Z'],
    [{ type: 'datetime' }, '2026-02-28T25:00:00Z'],
    [{ type: 'datetime' }, '2026-02-28 or so'],
    [{ type: 'datetime' }, 20_260_228],
    [{ values: { senior: 'S' } }, 'junior'],
    [{ values: { senior: 'S' } }, 'constructor'],
  ])('does not convert by %j: %j', (field, value) => {
    expect(mapped(field, value)).toMatchObject({ ok: false, errors: [{ field: 'f', to: 'f' }] });
  });

  it('reads a time without a zone as UTC, wherever the process runs', () => {
    const zone = process.env.TZ;
    try {
      for (const TZ of ['America/New_York', 'Asia/Kolkata', 'UTC']) {
        process.env.TZ = TZ;
        expect(payload({ type: 'datetime' }, '2026-02-28T10:00:00')).toBe('2026-02-28T10:00:00.000Z');
      }
    } finally {
      if (zone === undefined) delete process.env.TZ;
      else process.env.TZ = zone;
    }
  });

  it('names every field that cannot be expressed, not only the first', () => {
    const result = mapRecord(
      mapping(
        { name: 'a', to: 'x', type: 'number' },
        { name: 'b', to: 'y' },
        { name: 'c', to: 'z', type: 'boolean' },
      ),
      {
        a: 'A',
        b: 'B',
        c: 'C',
      },
    );

    expect(result).toMatchObject({
      ok: false,
      errors: [
        { field: 'a', to: 'x' },
        { field: 'c', to: 'z' },
      ],
    });
  });
});

describe('S5: paths that lead into JavaScript itself', () => {
  const forbidden = ['__proto__', 'constructor', 'prototype'];

  it.each(forbidden.flatMap((key) => [[key], [key, 'polluted'], ['a', key, 'polluted'], ['a', '0', key]]))(
    'are refused: %s %s %s',
    (...path) => {
      expect(() =>
        setAt(
          {},
          path.filter((part) => part !== undefined),
          'x',
        ),
      ).toThrow(RangeError);
      expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
    },
  );

  it.each(['/__proto__/polluted', '/a/constructor/prototype/polluted', '__proto__'])(
    'are an error of the field, not of the whole service: %s',
    (to) => {
      expect(mapRecord(mapping({ name: 'f', to }), { f: 'x' })).toMatchObject({
        ok: false,
        errors: [{ field: 'f', to }],
      });
      expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
    },
  );

  it('reject list indexes that need too much memory, and keep numeric names', () => {
    expect(mapRecord(mapping({ name: 'f', to: '/list/4000000000' }), { f: 'x' })).toMatchObject({
      ok: false,
    });
    expect(mapRecord(mapping({ name: 'f', to: '/10042' }), { f: 'x' })).toEqual({
      ok: true,
      payload: { 10042: 'x' },
    });
  });

  it('do not change Object.prototype, whatever the path', () => {
    const key = fc.oneof(
      fc.constantFrom(...forbidden, 'toString', '__defineGetter__', '0', '1'),
      fc.string({ maxLength: 4 }),
    );
    const before = Object.getOwnPropertyNames(Object.prototype).join();
    fc.assert(
      fc.property(fc.array(key, { minLength: 1, maxLength: 4 }), (path) => {
        const target: JsonObject = {};
        try {
          setAt(target, path, 'x');
        } catch {
          // refused
        }
        expect(Object.getOwnPropertyNames(Object.prototype).join()).toBe(before);
        expect(Object.getPrototypeOf(target)).toBe(Object.prototype);
      }),
    );
  });

  it('reads a pointer as RFC 6901 does, and a plain key as one name', () => {
    expect([toPath('email'), toPath('/a/b'), toPath('/a~1b/~0c'), toPath('/'), toPath('a.b')]).toEqual([
      ['email'],
      ['a', 'b'],
      ['a/b', '~c'],
      [''],
      ['a.b'],
    ]);
  });
});
