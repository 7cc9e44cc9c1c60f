/**
 * Reads a response by the configuration: success, "missing", "exists", or one of the four errors. An
 * unexpected response (an HTML page, truncated JSON, a missing list) is never read as "missing", because a
 * creation would then make a duplicate.
 */
import { type JsonValue, jsonEquals } from '../../../domain/json';
import type { HttpResponse } from '../../connector';
import { type ConnectorError, RecordRejected, Unauthorized, Unavailable, UnusableAnswer } from '../../errors';
import { errorFromResponse, formOf, isSuccess, isUnreadable, rateLimitedBy } from '../../http-errors';
import type { AnswersConfig, ErrorsConfig, RecordTypeConfig, RestConfig } from '../config/config';
import type { AnswerSignConfig, ConditionConfig } from '../config/config-call';
import { codesIn, refusalIn, wordsOf } from './error-mapping';
import type { FieldNames } from './field-names';
import { parseJson, pathOf, readPath } from '../json-pointer';

export interface AnswerRules {
  answers: AnswersConfig;
  errors: ErrorsConfig;
}

export type Answer =
  | { meaning: 'done'; response: HttpResponse; body: JsonValue | undefined }
  /** The record or the address does not exist. */
  | {
      meaning: 'missing';
      error: ConnectorError;
      /** The body says so, and not only a status, which could be about the address. */
      isNamed?: boolean;
    }
  /** A record with the Syncline id already exists. */
  | { meaning: 'exists'; error: ConnectorError }
  /** The record changed after its version was read. */
  | { meaning: 'changed'; error: ConnectorError }
  | { meaning: 'failed'; error: ConnectorError };

type Meaning = 'unauthorized' | 'rate_limited' | 'transient' | 'missing' | 'exists' | 'changed' | 'rejected';

export const MEANINGS: readonly Meaning[] = [
  'unauthorized',
  'rate_limited',
  'transient',
  'missing',
  'exists',
  'changed',
  'rejected',
];
const DEFAULTS: Partial<Record<Meaning, readonly number[]>> = {
  missing: [404, 410],
  exists: [409],
  changed: [412],
};

/** For calls without a record. */
export const NO_FIELDS: FieldNames = { fields: {}, labels: {} };

/** The rules for reading responses: the record type's rules override the general ones. */
export function rulesFor(config: RestConfig, recordType?: RecordTypeConfig): AnswerRules {
  return {
    answers: { ...config.answers, ...recordType?.answers },
    errors: { ...config.errors, ...recordType?.errors },
  };
}

/**
 * Reads a response by the rules. `fieldNames` (see PushItem) maps errors to Syncline fields; `quotable`
 * removes secrets from a response before it is quoted.
 */
export function readAnswer(
  response: HttpResponse,
  rules: AnswerRules,
  fieldNames: FieldNames,
  quotable: (response: HttpResponse) => HttpResponse,
): Answer {
  const body = parseJson(response.text);
  const hasGoodStatus = isSuccess(response) || (rules.answers.success ?? []).includes(response.status);
  const failed = [rules.answers.failed ?? []].flat();
  const named = meaningOfBody(body, rules);
  const meaning = named ?? meaningOfStatus(response.status, rules.answers);
  if (hasGoodStatus && meaning === undefined && !failed.some((condition) => isTrueOf(condition, body))) {
    if (isUnreadable(response, body)) return { meaning: 'failed', error: unreadable(quotable(response)) };
    return { meaning: 'done', response, body };
  }
  const error = errorOf(quotable(response), meaning, rules, fieldNames);
  if (meaning === 'missing') return { meaning, error, isNamed: named !== undefined };
  if (meaning === 'exists' || meaning === 'changed') return { meaning, error };
  return { meaning: 'failed', error };
}

/** Whether the condition is met; false without a condition. */
export function isTrueOf(condition: ConditionConfig | undefined, document: JsonValue | undefined): boolean {
  return testOf(condition)(document);
}

/** The condition, compiled for many documents. */
export function testOf(condition: ConditionConfig | undefined): (document: JsonValue | undefined) => boolean {
  if (condition === undefined) return () => false;
  const { is } = condition;
  const path = pathOf(condition.at);
  return (document) => {
    const value = readPath(document, path);
    if (is !== undefined) return jsonEquals(value, is);
    return !(
      value === undefined ||
      value === null ||
      value === false ||
      value === '' ||
      (Array.isArray(value) && value.length === 0)
    );
  };
}

/** The status of the response is a success, but its content is unexpected. */
export function unreadable(response: HttpResponse): UnusableAnswer {
  return new UnusableAnswer(
    `The third party gave an unreadable response (${formOf(response)}).`,
    response.status,
  );
}

/** Whether the response has one of the signs. */
export function hasSign(
  { status, text }: HttpResponse,
  signs: readonly AnswerSignConfig[],
  { errors }: AnswerRules,
): boolean {
  return signs.includes(status) || signIn(parseJson(text), errors)(signs);
}

/** A code or another value in the body is more specific than the status. */
function meaningOfBody(body: JsonValue | undefined, { answers, errors }: AnswerRules): Meaning | undefined {
  const hasOneOf = signIn(body, errors);
  return MEANINGS.find((meaning) => hasOneOf(answers[meaning] ?? []));
}

function signIn(
  body: JsonValue | undefined,
  errors: ErrorsConfig,
): (signs: readonly AnswerSignConfig[]) => boolean {
  const codes = codesIn(body, errors);
  return (signs) =>
    signs.some((sign) =>
      typeof sign === 'object' ? isTrueOf(sign, body) : typeof sign === 'string' && codes.includes(sign),
    );
}

/** A listed status has no meaning by default, also one that is listed as a success. */
function meaningOfStatus(status: number, answers: AnswersConfig): Meaning | undefined {
  const listed = MEANINGS.find((meaning) => answers[meaning]?.includes(status));
  if (listed !== undefined || answers.success?.includes(status) === true) return listed;
  return MEANINGS.find((meaning) => answers[meaning] === undefined && DEFAULTS[meaning]?.includes(status));
}

function errorOf(
  response: HttpResponse,
  meaning: Meaning | undefined,
  rules: AnswerRules,
  fieldNames: FieldNames,
): ConnectorError {
  const { status } = response;
  const body = parseJson(response.text);
  const refusal = refusalIn(response, body, rules.errors, fieldNames);
  const isUnauthorized = meaning === 'unauthorized' || (meaning === undefined && status === 401);
  if (isUnauthorized)
    return new Unauthorized(
      `The third party does not accept the credentials (${status}). ${wordsOf(response, body, rules.errors)}`.trim(),
    );
  if (meaning === 'rate_limited') return rateLimitedBy(response);
  if (meaning === 'transient')
    return new Unavailable(
      `The third party cannot accept the request at the moment (${status}). ${messagesOf(refusal)}`,
      status,
    );
  // A refusal with a success status, or with one that means something else, is not classified by its status.
  if (isSuccess(response) || meaning === 'rejected')
    return new RecordRejected(refusal.message, refusal.errors);
  return errorFromResponse(response, () => refusal);
}

/** The third party's errors per field, or its general message if it names no field. */
function messagesOf({ message, errors }: ReturnType<typeof refusalIn>): string {
  const named = errors.filter(({ remoteField }) => remoteField !== null);
  return named.length === 0
    ? message
    : named.map((error) => `${error.remoteField}: ${error.message}`).join(' ');
}
