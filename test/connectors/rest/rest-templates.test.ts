/**
 * Values put into paths, filters, headers, bodies and ids never change the meaning of what surrounds them.
 */
import * as fc from 'fast-check';
import { fitInto, isCharacterAllowed } from '../../../connectors/rest/http/character-set';
import { isPointer, parseJson, placeAt, readAt } from '../../../connectors/rest/json-pointer';
import {
  type EscapeRules,
  UnusableValue,
  fillHeader,
  fillJson,
  fillPath,
  fillText,
  problemOfPath,
  problemOfText,
} from '../../../connectors/rest/http/templates';
import type { JsonObject, JsonValue } from '../../../domain/json';

const anyText = fc.oneof(
  fc.string({ unit: 'grapheme', minLength: 1 }),
  fc.string({ unit: 'binary', minLength: 1 }),
  fc.constantFrom(
    '..',
    '.',
    '%2e%2e',
    '/',
    '?',
    '#',
    "'",
    '\\',
    "\\'",
    '{external_id}',
    '__proto__',
    '\r\nX-Evil: 1',
  ),
);
type Rules = EscapeRules & { template: string };
const only = (value: JsonValue) => (name: string) => (name === 'external_id' ? value : undefined);

describe('a path', () => {
  it('has the same structure whatever the value, or is refused', () => {
    fc.assert(
      fc.property(anyText, (value) => {
        let path: string;
        try {
          path = fillPath('/contacts/{external_id}/notes{?external_id}', only(value));
        } catch (error) {
          return error instanceof UnusableValue;
        }
        const url = new URL(`http://third.party/v1${path}`);
        const segments = url.pathname.split('/');
        expect(segments.slice(0, 3)).toEqual(['', 'v1', 'contacts']);
        expect(segments).toHaveLength(5);
        expect(segments[4]).toBe('notes');
        expect(decodeURIComponent(segments[3] as string)).toBe(value);
        expect([...url.searchParams]).toEqual([['external_id', value]]);
        return true;
      }),
      { numRuns: 2_000 },
    );
  });

  it.each([['..'], ['.'], ['\uD800'], ['']])('refuses the value %p', (value) => {
    expect(() => fillPath('/contacts/{external_id}', only(value))).toThrow(UnusableValue);
  });

  it.each([
    '/contacts/{external_id}',
    '/{a}{/b}{?c,d.e}{&f}',
    '/people?filter[ref]={external_id}',
    '/x?$filter={filter}',
  ])('may be %s', (path) => {
    expect(problemOfPath(path)).toBeUndefined();
  });

  it.each([
    'contacts',
    '//evil.example',
    'http://evil.example',
    '/{+a}',
    '/{#a}',
    '/{a*}',
    '/{a:3}',
    '/{a',
    '/a}',
    '/{}',
    '/a#b',
    '/a\\b',
    '/a b',
    '/a/../b',
    '/%2E%2e/b',
    '/{a-b}',
  ])('may not be %s', (path) => {
    expect(problemOfPath(path)).toEqual(expect.any(String));
  });
});

describe('a text in a third party’s language', () => {
  const odata: Rules = { template: "ref eq '{external_id}'", escape: { "'": "''", '\\': '\\' } };
  const search: Rules = { template: 'ref:"{external_id}"', escape: { '"': '\\"', '\\': '\\\\' } };

  it('ends where its quotes end, whatever the value', () => {
    const filled = (rules: Rules, value: string) => {
      try {
        return fillText(rules.template, only(value), rules);
      } catch (error) {
        if (error instanceof UnusableValue) return undefined;
        throw error;
      }
    };
    const readOdata = (text: string) => /^ref eq '((?:[^']|'')*)'$/.exec(text)?.[1]?.replaceAll("''", "'");
    const readSearch = (text: string) =>
      /^ref:"((?:[^"\\]|\\.)*)"$/s.exec(text)?.[1]?.replaceAll(/\\(.)/gs, '$1');

    fc.assert(
      fc.property(anyText, (value) => {
        const [asOdata, asSearch] = [filled(odata, value), filled(search, value)];

        expect(asOdata === undefined ? value : readOdata(asOdata)).toBe(value);
        expect(asSearch === undefined ? value : readSearch(asSearch)).toBe(value);
      }),
      { numRuns: 2_000 },
    );
  });

  it.each([
    ["ref='{external_id}'", {}],
    ["ref='{external_id}'", { escape: { "'": "''" } }],
    ["ref='{external_id}'", { refuse: '"\\' }],
    ["ref='x{external_id}'", { refuse: "'\\" }],
    ['ref={external_id}', { refuse: "'\\" }],
    [' {external_id}', {}],
    ['{external_id}{push_id}', {}],
  ])('is refused when a value could break out: %s with %j', (template, rules) => {
    expect(problemOfText(template, rules)).toEqual(expect.any(String));
  });

  it.each([
    ['{external_id}', {}],
    ['no variable at all', {}],
    ["ref='{external_id}'", { refuse: "'\\" }],
    ["ref='{external_id}'", { allow: 'A-Za-z0-9-' }],
    ["ref='{external_id}'", { escape: { "'": "\\'", '\\': '\\\\' } }],
    ['ref={external_id} and x', { allow: '0-9' }],
  ])('is accepted when no value can: %s with %j', (template, rules) => {
    expect(problemOfText(template, rules)).toBeUndefined();
  });
});

