/** The mapping read backwards (rules.md 13, 17, 28). */
import * as fc from 'fast-check';
import { fieldsFromRemote, pulledFields } from '../../../domain/pull/reverse-mapping';
import { valueAt } from '../../../domain/records/place';
import { type FieldMapping, mapRecord, type RecordTypeMapping } from '../../../domain/records/mapping';
import { jsonObject, jsonValue } from '../arbitraries';

const mapping = (...fields: FieldMapping[]): RecordTypeMapping => ({
  direction: 'both',
  fields,
  onDelete: 'leave',
});

describe('rule 13: a remote record in local fields', () => {
  it('reads each value from where the mapping would write it', () => {
    const read = fieldsFromRemote(
      mapping(
        { name: 'first', to: '/name/given' },
        { name: 'mail', to: '/emails/0/value' },
        { to: '/kind', constant: 'x' },
      ),
    );
    expect(read({ name: { given: 'Ada', family: 'L' }, emails: [{ value: 'a@x' }], kind: 'x' })).toEqual({
      first: 'Ada',
      mail: 'a@x',
    });
  });

  it('leaves out absent values, and keeps null', () => {
    const read = fieldsFromRemote(
      mapping({ name: 'a', to: '/a' }, { name: 'b', to: '/b/c' }, { name: 'd', to: '/d' }),
    );
    expect(read({ a: null, b: 'text' })).toEqual({ a: null });
    expect(read(JSON.parse('{"b":{}}'))).toEqual({});
  });

  it('copies every field under its own name where none is mapped', () => {
    const remote = { id: 1, nested: { x: [1] } };
    expect(fieldsFromRemote(mapping())(remote)).toEqual(remote);
  });

  it('reverses value lists, with the first of two equal values, and never the fallback', () => {
    const read = fieldsFromRemote(
      mapping({ name: 'state', to: '/state', values: { open: 'O', also_open: 'O', done: 3, '*': 'other' } }),
    );
    expect([
      read({ state: 'O' }),
      read({ state: 3 }),
      read({ state: '3' }),
      read({ state: 'other' }),
      read({ state: 'new' }),
    ]).toEqual([{ state: 'open' }, { state: 'done' }, { state: '3' }, { state: 'other' }, { state: 'new' }]);
  });

  it('does not read the built-in properties of JavaScript objects', () => {
    for (const key of ['constructor', 'toString', '__proto__', 'length'])
      expect(valueAt(key === 'length' ? [1, 2] : {}, [key])).toBeUndefined();
  });

  it('reads each local field once, from the first remote field it is mapped to', () => {
    expect(
      pulledFields(mapping({ name: 'a', to: '/x' }, { name: 'a', to: '/y' })).map(({ to }) => to),
    ).toEqual(['/x']);
  });

  it('equals what was sent, whatever the value', () => {
    const both = mapping({ name: 'a', to: '/x/y' }, { name: 'b', to: '/z' }, { name: 'c', to: '/list/1' });
    fc.assert(
      fc.property(
        fc.record({ a: jsonValue(), b: jsonValue(), c: jsonValue() }, { requiredKeys: [] }),
        (fields) => {
          const mapped = mapRecord(both, fields);
          expect(mapped.ok && fieldsFromRemote(both)(mapped.payload)).toEqual(fields);
        },
      ),
    );
  });

  it('equals what was sent for a value list without duplicates', () => {
    const values = { a: 'A', b: 'B', '1': 1, x: true };
    fc.assert(
      fc.property(fc.constantFrom(...Object.keys(values)), (value) => {
        const both = mapping({ name: 'f', to: '/f', values });
        const mapped = mapRecord(both, { f: value });
        expect(mapped.ok && fieldsFromRemote(both)(mapped.payload)).toEqual({ f: value });
      }),
    );
  });

  it('does not throw, whatever the third party sends', () => {
    const read = fieldsFromRemote(mapping({ name: 'a', to: '/a/0/constructor' }, { name: 'b', to: 'a' }));
    fc.assert(fc.property(jsonObject(), (remote) => void read(remote)));
  });
});
