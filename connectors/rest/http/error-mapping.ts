/**
 * Reads the errors of a refusal and maps them to Syncline fields. Supports lists of objects or texts, objects
 * keyed by field with a text, a list of texts or an object each, and one error at the top.
 */
import { type JsonValue, isJsonObject } from '../../../domain/json';
import type { HttpResponse } from '../../connector';
import type { FieldError } from '../../errors';
import { excerptOf, isSuccess } from '../../http-errors';
import type { ErrorsConfig } from '../config/config';
import { readAt } from '../json-pointer';
import { type FieldNames, fieldsFor, partsOf } from './field-names';
import { words } from './words';

type Each = Exclude<NonNullable<ErrorsConfig['each']>, unknown[]>;

interface ParsedError {
  /** The field in the third party, in several forms where its name is not certain. Empty: none is named. */
  names: string[];
  /** A list of names, which is the path of one field or names several. */
  list?: string[];
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
  const fieldErrors = parsedErrorsIn(body, rules);
  const message =
    wordsOf(response, body, rules) || `The third party answered ${response.status} and gave no reason.`;
  // A success status says nothing about a refusal.
  const fallbackCode =
    textAt(body, rules.code) || (isSuccess(response) ? 'rejected' : `http_${response.status}`);
  const whole: ParsedError = { ...namesAt(body, rules.name), message, code: fallbackCode };
  const errors = (fieldErrors.length > 0 ? fieldErrors : [whole]).flatMap((error) =>
    fieldErrorsOf({ ...error, code: error.code || fallbackCode }, response.status, fieldNames),
  );
  return { message, errors: errors.slice(0, FIELD_ERRORS_MAX) };
}

/**
 * The third party's message by the rules, else the beginning of the response; empty if it is not readable
 * text.
 */
export function wordsOf(response: HttpResponse, body: JsonValue | undefined, rules: ErrorsConfig): string {
  const inHeader = rules.message_header && response.headers[rules.message_header.toLowerCase()];
  return words(wordsByRules(body, rules) || inHeader || excerptOf(response));
}

/**
 * Only the message at the configured location, for responses with confidential content. Empty if there is
 * none.
 */
export function wordsByRules(body: JsonValue | undefined, rules: ErrorsConfig): string {
  const said =
    textAt(body, rules.message) ||
    parsedErrorsIn(body, rules)
      .map(({ message }) => message)
      .join(' ');
  return words(said);
}

/** All codes in a response: the general one and those of the errors. */
export function codesIn(body: JsonValue | undefined, rules: ErrorsConfig): string[] {
  return [textAt(body, rules.code), ...parsedErrorsIn(body, rules).map(({ code }) => code)].filter(
    (code) => code !== '',
  );
}

function parsedErrorsIn(body: JsonValue | undefined, { each = [] }: ErrorsConfig): ParsedError[] {
  const all = (Array.isArray(each) ? each : [each]).flatMap((one) => parsedErrorsOf(body, one));
  return all.slice(0, FIELD_ERRORS_MAX);
}

function parsedErrorsOf(body: JsonValue | undefined, each: Each): ParsedError[] {
  const list = readAt(body, each.at);
  if (Array.isArray(list)) return list.flatMap((item) => errorsInItem(item, [], each));
  if (!isJsonObject(list)) return [];
  return Object.entries(list).flatMap(([key, value]) => parsedErrorsAtKey(value, [key], each));
}

/** Under the key of a field: a text, a list, or an object with texts by sub-field or by rule. */
function parsedErrorsAtKey(value: JsonValue, keys: string[], each: Each): ParsedError[] {
  const items = Array.isArray(value) ? value : [value];
  return items.flatMap((item) => {
    const isGroup = isJsonObject(item) && each.message === undefined && each.code === undefined;
    const texts = isGroup ? Object.entries(item).filter(([, inner]) => isTextOrTexts(inner)) : [];
    if (texts.length === 0) return errorsInItem(item, keys, each);
    return texts.flatMap(([key, inner]) =>
      parsedErrorsAtKey(inner, [`${keys[0] ?? ''}.${key}`, ...keys], each),
    );
  });
}

