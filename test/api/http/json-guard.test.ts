import * as fc from 'fast-check';
import { parseGuarded } from '../../../api/http/json-guard';

const codesOf = (text: string) => parseGuarded(text).issues.map(({ pointer, code }) => `${pointer} ${code}`);

describe('refuses values that cannot be stored unaltered, with their place (S3, S5)', () => {
  it.each([
    ['NUL in a value', String.raw`{"a":{"b":["x","\u0000"]}}`, '/a/b/1 nul_character'],
    ['NUL in a name', String.raw`{"a\u0000b":1}`, '/a␀b nul_character'],
    ['half a surrogate pair', String.raw`{"a":"\ud83d"}`, '/a lone_surrogate'],
    ['the other half alone', String.raw`{"a":"x\udc00"}`, '/a lone_surrogate'],
    ['halves in the wrong order', String.raw`{"a":"\ude00\ud83d"}`, '/a lone_surrogate'],
    ['__proto__', '{"fields":{"__proto__":{"admin":true}}}', '/fields/__proto__ forbidden_key'],
    ['__proto__ written with escapes', String.raw`{"\u005f_proto__":1}`, '/__proto__ forbidden_key'],
    ['constructor', '{"constructor":{}}', '/constructor forbidden_key'],
    ['a number too large', '{"a":1e400}', '/a number_out_of_range'],
    ['a negative number too large', '[{"a":-1e400}]', '/0/a number_out_of_range'],
    ['a number that vanishes', '{"a":1e-400}', '/a number_out_of_range'],
    ['an integer past 2^53', '{"a":12345678901234567890}', '/a number_out_of_range'],
    ['2^53 + 1', '{"a":9007199254740993}', '/a number_out_of_range'],
    ['too many digits', '{"a":[0,{"b":0.1234567890123456789}]}', '/a/1/b number_out_of_range'],
    [
      'such a number behind tricky texts',
      String.raw`{"x":"{\"y\":1e400,[","z":[1e400]}`,
      '/z/0 number_out_of_range',
    ],
    ['a text longer than 64 KB', JSON.stringify({ a: 'x'.repeat(65_537) }), '/a too_long'],
    ['a text longer than 64 KB in bytes', JSON.stringify({ a: '€'.repeat(21_846) }), '/a too_long'],
    ['33 levels', `${'['.repeat(33)}${']'.repeat(33)}`, `${'/0'.repeat(32)} too_deep`],
  ])('%s', (_name, text, expected) => {
    expect(codesOf(text)).toEqual([expected]);
  });

  it('handles 100,000 levels', () => {
    expect(codesOf(`{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`)).toEqual([
      `/a${'/0'.repeat(31)} too_deep`,
    ]);
  });

  it('finds several errors at once', () => {
    expect(codesOf(String.raw`[{"a":"\u0000"},{"b":1e999},{"prototype":1}]`)).toEqual([
      '/0/a nul_character',
      '/2/prototype forbidden_key',
      '/1/b number_out_of_range',
    ]);
  });
});

describe('accepts other values', () => {
  it.each([
    ['32 levels', `${'['.repeat(32)}${']'.repeat(32)}`],
    ['64 KB', JSON.stringify({ a: 'x'.repeat(65_536) })],
    ['emoji, escaped and not', String.raw`{"a":"😀 \ud83d\ude00"}`],
    ['right-to-left, NFC and NFD', '{"a":"שלום \u00e9 e\u0301"}'],
    [
      'large but exact numbers',
      '{"a":[9007199254740991,-9007199254740991,1e21,1.5e300,0.1,1.0,100.00,-0.0,5e-324,1E5]}',
    ],
    ['texts that look like numbers', '{"a":"1e400","b":", 12345678901234567890","c":"[ 1e999"}'],
    ['an escaped backslash before u0000', String.raw`{"a":"\\u0000"}`],
  ])('%s', (_name, text) => {
    expect(codesOf(text)).toEqual([]);
  });

  it('any JSON whose numbers JavaScript wrote, passed on unchanged', () => {
    const clean = fc
      .jsonValue({ maxDepth: 8 })
      .filter((value) => !/"(__proto__|constructor|prototype)":|\\u0000|\\ud/i.test(JSON.stringify(value)));
    fc.assert(
      fc.property(clean, fc.nat(4), (value, indent) => {
        const { value: read, issues } = parseGuarded(JSON.stringify(value, null, indent));
        expect(issues).toEqual([]);
        expect(JSON.stringify(read)).toBe(JSON.stringify(value));
      }),
    );
  });
});

it('accepts a number exactly if no digit of it is lost', () => {
  const literal = fc
    .tuple(
      fc.constantFrom('', '-'),
      fc.bigInt(0n, 10n ** 22n),
      fc.option(fc.stringMatching(/^\d{1,20}$/)),
      fc.option(fc.integer({ min: -420, max: 420 })),
    )
    .map(
      ([sign, whole, fraction, exponent]) =>
        `${sign}${whole}${fraction === null ? '' : `.${fraction}`}${exponent === null ? '' : `e${exponent}`}`,
    );
  // The exact value as a fraction of integers, so the oracle shares nothing with the code.
  const exact = (text: string): [bigint, bigint] => {
    const [, sign, whole = '0', fraction = '', exponent = '0'] =
      /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]?\d+))?$/.exec(text) ?? [];
    const power = BigInt(exponent) - BigInt(fraction.length);
    const digits = BigInt(`${sign}${whole}${fraction}`);
    return power >= 0n ? [digits * 10n ** power, 1n] : [digits, 10n ** -power];
  };

  fc.assert(
    fc.property(literal, (text) => {
      const value = Number(text);
      const isKept =
        Number.isFinite(value) && (([a, b], [c, d]) => a * d === c * b)(exact(text), exact(String(value)));

      expect({ text, issues: parseGuarded(`{"a": ${text}}`).issues.length }).toEqual({
        text,
        issues: isKept ? 0 : 1,
      });
    }),
    { numRuns: 2_000 },
  );
});
