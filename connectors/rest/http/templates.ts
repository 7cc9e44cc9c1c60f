/**
 * Templates of the configuration, filled with values of a record or of the credentials. There are three
 * kinds: paths (RFC 6570), texts (`external_id='{external_id}'`) and JSON bodies whose strings hold `{name}`.
 * A value never changes the meaning of what surrounds it: paths and queries are percent-encoded, JSON stays
 * JSON, and a text says how its values are escaped or limited.
 */
import { parseTemplate } from 'url-template';
import { type JsonObject, type JsonValue, isJsonObject } from '../../../domain/json';
import { isCharacterAllowed } from './character-set';

/** Returns the value of a variable; undefined if it has none. */
export type Variables = (name: string) => JsonValue | undefined;

/** The rules for escaping values. Absent: the template is one placeholder. */
export interface EscapeRules {
  /** A character and its replacement. */
  escape?: Record<string, string> | undefined;
  /** Characters that cannot be written; a record with one of them is refused. */
  refuse?: string | undefined;
  /** The only characters that may occur, like `A-Za-z0-9_-`. */
  allow?: string | undefined;
}

/**
 * A value that the template cannot contain. The message is for users and names the variable, not the value.
 */
export class UnusableValue extends Error {
  constructor(
    readonly variable: string,
    problem: string,
  ) {
    super(`${variable} ${problem}`);
  }
}

const PLACEHOLDER = /\{([A-Za-z_][A-Za-z0-9_.]*)\}/g;
const PATH_EXPRESSION = /\{([/?&;.]?)([A-Za-z_][A-Za-z0-9_.]*(?:,[A-Za-z_][A-Za-z0-9_.]*)*)\}/g;
const CONTROL = /\p{Cc}/u;

/** The variables of a text template, in order. Braces around anything but a name are plain text. */
export function textVariables(template: string): string[] {
  return [...template.matchAll(PLACEHOLDER)].map((match) => match[1] as string);
}

/** Every string in a JSON template. */
export function textsIn(template: JsonValue): string[] {
  if (typeof template === 'string') return [template];
  return typeof template === 'object' && template !== null ? Object.values(template).flatMap(textsIn) : [];
}

/** The variables of every string in a JSON template. */
export function jsonVariables(template: JsonValue): string[] {
  return textsIn(template).flatMap(textVariables);
}

/** The variables of a path template; those in its query separately. */
export function pathVariables(template: string): string[] {
  return [...template.matchAll(PATH_EXPRESSION)].flatMap((match) => (match[2] as string).split(','));
}

