/**
 * Generators shared by the property tests of the domain. A failing run prints its seed and path: give them to
 * `fc.assert` to repeat it.
 */
import * as fc from 'fast-check';
import type { JsonObject, JsonValue } from '../../domain/json';

/** Any JSON value, small; keys that JavaScript gives a meaning of its own included. */
export const jsonValue = (): fc.Arbitrary<JsonValue> =>
  fc.letrec<{ value: JsonValue }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 3, depthSize: 'small' },
      fc.constant(null),
      fc.boolean(),
      fc.integer(),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.string({ unit: 'binary' }),
      fc.array(tie('value'), { maxLength: 3 }),
      jsonObject(tie('value')),
    ),
  })).value;

export function jsonObject(value: fc.Arbitrary<JsonValue> = jsonValue()): fc.Arbitrary<JsonObject> {
  const key = fc.oneof(
    fc.constantFrom('a', 'b', 'c', '__proto__', 'constructor', 'toString', ''),
    fc.string({ maxLength: 5 }),
  );
  // Through JSON, as they come in: an own "__proto__" is a key like any other there.
  return fc
    .array(fc.tuple(key, value), { maxLength: 4 })
    .map(
      (entries) =>
        JSON.parse(
          `{${[...new Map(entries)].map(([name, member]) => `${JSON.stringify(name)}:${JSON.stringify(member)}`).join(',')}}`,
        ) as JsonObject,
    );
}
