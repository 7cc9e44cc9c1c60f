/**
 * Finds numbers that JSON.parse would change: `1e400`, `12345678901234567890`, `0.1234567890123456789`. Reads
 * the text of a valid JSON document token by token, without recursion. It is slower than JSON.parse, so it
 * only runs if the text has a suspicious number.
 */
export interface LossyNumber {
  path: (string | number)[];
  literal: string;
}

const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|[{}[\],]/gs;

/** One open object or array, and the key of its next value. */
interface Level {
  isObject: boolean;
  key: string | number;
  awaitsKey: boolean;
}

export function findNumbersADoubleCannotHold(text: string): LossyNumber[] {
  const levels: Level[] = [];
  const found: LossyNumber[] = [];
  for (const [token] of text.matchAll(TOKEN)) {
    const level = levels.at(-1);
    if (token === '{' || token === '[')
      levels.push({ isObject: token === '{', key: 0, awaitsKey: token === '{' });
    else if (token === '}' || token === ']') levels.pop();
    else if (token === ',') nextMember(level);
    else if (token.startsWith('"')) nameMember(level, token);
    else if (isAltered(token)) found.push({ path: levels.map(({ key }) => key), literal: token });
  }
  return found;
}

function nextMember(level: Level | undefined): void {
  if (level === undefined) return;
  if (level.isObject) level.awaitsKey = true;
  else level.key = Number(level.key) + 1;
}

function nameMember(level: Level | undefined, token: string): void {
  if (!level?.awaitsKey) return;
  level.key = JSON.parse(token) as string;
  level.awaitsKey = false;
}

/** True unless the nearest double is written with the same digits and exponent. */
function isAltered(literal: string): boolean {
  const value = Number(literal);
  return !Number.isFinite(value) || normalForm(literal) !== normalForm(String(value));
}

/**
 * Significant digits and the power of ten of the last one: `1200` and `1.2e3` are both `12e2`. Only zero can
 * lose its sign.
 */
function normalForm(literal: string): string {
  const [, whole = '', fraction = '', exponent = '0'] =
    /^-?(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(literal) ?? [];
  const digits = `${whole}${fraction}`.replace(/^0+/, '');
  const significant = digits.replace(/0+$/, '');
  if (significant === '') return '0';
  const trailingZeros = BigInt(digits.length - significant.length);
  return `${significant}e${BigInt(exponent) - BigInt(fraction.length) + trailingZeros}`;
}
