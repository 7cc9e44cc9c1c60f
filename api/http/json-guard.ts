/**
 * Finds values that JSON allows but that PostgreSQL, JavaScript or a third-party app would reject or silently
 * change. They are reported with a JSON Pointer before anything is stored.
 *
 * A normal body costs one JSON.parse, three searches of the text and one traversal. NUL and lone surrogates
 * can only come from escapes (raw ones are invalid UTF-8 or JSON), and numbers are checked only if one is
 * long or has an exponent.
 */
import { JSON_DEPTH_MAX, type JsonValue } from '../../domain/json';
import { type ProblemDetail, pointerTo } from '../../domain/problem-detail';

export { pointerTo };

const JSON_STRING_BYTES_MAX = 65_536;
/** Limits the size of the response. */
const ISSUES_MAX = 1_000;

const DANGEROUS_ESCAPE = /\\u(?:0000|[dD][89a-fA-F])/;
const SUSPICIOUS_NUMBER = /[[:,\s]-?(?:\d+(?:\.\d+)?[eE]|[\d.]{16})/;
const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|[{}[\],]/gs;
const FORBIDDEN_KEYS = new Set(['__proto__', 'constructor', 'prototype']);

export interface GuardedJson {
  value: JsonValue;
  /** Empty if all values can be stored. Pointers refer to `value`. */
  issues: ProblemDetail[];
}

/** @throws SyntaxError when the text is not JSON. */
export function parseGuarded(text: string): GuardedJson {
  const value = JSON.parse(text) as JsonValue;
  const issues: ProblemDetail[] = [];
  walk(value, [], issues, DANGEROUS_ESCAPE.test(text));
  if (SUSPICIOUS_NUMBER.test(text))
    issues.push(...findNumbersADoubleCannotHold(text).map(({ path, literal }) => numberIssue(path, literal)));
  return { value, issues: issues.slice(0, ISSUES_MAX) };
}

function walk(
  value: JsonValue,
  path: (string | number)[],
  issues: ProblemDetail[],
  mayHoldEscapes: boolean,
): void {
  if (typeof value === 'string') checkString(value, path, issues, mayHoldEscapes, 'The text');
  if (typeof value !== 'object' || value === null || issues.length >= ISSUES_MAX) return;
  if (path.length >= JSON_DEPTH_MAX) {
    issues.push({
      pointer: pointerTo(path),
      code: 'too_deep',
      message: `Nested deeper than ${JSON_DEPTH_MAX} levels.`,
    });
    return;
  }
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index += 1) {
      path.push(index);
      walk(value[index] as JsonValue, path, issues, mayHoldEscapes);
      path.pop();
    }
    return;
  }
  for (const key of Object.keys(value)) {
    path.push(key);
    if (FORBIDDEN_KEYS.has(key))
      issues.push({
        pointer: pointerTo(path),
        code: 'forbidden_key',
        message: `The name "${key}" is not allowed.`,
      });
    checkString(key, path, issues, mayHoldEscapes, 'The name');
    walk(value[key] as JsonValue, path, issues, mayHoldEscapes);
    path.pop();
  }
}

function checkString(
  text: string,
  path: readonly (string | number)[],
  issues: ProblemDetail[],
  mayHoldEscapes: boolean,
  what: string,
): void {
  if (text.length * 3 > JSON_STRING_BYTES_MAX && Buffer.byteLength(text) > JSON_STRING_BYTES_MAX) {
    issues.push({ pointer: pointerTo(path), code: 'too_long', message: `${what} is longer than 64 KB.` });
  }
  if (!mayHoldEscapes) return;
  if (text.includes('\0'))
    issues.push({
      pointer: pointerTo(path),
      code: 'nul_character',
      message: `${what} contains a NUL character, which cannot be stored. Remove it.`,
    });
  if (hasLoneSurrogate(text))
    issues.push({
      pointer: pointerTo(path),
      code: 'lone_surrogate',
      message: `${what} contains half of a surrogate pair, which is not a character. Remove it.`,
    });
}

function hasLoneSurrogate(text: string): boolean {
  return /\p{Surrogate}/u.test(text);
}

function numberIssue(path: readonly (string | number)[], literal: string): ProblemDetail {
  const shown = literal.length > 40 ? `${literal.slice(0, 40)}…` : literal;
  return {
    pointer: pointerTo(path),
    code: 'number_out_of_range',
    message: `The number ${shown} cannot be stored without loss. Send it as a string.`,
  };
}

interface LossyNumber {
  path: (string | number)[];
  literal: string;
}

/** One open object or array, and the key of its next value. */
interface Level {
  isObject: boolean;
  key: string | number;
  awaitsKey: boolean;
}

/**
 * Finds numbers that JSON.parse would change: `1e400`, `12345678901234567890`, `0.1234567890123456789`. Reads
 * the text of a valid JSON document token by token, without recursion. It is slower than JSON.parse, so it
 * only runs if the text has a suspicious number.
 */
function findNumbersADoubleCannotHold(text: string): LossyNumber[] {
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
