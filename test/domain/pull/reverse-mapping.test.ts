/** The mapping read backwards (rules.md 13, 17, 28). */
import * as fc from 'fast-check';
import { fieldsFromRemote as readFromRemote, pulledFields } from '../../../domain/pull/reverse-mapping';
import { valueAt } from '../../../domain/records/place';
import type { JsonObject, JsonValue } from '../../../domain/json';
import { type FieldMapping, mapRecord, type RecordTypeMapping } from '../../../domain/records/mapping';
import { jsonObject, jsonValue } from '../arbitraries';

const fieldsFromRemote = (by: RecordTypeMapping) => (remote: JsonObject) => readFromRemote(by)(remote).fields;

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
    ]).toEqual([{ state: 'open' }, { state: 'done' }, { state: 'done' }, { state: 'other' }, {}]);
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

describe('rule 48: the type and the values of a field apply to what is read', () => {
  const read = (field: Omit<FieldMapping, 'name' | 'to'>, value: JsonValue) =>
    readFromRemote(mapping({ name: 'f', to: '/x', ...field }))({ x: value });
  const values = { open: 'O', done: 3, '*': 'other' };

  it.each<[Omit<FieldMapping, 'name' | 'to'>, JsonValue, JsonValue]>([
    [{ type: 'date' }, '', null],
    [{ type: 'date' }, '  ', null],
    [{ type: 'date' }, '0000-00-00', null],
    [{ type: 'date' }, '1990-05-17', '1990-05-17'],
    [{ type: 'date' }, '1990-05-17 00:00:00.000Z', '1990-05-17'],
    [{ type: 'date' }, '1990-05-17T23:30:00+02:00', '1990-05-17'],
    [{ type: 'datetime' }, '0000-00-00 00:00:00', null],
    [{ type: 'datetime' }, '1990-05-17', '1990-05-17T00:00:00.000Z'],
    [{ type: 'datetime' }, '1990-05-17 01:30:00+02:00', '1990-05-16T23:30:00.000Z'],
    [{ type: 'number' }, '', null],
    [{ type: 'number' }, '38', 38],
    [{ type: 'number' }, ' -1.50 ', -1.5],
    [{ type: 'number' }, 0, 0],
    [{ type: 'boolean' }, 'False', false],
    [{ type: 'boolean' }, 'TRUE', true],
    [{ type: 'boolean' }, 1, true],
    [{ type: 'boolean' }, '0', false],
    [{ type: 'boolean' }, 'yes', true],
    [{ type: 'boolean' }, '', null],
    [{ type: 'string' }, 38, '38'],
    [{ type: 'string' }, false, 'false'],
    [{ type: 'string' }, '', ''],
    [{ values }, '', null],
    [{ values }, null, null],
    [{}, ['any'], ['any']],
  ])('%j reads %j as %j', (field, value, expected) => {
    expect(read(field, value)).toEqual({ fields: { f: expected }, problems: [] });
  });

  it.each<[Omit<FieldMapping, 'name' | 'to'>, JsonValue]>([
    [{ type: 'date' }, { year: 1990 }],
    [{ type: 'date' }, '17.05.1990'],
    [{ type: 'date' }, '2026-02-30'],
    [{ type: 'date' }, 643_000_000],
    [{ type: 'datetime' }, '2026-13-01T00:00:00Z'],
    [{ type: 'number' }, '1,250.5'],
    [{ type: 'number' }, '0x10'],
    [{ type: 'number' }, true],
    [{ type: 'number' }, ['1']],
    [{ type: 'boolean' }, 'maybe'],
    [{ type: 'boolean' }, 2],
    [{ type: 'string' }, ['a']],
    [{ type: 'string' }, { a: 1 }],
    [{ values }, 'unlisted'],
    [{ values }, ['O']],
  ])('%j does not read %j: the field is absent, and the problem is reported', (field, value) => {
    const { fields, problems } = read(field, value);
    expect(fields).toEqual({});
    expect(problems).toEqual([{ field: 'f', to: '/x', message: expect.any(String) as string }]);
  });

  it('always reads a value that can be sent again, and then shows the same', () => {
    const types = fc.constantFrom(...(['string', 'number', 'boolean', 'date', 'datetime'] as const));
    const texts = fc.constantFrom('', '38', 'False', '1990-05-17', '1990-05-17 10:00', '1,250.5', ' x ');
    fc.assert(
      fc.property(types, fc.oneof(texts, jsonValue()), (type, value) => {
        const typed = mapping({ name: 'f', to: '/x', type });
        const { fields } = readFromRemote(typed)({ x: value });
        const sent = mapRecord(typed, fields);
        expect(sent.ok && readFromRemote(typed)(sent.payload)).toEqual({ fields, problems: [] });
      }),
      { numRuns: 1_000 },
    );
  });
});