/** The problem of a path template, or undefined. */
export function problemOfPath(template: string): string | undefined {
  if (!template.startsWith('/') || template.startsWith('//'))
    return 'A path starts with one slash. It is appended to base_url.';
  const literal = template.replaceAll(PATH_EXPRESSION, 'x');
  if (/[{}]/.test(literal)) {
    return (
      'A path can use {name}, {/name}, {?name,other} and {&name}. ' +
      'With + or # a value could change the address.'
    );
  }
  if (/[#\\\s]/.test(literal)) return 'A path must not contain #, a backslash or white space.';
  if (hasDotSegment(literal)) return 'A path must not contain a . or .. segment.';
  return undefined;
}

/**
 * A path with its variables filled in, percent-encoded. Throws UnusableValue for an empty value, or one that
 * leads to a parent path (`..`).
 */
export function fillPath(template: string, variables: Variables): string {
  const values: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const name of pathVariables(template)) {
    const value = textOf(name, variables(name));
    if (value === '')
      throw new UnusableValue(name, 'is empty, so the address of the record cannot be built.');
    if (!isWellFormed(value))
      throw new UnusableValue(name, 'holds half a character (a lone surrogate), which cannot be sent.');
    values[name] = value;
  }
  const path = parseTemplate(template).expand(values);
  if (hasDotSegment(path))
    throw new UnusableValue(
      pathVariables(template).join(', '),
      'would lead to another address (a . or .. segment).',
    );
  return path;
}

/** The absolute URL of a path template under the base URL. Throws UnusableValue. */
export function fillUrl(baseUrl: string, path: string, variables: Variables): string {
  return baseUrl.replace(/\/+$/, '') + fillPath(path, variables);
}

/**
 * A text with its placeholders filled in by the rules. Throws UnusableValue for values that the rules cannot
 * express.
 */
export function fillText(template: string, variables: Variables, rules: EscapeRules = {}): string {
  return template.replaceAll(PLACEHOLDER, (_, name: string) =>
    escapeValue(name, textOf(name, variables(name)), rules),
  );
}

/** The value of a header: visible ASCII only, so that it cannot start another header. */
export function fillHeader(template: string, variables: Variables): string {
  return template.replaceAll(PLACEHOLDER, (_, name: string) => {
    const value = textOf(name, variables(name));
    if (!/^[\x20-\x7e]*$/.test(value))
      throw new UnusableValue(name, 'holds a character that no header can carry.');
    return value;
  });
}

/** A text that is hashed and not sent, so nothing in it is escaped. */
export function fillHashed(template: string, variables: Variables): string {
  return template.replaceAll(PLACEHOLDER, (_, name: string) => textOf(name, variables(name)));
}

/**
 * A JSON body with its strings filled in. A string that is nothing but one placeholder becomes the value
 * itself, number or object.
 */
export function fillJson(template: JsonValue, variables: Variables): JsonValue {
  if (typeof template === 'string') {
    const only = /^\{([A-Za-z_][A-Za-z0-9_.]*)\}$/.exec(template)?.[1];
    if (only === undefined)
      return template.replaceAll(PLACEHOLDER, (_, name: string) => textOf(name, variables(name)));
    const value = variables(only);
    if (value === undefined) throw new UnusableValue(only, 'has no value.');
    return value;
  }
  if (Array.isArray(template)) return template.map((item) => fillJson(item, variables));
  if (!isJsonObject(template)) return template;
  const filled: JsonObject = {};
  for (const [key, value] of Object.entries(template)) filled[key] = fillJson(value, variables);
  return filled;
}

/**
 * The rules that this text lacks to be safe, or undefined. A value between quotes needs rules for the quote
 * and the backslash; a value without quotes needs a list of allowed characters. A template that is one
 * placeholder needs no rules.
 */
export function problemOfText(template: string, rules: EscapeRules): string | undefined {
  const hasRules = rules.escape !== undefined || rules.refuse !== undefined || rules.allow !== undefined;
  if (/^\{[^{}]*\}$/.test(template) && !hasRules) return undefined;
  const isDealtWith = (character: string) =>
    Object.hasOwn(rules.escape ?? {}, character) ||
    (rules.refuse ?? '').includes(character) ||
    (rules.allow !== undefined && !isCharacterAllowed(rules.allow, character));
  for (const match of template.matchAll(PLACEHOLDER)) {
    const quote = template[match.index - 1] ?? '';
    const isQuoted =
      `'"\``.includes(quote) && quote !== '' && template[match.index + match[0].length] === quote;
    if (!isQuoted && rules.allow === undefined) {
      return [
        `${match[0]} has no quotes, so a value could add conditions.`,
        'Put quotes around it, or list the characters that it may contain in "allow".',
      ].join(' ');
    }
    const open = isQuoted ? [quote, '\\'].filter((character) => !isDealtWith(character)) : [];
    if (open.length > 0) {
      return [
        `${match[0]} is inside quotes:`,
        `set in "escape" or "refuse" what happens to ${open.join(' and ')} in a value.`,
      ].join(' ');
    }
  }
  return undefined;
}

function escapeValue(name: string, value: string, { escape = {}, refuse = '', allow }: EscapeRules): string {
  return Array.from(value, (character) => {
    const isRefused =
      refuse.includes(character) ||
      (allow !== undefined && !isCharacterAllowed(allow, character)) ||
      CONTROL.test(character);
    if (isRefused)
      throw new UnusableValue(
        name,
        `contains ${nameOf(character)}, which the rules of the configuration do not allow here.`,
      );
    return Object.hasOwn(escape, character) ? escape[character] : character;
  }).join('');
}

function textOf(name: string, value: JsonValue | undefined): string {
  if (value === undefined || value === null) throw new UnusableValue(name, 'has no value.');
  if (typeof value === 'object') throw new UnusableValue(name, 'is not a single value.');
  return String(value);
}

function nameOf(character: string): string {
  const code = `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
  return CONTROL.test(character) ? code : `${character} (${code})`;
}

function isWellFormed(text: string): boolean {
  return !/\p{Surrogate}/u.test(text);
}

function hasDotSegment(path: string): boolean {
  return (path.split('?')[0] as string).split('/').some((segment) => /^(?:\.|%2e){1,2}$/i.test(segment));
}
