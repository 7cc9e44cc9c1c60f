/**
 * JSON as values: what is equal, and the one text of what is equal (the base of "no net change", rules.md 5).
 */
import * as fc from 'fast-check';
import { canonicalJson, isJsonObject, jsonEquals, type JsonObject, type JsonValue } from '../../domain/json';
import { jsonValue } from './arbitraries';

/** The same value with the keys of every object in another order. */
function turned(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(turned);
  if (!isJsonObject(value)) return value;
  return JSON.parse(
    `{${Object.entries(value)
      .toReversed()
      .map(([key, member]) => `${JSON.stringify(key)}:${JSON.stringify(turned(member))}`)
      .join(',')}}`,
  ) as JsonObject;
}

describe('equality of JSON', () => {
  it('is the equality of the canonical texts, for any two values', () => {
    fc.assert(
      fc.property(jsonValue(), jsonValue(), (a, b) =>
        expect(canonicalJson(a) === canonicalJson(b)).toBe(jsonEquals(a, b)),
      ),
      { numRuns: 500 },
    );
  });

  it('does not depend on the order of keys', () => {
    fc.assert(
      fc.property(jsonValue(), (value) => {
        expect(jsonEquals(value, turned(value))).toBe(true);
        expect(canonicalJson(turned(value))).toBe(canonicalJson(value));
      }),
    );
  });

  it('is not changed by conversion to text, and the canonical text is JSON of the same value', () => {
    fc.assert(
      fc.property(jsonValue(), (value) =>
        expect(
          jsonEquals(
            JSON.parse(canonicalJson(value)) as JsonValue,
            JSON.parse(JSON.stringify(value)) as JsonValue,
          ),
        ).toBe(true),
      ),
    );
  });

  it.each<[string, JsonValue | undefined, JsonValue | undefined]>([
    ['the order of array elements', [1, 2], [2, 1]],
    ['null from an absent key', { a: null }, {}],
    ['null from an absent value', null, undefined],
    ['a number from its text', 1, '1'],
    ['an array from an object with its positions', ['x'], { 0: 'x' }],
    ['an own __proto__ from an absent one', JSON.parse('{"__proto__":{}}') as JsonValue, {}],
    ['an inherited key from an absent one', { toString: null }, {}],
  ])('distinguishes %s', (_what, a, b) => {
    expect(jsonEquals(a, b)).toBe(false);
    expect(jsonEquals(b, a)).toBe(false);
  });
});
