/** Transforms: total, typed, and quiet when a value goes there and comes back (rules.md 46 to 48). */
import * as fc from 'fast-check';
import type { JsonValue } from '../../../../domain/json';
import { compileChain, problemsOfChain } from '../../../../domain/records/transforms/chain';
import type { TransformStep } from '../../../../domain/records/transforms/step';
import { jsonValue } from '../../arbitraries';

const text = fc.string({ unit: 'binary' });
const day = fc
  .date({ min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true })
  .map((date) => date.toISOString().slice(0, 10));
const instant = fc
  .date({ min: new Date('1900-01-01'), max: new Date('2100-01-01'), noInvalidDate: true })
  .map((date) => date.toISOString());
const number = fc.double({ noNaN: true, noDefaultInfinity: true });
const alpha2 = fc.constantFrom('DE', 'FR', 'AT', 'US', 'GB', 'CZ', 'KR', 'CI', 'TR');
const phone = fc.constantFrom(
  '+4930123456',
  '+493012345678',
  '+4915112345678',
  '+33123456789',
  '+12133734253',
);

/** Chains whose values come back exactly as they were, or are refused. */
const EXACT: [name: string, steps: TransformStep[], values: fc.Arbitrary<JsonValue>][] = [
  ['split', [{ type: 'split', separator: ',' }], text],
  ['join', [{ type: 'join', separator: ', ' }], fc.array(fc.oneof(text, fc.constant('a, b')))],
  [
    'lookup',
    [{ type: 'lookup', values: { a: 1, b: '1', c: true, '': 'none' } }],
    fc.constantFrom('a', 'b', 'c', '', 'd'),
  ],
  ['boolean', [{ type: 'boolean', true: 'Y', false: 'N' }], fc.boolean()],
  ['number', [{ type: 'number', point: ',', group: '.' }], fc.oneof(number, fc.integer())],
  ['date', [{ type: 'date', format: 'dd.MM.yyyy' }], day],
  ['time', [{ type: 'datetime', format: 'unix_ms', zone: 'UTC' }], instant],
  ['country', [{ type: 'country', ours: 'alpha2', theirs: 'alpha3' }], alpha2],
  ['name of a country', [{ type: 'country', ours: 'alpha2', theirs: 'name', language: 'de' }], alpha2],
  ['phone', [{ type: 'phone', country: 'DE', format: 'international' }], phone],
  ['national phone', [{ type: 'phone', country: 'DE', format: 'national' }], phone],
  ['digits of a phone', [{ type: 'phone', country: 'DE', format: 'digits' }], phone],
  [
    'several steps',
    [
      { type: 'country', ours: 'alpha3', theirs: 'alpha2' },
      { type: 'lookup', values: { DE: 1, FR: 2 } },
    ],
    fc.constantFrom('DEU', 'FRA', 'AUT'),
  ],
];

/** Chains that clean or round: a value that was there once stays as it is. */
const CLEANING: typeof EXACT = [
  ['trim', [{ type: 'trim' }], text],
  ['case', [{ type: 'case', to: 'upper' }], text],
  ['lower case', [{ type: 'trim' }, { type: 'case', to: 'lower' }], text],
  ['default', [{ type: 'default', value: 'none' }], fc.option(text)],
  ['rounded', [{ type: 'number', decimals: 2, group: "'" }], number],
  ['local time', [{ type: 'datetime', format: 'dd.MM.yyyy HH:mm', zone: 'Europe/Berlin' }], instant],
  ['seconds', [{ type: 'datetime', format: 'unix', zone: 'UTC' }], instant],
  [
    'several steps',
    [{ type: 'trim' }, { type: 'default', value: 'a' }, { type: 'split', separator: ' ' }],
    fc.option(text),
  ],
];

const ONE_WAY: [name: string, steps: TransformStep[]][] = [
  ['a part of a text', [{ type: 'part', separator: ' ', at: -1 }]],
  ['a list with a fallback', [{ type: 'lookup', values: { a: 1 }, otherwise: 0 }]],
  ['two values that become one', [{ type: 'lookup', values: { a: 1, b: 1 } }]],
  ['the day of an instant', [{ type: 'day', zone: 'Asia/Tokyo' }]],
  ['a format without the year', [{ type: 'date', format: 'dd.MM.' }]],
  ['a year of two digits', [{ type: 'date', format: 'dd.MM.yy' }]],
  ['a time without minutes', [{ type: 'datetime', format: 'yyyy-MM-dd HH', zone: 'UTC' }]],
];

const all = [...EXACT, ...CLEANING, ...ONE_WAY.map(([name, steps]) => [name, steps, text] as const)];