describe('other places', () => {
  it('accepts in a header only values that cannot start another one', () => {
    expect(fillHeader('key {external_id}', only('a:b'))).toBe('key a:b');
    for (const value of ['a\r\nX: 1', 'a\nb', 'ä', '\u0000'])
      expect(() => fillHeader('{external_id}', only(value))).toThrow(UnusableValue);
  });

  it('keep a JSON body valid, and keep the type of a value that is the whole placeholder', () => {
    const template = { query: 'people { id }', id: '{external_id}', note: 'for {external_id}.' };

    expect(fillJson(template, only('"}{'))).toEqual({ query: 'people { id }', id: '"}{', note: 'for "}{.' });
    expect(fillJson({ id: '{external_id}' }, only(7))).toEqual({ id: 7 });
    expect(() => fillJson({ id: '{other}' }, only(7))).toThrow(UnusableValue);
  });
});

describe('ids of our own', () => {
  it('are never the same for two records', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), (a, b) => {
        const [one, other] = [fitInto('A-Za-z0-9-', '_', a), fitInto('A-Za-z0-9-', '_', b)];

        expect(one).toMatch(/^[A-Za-z0-9_-]*$/);
        return (one === other) === (a === b);
      }),
      { numRuns: 2_000 },
    );
  });

  it('are refused if the configuration has no replacement for other characters', () => {
    expect(fitInto('A-Z', undefined, 'ABC')).toBe('ABC');
    expect(fitInto('A-Z', undefined, 'ABc')).toBeUndefined();
  });

  it('support ranges, single characters and dashes', () => {
    const isIn = (set: string) =>
      Array.from('aBz5-_.')
        .filter((character) => isCharacterAllowed(set, character))
        .join('');

    expect([isIn('a-z'), isIn('A-Za-z0-9'), isIn('-a'), isIn('a-'), isIn('._')]).toEqual([
      'az',
      'aBz5',
      'a-',
      'a-',
      '_.',
    ]);
  });
});

describe('JSON Pointers', () => {
  it('read existing values, and no built-in properties of JavaScript', () => {
    const document = { data: [{ 'a/b': { '~': 1 } }], list: ['x'] };

    expect(readAt(document, '/data/0/a~1b/~0')).toBe(1);
    for (const pointer of [
      '/data/length',
      '/data/-1',
      '/data/00',
      '/toString',
      '/list/0/length',
      '/nothing/at/all',
    ])
      expect(readAt(document, pointer)).toBeUndefined();
  });

  it.each([
    ['', true],
    ['/a', true],
    ['/', true],
    ['/a~1b/~0', true],
    ['a', false],
    ['/a~', false],
    ['/a~2', false],
    ['/__proto__/x', false],
    ['/a/constructor', false],
  ])('recognize %p as a pointer: %p', (text, isOne) => {
    expect(isPointer(text)).toBe(isOne);
  });

  it('add a value to a copy, without changing the original', () => {
    const body: JsonObject = { data: { type: 'people', list: [1] } };

    expect(placeAt(body, '/data/attributes', { a: 1 })).toEqual({
      data: { type: 'people', list: [1], attributes: { a: 1 } },
    });
    expect(placeAt(body, '/data', { type: 'x' })).toEqual({ data: { type: 'x', list: [1] } });
    expect(placeAt(body, '', { data: { b: 2 } })).toEqual({ data: { type: 'people', list: [1], b: 2 } });
    expect(placeAt({ ids: [{ kind: 'a' }] }, '/ids/0/value', 'v')).toEqual({
      ids: [{ kind: 'a', value: 'v' }],
    });
    expect(body).toEqual({ data: { type: 'people', list: [1] } });
  });

  it('read documents with numbers too long for a double, digit for digit', () => {
    expect(
      parseJson(
        '{"id": 9007199254740993, "s": "9007199254740993 \\" 12345678901234567890", "f": 0.1234567890123456789e1, "n": -12345678901234567890}',
      ),
    ).toEqual({
      id: '9007199254740993',
      s: '9007199254740993 " 12345678901234567890',
      f: Number('0.1234567890123456789e1'),
      n: '-12345678901234567890',
    });
    expect(parseJson('{"id": 9007199254740993')).toBeUndefined();
  });
});
