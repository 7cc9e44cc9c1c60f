/** What a third party should hold for a record: rules.md 5, 14, 15. */
import * as fc from 'fast-check';
import { jsonEquals, type JsonValue } from '../../../domain/json';
import { pushTarget, type RecordTypeMapping, targetText } from '../../../domain/records/mapping';
import { jsonObject } from '../arbitraries';

const mapping: RecordTypeMapping = {
  direction: 'push',
  fields: [
    { name: 'a', to: 'x' },
    { name: 'b', to: 'y', type: 'number' },
  ],
  filter: { c: ['yes', null] },
  onDelete: 'deactivate',
};
const record = (fields: Record<string, never> | object, isDeleted = false) => ({
  fields: fields as never,
  isDeleted,
});

describe('what a third party should hold', () => {
  it.each([
    ['the mapped record', mapping, record({ a: 1, b: 2 }), { operation: 'upsert', payload: { x: 1, y: 2 } }],
    [
      'the operation of on_delete, for a deleted record (rule 14)',
      mapping,
      record({ a: 1 }, true),
      { operation: 'deactivate' },
    ],
    [
      'the operation of on_delete, for a record that left the filter (rule 14)',
      { ...mapping, onDelete: 'delete' as const },
      record({ a: 1, c: 'no' }),
      { operation: 'delete' },
    ],
    ['no change, for a type that is no longer mapped', undefined, record({ a: 1 }), { operation: 'leave' }],
  ])('is %s', (_what, by, state, expected) => {
    expect(pushTarget(by, state)).toEqual(expected);
  });

  it('is an error of the field if the mapping cannot express it', () => {
    expect(pushTarget(mapping, record({ b: 'many' }))).toMatchObject({
      operation: 'invalid',
      errors: [{ field: 'b', to: 'y' }],
    });
  });

  it('has no error for a record that is to be deleted', () => {
    expect(pushTarget(mapping, record({ b: 'many' }, true))).toEqual({ operation: 'deactivate' });
  });
});

describe('rule 5: no net change', () => {
  it('is exactly an equal payload', () => {
    const onlyA: RecordTypeMapping = { ...mapping, fields: [{ name: 'a', to: 'x' }] };
    fc.assert(
      fc.property(jsonObject(), jsonObject(), fc.boolean(), (one, other, isSame) => {
        const two = [one, isSame ? one : other];
        const [first, second] = two.map((fields, index) =>
          targetText(
            pushTarget(
              { ...onlyA, filter: {} },
              record(index === 1 && isSame ? { ...fields, z: 1 } : fields),
            ),
          ),
        );
        const [a, b] = two.map((fields) => (Object.hasOwn(fields, 'a') ? { a: fields.a as JsonValue } : {}));

        expect(first === second).toBe(jsonEquals(a, b));
      }),
    );
  });

  it('rule 47: has no text for a record that cannot be mapped, so that two of them never count as equal', () => {
    for (const b of ['many', 'few', []]) expect(targetText(pushTarget(mapping, record({ b })))).toBeNull();
  });

  it('distinguishes operations', () => {
    const targets = [
      pushTarget(mapping, record({})),
      pushTarget(mapping, record({}, true)),
      pushTarget({ ...mapping, onDelete: 'delete' }, record({}, true)),
      pushTarget(undefined, record({})),
    ];

    expect(new Set(targets.map(targetText)).size).toBe(targets.length);
  });
});