describe('a transform', () => {
  it.each(all)('never throws, whatever the value (%s)', (_name, steps, values) => {
    const chain = compileChain(steps);

    fc.assert(
      fc.property(fc.oneof(jsonValue(), values as fc.Arbitrary<JsonValue>), (value) => {
        for (const converted of [chain.toRemote(value), chain.toLocal(value)])
          expect(converted.ok || /^The value .*\.$/su.test(converted.message)).toBe(true);
      }),
    );
  });

  it.each(EXACT)(
    'brings back the value that it has sent, or refuses to send it (%s)',
    (_name, steps, values) => {
      const chain = compileChain(steps);
      const sent: JsonValue[] = [];

      fc.assert(
        fc.property(values, (value) => {
          const there = chain.toRemote(value);
          if (!there.ok) return;
          sent.push(there.value);
          const expected =
            typeof value === 'string' && value.trim() === '' && there.value === null ? null : value;
          expect(chain.toLocal(there.value)).toEqual({
            ok: true,
            value: typeof expected === 'number' ? expected + 0 : expected,
          });
        }),
      );
      expect(sent.length).toBeGreaterThan(0);
    },
  );

  it.each([...EXACT, ...CLEANING])(
    'leaves a value as it is that was there once (%s)',
    (_name, steps, values) => {
      const chain = compileChain(steps);

      fc.assert(
        fc.property(values, (value) => {
          const there = chain.toRemote(value);
          if (!there.ok) return;
          const back = chain.toLocal(there.value);
          expect(back.ok && chain.toRemote(back.value)).toEqual(there);
        }),
      );
    },
  );

  it.each(ONE_WAY)('is refused for a field that is read: %s', (_name, steps) => {
    expect(problemsOfChain(steps, true)).toEqual([
      { index: 0, code: 'not_readable', message: expect.stringMatching(/"push"\.$/) },
    ]);
    expect(problemsOfChain(steps, false)).toEqual([]);
  });

  it.each([...EXACT, ...CLEANING])('is accepted for a field that is read: %s', (_name, steps) => {
    expect(problemsOfChain(steps, true)).toEqual([]);
  });

  it.each<[string, TransformStep[], string]>([
    ['a zone that does not exist', [{ type: 'day', zone: 'Europe/Bonn' }], 'unusable_step'],
    ['a format without letters', [{ type: 'date', format: "'x'" }], 'unusable_step'],
    // With a regular expression of 64 parts, this test would never end.
    ['a letter in two places', [{ type: 'date', format: 'dM'.repeat(32) }], 'unusable_step'],
    [
      'a letter in two places of a time',
      [{ type: 'datetime', format: "H'1'm'1'H", zone: 'UTC' }],
      'unusable_step',
    ],
    ['a country that does not exist', [{ type: 'phone', country: 'XX', format: 'e164' }], 'unusable_step'],
    [
      'an unknown language',
      [{ type: 'country', ours: 'alpha2', theirs: 'name', language: 'xx' }],
      'unusable_step',
    ],
    ['one separator for two purposes', [{ type: 'number', point: ',', group: ',' }], 'unusable_step'],
    ['one word for true and false', [{ type: 'boolean', true: 'Yes', false: 'yes ' }], 'unusable_step'],
    ['an empty list of values', [{ type: 'lookup', values: {} }], 'unusable_step'],
  ])('is refused with %s', (_name, steps, code) => {
    expect(problemsOfChain(steps, false)).toEqual([{ index: 0, code, message: expect.any(String) }]);
  });

  it('does not multiply a value without an end', () => {
    const grow: TransformStep[] = [
      { type: 'split', separator: ',' },
      { type: 'join', separator: ',a'.repeat(10) },
    ];
    const steps = Array.from({ length: 10 }, () => grow).flat();

    expect(problemsOfChain(steps, false)).toEqual([]);
    for (const isRead of [false, undefined])
      expect(compileChain(steps, isRead).toRemote('a,a')).toEqual({
        ok: false,
        message: expect.stringMatching(/becomes too long\.$/),
      });
  });

  it('is refused if a step does not take what the one before it gives', () => {
    const steps: TransformStep[] = [{ type: 'trim' }, { type: 'number' }];

    expect(problemsOfChain(steps, false)).toEqual([
      {
        index: 1,
        code: 'kind_mismatch',
        message: 'The step "number" takes a number, but the step before it gives a text.',
      },
    ]);
  });
});

