import * as fc from 'fast-check';
import type { JsonObject, JsonValue } from '../../../domain/json';
import { parsePlace, selectIndex, type Selector, setAt, valueAt } from '../../../domain/records/place';

const work: Selector = { where: [{ name: 'type', equals: 'work' }] };
const primary: Selector = { where: [{ name: 'primary', equals: true }] };

describe('a place', () => {
  it.each<[string, unknown[]]>([
    ['email', ['email']],
    ['name.givenName', ['name.givenName']],
    ['/name/givenName', ['name', 'givenName']],
    ['/emails/0/value', ['emails', '0', 'value']],
    ['emails[type eq "work"].value', ['emails', work, 'value']],
    ['/emails[type eq "work"]/value', ['emails', work, 'value']],
    ['emails[ type EQ "work" ].value', ['emails', work, 'value']],
    ['profile.emails[primary eq true].value', ['profile', 'emails', primary, 'value']],
    [
      '/items[kind eq "x" and primary eq TRUE]/value',
      ['items', { where: [{ name: 'kind', equals: 'x' }, ...primary.where] }, 'value'],
    ],
    ['items[rank eq -1.5].a.b', ['items', { where: [{ name: 'rank', equals: -1.5 }] }, 'a', 'b']],
    ['/a~1b[type eq "work"]/c~0', ['a/b', work, 'c~']],
    [
      String.raw`links[type eq "a]/\"b\".c"].value`,
      ['links', { where: [{ name: 'type', equals: 'a]/"b".c' }] }, 'value'],
    ],
    [
      'urn:ietf:params:scim:schemas:extension:x:2.0:User:things[type eq "work"].value',
      ['urn:ietf:params:scim:schemas:extension:x:2.0:User', 'things', work, 'value'],
    ],
    ['/urn:x:2.0:User/things[type eq "work"]/value', ['urn:x:2.0:User', 'things', work, 'value']],
    ['emails[type eq "work"]', ['emails', work]],
    ['emails[type ne "work"]', ['emails[type ne "work"]']],
    ['notes[0]', ['notes[0]']],
  ])('of %s is read', (to, steps) => {
    expect(parsePlace(to)).toEqual(steps);
  });

  it.each([
    'emails[type eq work].value',
    'emails[type eq "work"]value',
    'emails[type eq "work" or a eq 1].v',
  ])('has no selector in %s', (to) =>
    expect(parsePlace(to).every((step) => typeof step === 'string')).toBe(true),
  );

  it('of any text is read without an error', () => {
    const piece = fc.constantFrom(
      '[',
      ']',
      'type',
      ' eq ',
      '"work"',
      ' and ',
      '.',
      '/',
      'urn:',
      '\\',
      '"',
      '1',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 20 }), (pieces) =>
        expect(parsePlace(pieces.join('')).length).toBeGreaterThan(0),
      ),
    );
  });
});

describe('a value', () => {
  const home = { type: 'home', value: 'h' };
  const office = { type: 'Work', value: 'w', primary: true };

  it.each<[string, JsonValue[], JsonValue | undefined]>([
    ['emails[type eq "work"].value', [home, office], 'w'],
    ['emails[type eq "home"].value', [home, office], 'h'],
    ['emails[primary eq true].value', [home, office], 'w'],
    ['emails[primary eq true].value', [home, { ...office, primary: 'True' }], 'w'],
    ['emails[type eq "other"].value', [home, office], undefined],
    ['emails[type eq "work" and primary eq false].value', [home, office], undefined],
    ['emails[type eq "work"].value', [{ value: 'untyped' }], undefined],
    ['emails[type eq "work"].value', ['text', null, [office]], undefined],
    ['emails[primary eq true].value', [{ value: 'only' }], 'only'],
    ['emails[primary eq true].value', [{ type: 'home', value: 'a' }, { value: 'b' }], 'b'],
    ['emails[type eq "work"].value', [{ type: 'work', value: 'a' }, office], 'w'],
    ['emails[type eq "home"].value', [home, { type: 'home', value: 'a' }], 'a'],
  ])('rule 48: at %s of %j is %j, whatever the order of the list', (to, emails, value) => {
    expect(valueAt({ emails }, parsePlace(to))).toEqual(value);
    expect(valueAt({ emails: emails.toReversed() }, parsePlace(to))).toEqual(value);
  });

  it.each<JsonValue>([{}, { emails: null }, { emails: 'x' }, { emails: { type: 'work' } }])(
    'is absent where there is no list: %j',
    (record) => expect(valueAt(record, parsePlace('emails[type eq "work"].value'))).toBeUndefined(),
  );

  it('is set in the member that the selector chooses, which is added if there is none', () => {
    const record: JsonObject = { emails: [home] };

    setAt(record, parsePlace('emails[type eq "work"].value'), 'w');
    setAt(record, parsePlace('emails[type eq "work"].primary'), true);
    setAt(record, parsePlace('/emails[type eq "home"]/value'), 'x');

    expect(record).toEqual({
      emails: [
        { type: 'home', value: 'x' },
        { type: 'work', value: 'w', primary: true },
      ],
    });
  });

  it('that was set is read again', () => {
    const scalar = fc.oneof(fc.string(), fc.boolean(), fc.integer());
    fc.assert(
      fc.property(fc.array(scalar, { minLength: 1, maxLength: 3 }), fc.jsonValue(), (values, value) => {
        const where = values.map((equals, index) => ({ name: `kind${index}`, equals }));
        const record: JsonObject = {};
        setAt(record, ['list', { where }, 'value'], value as JsonValue);
        expect(valueAt(record, ['list', { where }, 'value'])).toEqual(value);
      }),
    );
  });

  it.each(['__proto__', 'constructor'])('is never set through a selector on %s', (name) => {
    expect(() => setAt({}, ['list', { where: [{ name, equals: 1 }] }, 'value'], 1)).toThrow(RangeError);
  });
});

it('a selector without a match selects nothing in an empty list', () => {
  expect([selectIndex([], work), selectIndex([], primary), selectIndex(['x'], primary)]).toEqual([
    -1, -1, -1,
  ]);
});
