/**
 * Reads the errors of a refusal and maps them to Syncline fields. Supports lists of objects or texts, and
 * objects keyed by field with a text, a list of texts or an object each.
 */
import { type JsonValue, isJsonObject } from '../../../domain/json';
import { toPath } from '../../../domain/records/mapping';
import type { HttpResponse } from '../../connector';
import type { FieldError } from '../../errors';
import { isSuccess } from '../../http-errors';
import type { ErrorsConfig } from '../config/config';
import { readAt } from '../json-pointer';
import { words } from './words';

/** The Syncline field per path in the payload, as in PushItem. */
export type FieldNames = Record<string, string>;

type Each = NonNullable<ErrorsConfig['each']>;

interface ParsedError {
  name: string | null;
  message: string;
  code: string;
}

const FIELD_ERRORS_MAX = 50;

/**
 * The third party's message about a refusal and its errors per field, or one error about the whole record.
 */
export function refusalIn(
  response: HttpResponse,
  body: JsonValue | undefined,
  rules: ErrorsConfig,
  fieldNames: FieldNames,
): { message: string; errors: FieldError[] } {
  const fieldErrors = parsedErrorsIn(body, rules.each);
  const message =
    wordsOf(response, body, rules) || `The third party answered ${response.status} and gave no reason.`;
  // A success status says nothing about a refusal.
  const fallbackCode =
    textAt(body, rules.code) || (isSuccess(response) ? 'rejected' : `http_${response.status}`);
  const whole: ParsedError = { name: null, message, code: fallbackCode };
  const errors = (fieldErrors.length > 0 ? fieldErrors : [whole]).map((fieldError) =>
    fieldErrorOf({ ...fieldError, code: fieldError.code || fallbackCode }, response.status, fieldNames),
  );
  return { message, errors };
}

/**
 * The third party's message by the rules, else the beginning of the response; empty if it is not readable
 * text.
 */
export function wordsOf(response: HttpResponse, body: JsonValue | undefined, rules: ErrorsConfig): string {
  return words(wordsByRules(body, rules) || response.text);
}

/**
 * Only the message at the configured location, for responses with confidential content. Empty if there is
 * none.
 */
export function wordsByRules(body: JsonValue | undefined, rules: ErrorsConfig): string {
  const said =
    textAt(body, rules.message) ||
    parsedErrorsIn(body, rules.each)
      .map(({ message }) => message)
      .join(' ');
  return words(said);
}

/** All codes in a response: the general one and those of the errors. */
export function codesIn(body: JsonValue | undefined, rules: ErrorsConfig): string[] {
  return [textAt(body, rules.code), ...parsedErrorsIn(body, rules.each).map(({ code }) => code)].filter(
    (code) => code !== '',
  );
}

/**
 * The Syncline field for a field name of the third party: `email`, `/data/email`, `body.email`, `["body",
 * "email"]`, or only the last part of a path (`city` for `address.city`). Null if no field matches, or more
 * than one.
 */
function ourFieldFor(remoteName: string, fieldNames: FieldNames): string | null {
  const wanted = segmentsOf(remoteName);
  if (wanted.length === 0) return null;
  const known = Object.entries(fieldNames).map(([path, field]) => ({ segments: segmentsOf(path), field }));
  for (const normalize of [(segment: string) => segment, (segment: string) => segment.toLowerCase()]) {
    const fits = (whole: string[], end: string[]) =>
      end.every(
        (segment, index) => normalize(segment) === normalize(whole[whole.length - end.length + index] ?? ''),
      );
    const inside = known.filter(({ segments }) => segments.length <= wanted.length && fits(wanted, segments));
    const deepest = inside.sort((a, b) => b.segments.length - a.segments.length)[0];
    if (deepest) return deepest.field;
    const under = known.filter(({ segments }) => segments.length > wanted.length && fits(segments, wanted));
    if (under.length === 1) return (under[0] as { field: string }).field;
  }
  return null;
}

function parsedErrorsIn(body: JsonValue | undefined, each: Each | undefined): ParsedError[] {
  if (each === undefined) return [];
  const list = readAt(body, each.at);
  const keyed = isJsonObject(list) ? Object.entries(list) : [];
  const fieldErrors = Array.isArray(list)
    ? list.map((item) => parsedErrorOf(item, null, each))
    : keyed.flatMap(([key, value]) =>
        (Array.isArray(value) ? value : [value]).map((item) => parsedErrorOf(item, key, each)),
      );
  return fieldErrors.filter((fieldError) => fieldError !== undefined).slice(0, FIELD_ERRORS_MAX);
}

function parsedErrorOf(item: JsonValue, key: string | null, each: Each): ParsedError | undefined {
  if (typeof item === 'string') return parsedErrorInText(item, key, each);
  if (!isJsonObject(item)) return undefined;
  const name = each.name === undefined ? key : nameAt(item, each.name);
  const message = words(
    textAt(item, each.message) || (each.message === undefined ? JSON.stringify(item) : ''),
  );
  const code = textAt(item, each.code);
  // An object without message and code is not an error.
  return message === '' && code === '' ? undefined : { name, message: message || code, code };
}

function parsedErrorInText(
  text: string,
  key: string | null,
  { name_before: separator }: Each,
): ParsedError | undefined {
  const position = separator === undefined ? -1 : text.indexOf(separator);
  const name = position > 0 ? text.slice(0, position).trim() : key;
  const message = words(text);
  return message === '' ? undefined : { name, message, code: '' };
}

function fieldErrorOf(
  { name, message, code }: ParsedError,
  status: number,
  fieldNames: FieldNames,
): FieldError {
  const field = name === null ? null : ourFieldFor(name, fieldNames);
  return {
    field,
    remoteField: name === null ? null : words(name),
    code: words(code),
    message,
    explanation: explanationFor(field, name, status),
  };
}

function explanationFor(field: string | null, remoteName: string | null, status: number): string {
  if (field !== null)
    return `The third party does not accept this value of ${field}. Correct it here; Syncline then sends it again.`;
  if (remoteName !== null)
    return [
      `The error is about the field "${words(remoteName)}" of the third party, to which no field is mapped.`,
      'Map a field to it, or set a constant in the mapping.',
    ].join(' ');
  if (status === 403)
    return 'The third party does not allow this change. Check the permissions of the account there.';
  if (status === 404)
    return 'The third party does not have the address of this call. Check the path in the configuration.';
  return 'The third party refused this record. Correct the record or the mapping.';
}

/** A name can be a text or a list of path segments. */
function nameAt(item: JsonValue, pointer: string): string | null {
  const value = readAt(item, pointer);
  if (typeof value === 'string' && value !== '') return value;
  return Array.isArray(value) && value.length > 0
    ? value.filter((part) => typeof part !== 'object').join('.')
    : null;
}

function textAt(document: JsonValue | undefined, pointer: string | undefined): string {
  if (pointer === undefined) return '';
  const value = readAt(document, pointer);
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
}

function segmentsOf(name: string): string[] {
  const parts = name.startsWith('/') ? toPath(name) : name.split(/[.[\]]+/);
  return parts.map((part) => part.replaceAll(/^['"]|['"]$/g, '')).filter((part) => part !== '');
}