function errorsInItem(item: JsonValue, keys: string[], each: Each): ParsedError[] {
  if (typeof item === 'string') return parsedErrorInText(item, keys, each);
  if (!isJsonObject(item)) return [];
  const named = each.name === undefined ? { names: keys } : namesAt(item, each.name);
  const code = textAt(item, each.code);
  const texts = each.message === undefined ? [JSON.stringify(item)] : textsAt(item, each.message);
  const messages = texts.map(words).filter((text) => text !== '');
  // An object without message and code is not an error.
  if (messages.length === 0) return code === '' ? [] : [{ ...named, message: code, code }];
  return messages.map((message) => ({ ...named, message, code }));
}

function parsedErrorInText(text: string, keys: string[], { name_before: separator }: Each): ParsedError[] {
  const position = separator === undefined ? -1 : text.indexOf(separator);
  const names = position > 0 ? [text.slice(0, position).trim()] : keys;
  const message = words(text);
  return message === '' ? [] : [{ names, message, code: '' }];
}

/** One error for each field that the third party names, or one without a field. */
function fieldErrorsOf(
  { names, list = [], message, code }: ParsedError,
  status: number,
  known: FieldNames,
): FieldError[] {
  const remoteField = names[0] === undefined ? null : words(names[0]);
  const error = { remoteField, code: words(code), message };
  const listed = list.map((name) => fieldsFor(name, known));
  const several = new Set(listed.flatMap((fields) => (fields.length === 1 ? fields : [])));
  // Names of different fields, and not the segments of a path to one.
  if (several.size > 1 && several.size === list.length)
    return [...several].map((each) => ({ ...error, field: each, explanation: notAccepted(each) }));
  const candidates = names.map((name) => fieldsFor(name, known));
  const field = candidates.find((fields) => fields.length === 1)?.[0];
  if (field !== undefined) return [{ ...error, field, explanation: notAccepted(field) }];
  // A body that is quoted as it is can contain the name of any field.
  const parts = /^[[{]/.test(message) ? [] : partsOf(message, known);
  if (parts.length > 0)
    return parts.map((part) => ({ ...error, ...part, explanation: notAccepted(part.field) }));
  const possible = candidates.find((fields) => fields.length > 1) ?? [];
  return [{ ...error, field: null, explanation: explanationFor(remoteField, possible, status) }];
}

function notAccepted(field: string): string {
  return `The third party does not accept this value of ${field}. Correct it here; Syncline then sends it again.`;
}

function explanationFor(remoteField: string | null, possible: readonly string[], status: number): string {
  if (remoteField !== null && possible.length > 0)
    return `The error is about "${remoteField}" of the third party. Check the fields ${possible.join(', ')}.`;
  if (remoteField !== null)
    return [
      `The error is about "${remoteField}" of the third party. No mapped field has that name.`,
      'Map a field to it, or set a constant in the mapping.',
    ].join(' ');
  if (status === 403)
    return 'The third party does not allow this change. Check the permissions of the account there.';
  if (status === 404)
    return 'The third party does not have the address of this call. Check the path in the configuration.';
  return 'The third party refused this record. Correct the record or the mapping.';
}

/** A name is a text. A list is the path of one field, or several names. */
function namesAt(
  item: JsonValue | undefined,
  pointer: string | undefined,
): Pick<ParsedError, 'names' | 'list'> {
  const value = pointer === undefined ? undefined : readAt(item, pointer);
  if (typeof value === 'string') return { names: value === '' ? [] : [value] };
  if (!Array.isArray(value)) return { names: [] };
  const list = value.filter((part) => typeof part !== 'object').map(String);
  return list.length === 0 ? { names: [] } : { names: [list.join('.')], list };
}

function textsAt(document: JsonValue | undefined, pointer: string): string[] {
  const value = readAt(document, pointer);
  if (!Array.isArray(value)) return [textAt(document, pointer)];
  return value.flatMap((_, index) => textAt(value, `/${index}`));
}

const isTextOrTexts = (value: JsonValue): boolean =>
  typeof value === 'string' ||
  (Array.isArray(value) && value.length > 0 && value.every((each) => typeof each === 'string'));

function textAt(document: JsonValue | undefined, pointer: string | undefined): string {
  if (pointer === undefined) return '';
  const value = readAt(document, pointer);
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
}