describe('the steps of a transform', () => {
  it.each<[TransformStep[], JsonValue, JsonValue]>([
    [[{ type: 'trim' }], '  Ana ', 'Ana'],
    [[{ type: 'case', to: 'upper' }], 'de', 'DE'],
    [[{ type: 'split', separator: ';' }], 'a;b', ['a', 'b']],
    [[{ type: 'join', separator: ' ' }], ['Ana', 'Lima'], 'Ana Lima'],
    [[{ type: 'part', separator: ' ', at: -1 }], 'Ana de Lima', 'Lima'],
    [[{ type: 'default', value: 'none' }], null, 'none'],
    [[{ type: 'lookup', values: { sales: 7 } }], 'sales', 7],
    [[{ type: 'boolean', true: 'Y', false: 'N' }], false, 'N'],
    [[{ type: 'number', decimals: 2, point: ',', group: '.' }], 1234567.891, '1.234.567,89'],
    [[{ type: 'number', decimals: 2 }], -0.001, '0.00'],
    [[{ type: 'date', format: 'd. MMMM yyyy' }], '2026-03-01', '1. March 2026'],
    [[{ type: 'date', format: "d 'd' M" }], '2026-03-01', '1 d 3'],
    [
      [{ type: 'datetime', format: 'yyyy-MM-dd HH:mm', zone: 'Europe/Berlin' }],
      '2026-07-01T22:30:00Z',
      '2026-07-02 00:30',
    ],
    [[{ type: 'datetime', format: 'unix', zone: 'UTC' }], '1970-01-01T00:01:00Z', 60],
    [[{ type: 'day', zone: 'Europe/Berlin' }], '2026-07-01T22:30:00Z', '2026-07-02'],
    [[{ type: 'country', ours: 'alpha2', theirs: 'name', language: 'de' }], 'AT', 'Österreich'],
    [[{ type: 'country', ours: 'alpha2', theirs: 'numeric' }], 'AT', '040'],
    [[{ type: 'phone', country: 'DE', format: 'international' }], '030 123456', '+49 30 123456'],
    [[{ type: 'phone', country: 'DE', format: 'digits' }], '+4930123456', '4930123456'],
  ])('%j sends %j as %j', (steps, ours, theirs) => {
    expect(compileChain(steps).toRemote(ours)).toEqual({ ok: true, value: theirs });
  });

  it.each<[TransformStep[], JsonValue, JsonValue]>([
    [[{ type: 'trim' }], '  Ana ', 'Ana'],
    [[{ type: 'lookup', values: { sales: 7 } }], '7', 'sales'],
    [[{ type: 'boolean', true: 'Y', false: 'N' }], 'y', true],
    [[{ type: 'number', point: ',', group: '.' }], '1.234,5', 1234.5],
    [[{ type: 'date', format: 'dd.MM.yyyy' }], '', null],
    [[{ type: 'country', ours: 'alpha2', theirs: 'name', language: 'de' }], 'osterreich', 'AT'],
    [[{ type: 'phone', country: 'DE', format: 'national' }], '(030) 12 34 56', '+4930123456'],
  ])('%j reads %j as %j', (steps, theirs, ours) => {
    expect(compileChain(steps).toLocal(theirs)).toEqual({ ok: true, value: ours });
  });

  it.each([
    ['2026-01-15T12:00:00Z', 'dd.MM.yyyy HH:mm', '25.10.2026 02:30', '2026-10-25T00:30:00.000Z'],
    ['2026-07-15T12:00:00Z', 'dd.MM.yyyy HH:mm', '25.10.2026 02:30', '2026-10-25T00:30:00.000Z'],
    ['2026-01-15T12:00:00Z', 'dd.MM.yyyy HH:mm ZZ', '25.10.2026 02:30 +02:00', '2026-10-25T00:30:00.000Z'],
    ['2026-07-15T12:00:00Z', 'dd.MM.yyyy HH:mm ZZ', '25.10.2026 02:30 +01:00', '2026-10-25T01:30:00.000Z'],
  ])('read on %s, %s: %s is %s', (today, format, theirs, ours) => {
    const clock = jest.spyOn(Date, 'now').mockReturnValue(Date.parse(today));
    try {
      const chain = compileChain([{ type: 'datetime', format, zone: 'Europe/Berlin' }]);

      expect(chain.toLocal(theirs)).toEqual({ ok: true, value: ours });
    } finally {
      clock.mockRestore();
    }
  });

  it.each<[TransformStep[], JsonValue, string]>([
    [[{ type: 'lookup', values: { sales: 7 } }], 'law', 'The value "law" is not one of sales.'],
    [[{ type: 'date', format: 'dd.MM.yyyy' }], '2026-02-30', 'The value "2026-02-30" is not a date.'],
    [
      [{ type: 'country', ours: 'numeric', theirs: 'alpha2' }],
      '99276',
      'The value "99276" is not a country code (three digits).',
    ],
    [
      [{ type: 'join', separator: ',' }],
      ['a,b'],
      'The value "a,b" cannot be joined by ",", because it would be split.',
    ],
    [
      [{ type: 'phone', country: 'DE', format: 'national' }],
      '+33123456789',
      'The value "+33123456789" is not a number of the country DE.',
    ],
  ])('%j refuses %j', (steps, ours, message) => {
    expect(compileChain(steps).toRemote(ours)).toEqual({ ok: false, message });
  });
});
