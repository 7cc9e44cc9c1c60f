/**
 * One call of a record type: builds the request from the configuration and the record, and reads the
 * response.
 */
import { randomBytes } from 'node:crypto';
import { isJsonObject, type JsonObject } from '../../../domain/json';
import type { ConnectorContext, HttpRequest, HttpResponse, PushItem } from '../../connector';
import { RecordRejected, Unauthorized } from '../../errors';
import { type Answer, readAnswer, rulesFor } from './response-rules';
import type { IdConfig, RecordTypeConfig, RestConfig } from '../config/config';
import type { CallConfig, ParameterConfig } from '../config/config-call';
import { fitInto } from './character-set';
import { placeAt, placesIn, readAt } from '../json-pointer';
import { namesAsText, selectedFields } from './selected-fields';
import type { Session } from './session';
import {
  UnusableValue,
  type Variables,
  fillHeader,
  fillJson,
  fillText,
  fillUrl,
  jsonVariables,
  pathVariables,
} from './templates';
import { variablesOfParameter } from '../validate/validate-call';

const NAMED_MAX = 5;

/** What a record's calls need: the configuration of its type, the record, and a session to send with. */
export interface RecordCalls {
  config: RestConfig;
  recordType: RecordTypeConfig;
  item: PushItem;
  session: Session;
  context: Pick<ConnectorContext, 'mappings' | 'claimRemote' | 'beforeWrite' | 'beforeCreateAgain'>;
  /** Absent for a record that shares no call with others. */
  batches?: CallsOfBatch | undefined;
}

/** The calls that records share. */
export interface CallsOfBatch {
  /** What the call would be answered alone; undefined if it must be sent alone. */
  send(
    calls: RecordCalls,
    call: CallConfig,
    sending: Sending,
    request: HttpRequest,
  ): Promise<HttpResponse | undefined>;
}

export interface Sending {
  method: NonNullable<CallConfig['method']>;
  /** The third party's id, for paths with `{remote_id}`. */
  remoteId?: string | null | undefined;
  /** The record's last known version, for bodies with `{version}`. */
  version?: string | null | undefined;
  /** The record for the body; absent: a call without a record. */
  record?: JsonObject | undefined;
  /** The record as it is there, for calls that replace it: its other fields are sent back. */
  current?: JsonObject | undefined;
  headers?: Record<string, string>;
}

/**
 * Sends one call. Throws RecordRejected when a value of the record cannot be put where the configuration
 * wants it.
 */
export async function sendCall(calls: RecordCalls, call: CallConfig, sending: Sending): Promise<Answer> {
  const request = requestOf(calls, call, sending);
  const shared = await calls.batches?.send(calls, call, sending, request);
  const answer = shared && answerIn(calls, shared);
  const isRefused = answer?.meaning === 'failed' && answer.error instanceof Unauthorized;
  // Only a call of its own tells whether the credentials are refused.
  return answer === undefined || isRefused ? answerIn(calls, await calls.session.send(request)) : answer;
}

/** The request of a call. Throws RecordRejected as `sendCall` does. */
export function requestOf(calls: RecordCalls, call: CallConfig, sending: Sending): HttpRequest {
  return inRecordsWords(calls.item, () => requestFor(calls, call, sending));
}

/** Reads the response to a call of a record. */
export function answerIn(calls: RecordCalls, response: HttpResponse): Answer {
  return readAnswer(
    response,
    rulesFor(calls.config, calls.recordType),
    { fields: calls.item.fieldNames, labels: labelsIn(calls.recordType) },
    calls.session.quotable,
  );
}

/**
 * The id that Syncline assigns, if the configuration defines one; undefined if the third party assigns ids.
 */
export function ownIdOf({ recordType: { id }, item }: RecordCalls): string | undefined {
  if (!isOwnId(id)) return undefined;
  return inRecordsWords(item, () => {
    const fitted = fitInto(id.allow, id.otherwise, item.externalId);
    if (fitted === undefined)
      throw new UnusableValue(
        'external_id',
        `contains a character outside ${id.allow}, which ids of the third party cannot contain.`,
      );
    return fillText(id.template, (name) => (name === 'external_id' ? fitted : undefined), {});
  });
}

/** True if Syncline assigns the ids instead of the third party. */
export function isOwnId(id: IdConfig): id is Extract<IdConfig, { template: string }> {
  return typeof id === 'object' && 'template' in id;
}

/** The pointer to the Syncline id in a record of the third party, undefined if there is none. */
export function externalIdPointer({ external_id: externalId }: RecordTypeConfig): string | undefined {
  return typeof externalId === 'object' ? externalId.at : externalId;
}

/** A text of the configuration with this record's values, unescaped: for comparing, not for sending. */
export function fillForRecord({ recordType, item }: RecordCalls, template: string): string {
  return inRecordsWords(item, () => fillText(template, variablesOf(recordType, item, undefined), {}));
}

/** Whether the call names the version of the record that it changes. */
export function sendsVersion({ path, parameters = {}, headers = {}, body = {} }: CallConfig): boolean {
  const direct = [...pathVariables(path), ...jsonVariables(body)].filter(
    (name) => !Object.hasOwn(parameters, name),
  );
  const inParameters = Object.values(parameters).flatMap(variablesOfParameter);
  return [...direct, ...inParameters, ...jsonVariables(headers)].includes('version');
}

/** The record's part of a body, and where it goes. */
interface Content {
  record: JsonObject;
  bodyAt: string;
  current?: JsonObject | undefined;
}

/** The request for any call. Throws UnusableValue. */
export function requestTo(
  config: RestConfig,
  call: CallConfig,
  method: HttpRequest['method'],
  variables: Variables,
  content?: Content,
): HttpRequest {
  const asText: Variables = (name) => {
    const value = variables(name);
    return name === 'fields' ? namesAsText(value) : value;
  };
  const parameterOr =
    (other: Variables): Variables =>
    (name) => {
      const parameter = Object.hasOwn(call.parameters ?? {}, name)
        ? (call.parameters as Record<string, ParameterConfig>)[name]
        : undefined;
      return parameter === undefined ? other(name) : fillParameter(parameter, asText);
    };
  const around =
    call.body === undefined ? undefined : (fillJson(call.body, parameterOr(variables)) as JsonObject);
  const body = content === undefined ? around : bodyWith(content, around, call.body_at);
  const headers: Record<string, string> = { accept: 'application/json' };
  for (const [name, template] of Object.entries({ ...config.headers, ...call.headers }))
    headers[name.toLowerCase()] = fillHeader(template, asText);
  const request = {
    method: call.method ?? method,
    url: fillUrl(config.base_url, call.path, parameterOr(asText)),
  };
  if (body === undefined) {
    delete headers['content-type'];
    return { ...request, headers };
  }
  return {
    ...request,
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  };
}

function requestFor(
  { config, recordType, item, context }: RecordCalls,
  call: CallConfig,
  { method, remoteId, version, record, current, headers = {} }: Sending,
): HttpRequest {
  const ofRecord = variablesOf(recordType, item, remoteId);
  const request = requestTo(
    config,
    call,
    method,
    (name) => {
      if (name === 'version') return version ?? undefined;
      return name === 'fields'
        ? selectedFields(recordType, context.mappings[item.recordType])
        : ofRecord(name);
    },
    record && { record, bodyAt: recordType.body_at, current },
  );
  const own = Object.entries(headers).map(([name, value]) => [
    name.toLowerCase(),
    fillHeader('{value}', () => value),
  ]);
  return {
    ...request,
    headers: { ...request.headers, ...(Object.fromEntries(own) as Record<string, string>) },
  };
}

/** Constants take precedence over the record as it is there, and the record of Syncline over both. */
function bodyWith({ record, bodyAt, current }: Content, around: JsonObject = {}, at = bodyAt): JsonObject {
  const below = current === undefined ? around : placeAt(placeAt({}, at, current), '', around);
  return placeAt(below, at, record);
}

function labelsIn({ known_fields: fields = [] }: RecordTypeConfig): Record<string, string> {
  return Object.fromEntries(
    fields.flatMap(({ name, label }) => (label === undefined ? [] : [[name, label]])),
  );
}

function fillParameter(parameter: ParameterConfig, variables: Variables): string {
  if (typeof parameter !== 'object') return fillText(String(parameter), variables);
  const { encode } = parameter;
  const text =
    'json' in parameter
      ? JSON.stringify(fillJson(parameter.json, variables))
      : fillText(parameter.template, variables, parameter);
  return encode === undefined ? text : Buffer.from(text).toString(encode);
}

/** Of a record's calls: `external_id`, `push_id`, `remote_id`, `random_password` and `payload.<key>`. */
export function variablesOf(
  { id }: RecordTypeConfig,
  item: PushItem,
  remoteId: string | null | undefined,
): Variables {
  return (name) => {
    if (name === 'external_id') return item.externalId;
    if (name === 'push_id') return item.pushId;
    if (name === 'random_password') return randomPassword();
    if (name === 'remote_id')
      return isNumericId(id) && isExactInteger(remoteId) ? Number(remoteId) : (remoteId ?? undefined);
    if (!name.startsWith('payload.')) return undefined;
    return readAt(item.payload, `/${name.slice('payload.'.length).replaceAll('.', '/')}`);
  };
}

/** With a letter of each case, a digit and a sign, as most products want it. It is kept nowhere. */
function randomPassword(): string {
  return `Aa1-${randomBytes(24).toString('base64url')}`;
}

function isNumericId(id: IdConfig): boolean {
  return typeof id === 'object' && 'type' in id && id.type === 'number';
}

/** True for digits that a double represents exactly: at most 2^53, without leading zeros. */
function isExactInteger(text: string | null | undefined): boolean {
  return Number.isSafeInteger(Number(text)) && String(Number(text)) === text;
}

/** A value that does not fit is an error of this record only; the message names its field. */
function inRecordsWords<Value>(item: PushItem, work: () => Value): Value {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof UnusableValue)) throw error;
    const message = `${error.message}${valuesInPlaceOf(error.variable, item.payload)}`;
    const path = error.variable.startsWith('payload.')
      ? error.variable.slice('payload.'.length).replaceAll('.', '/')
      : undefined;
    const field = path === undefined ? undefined : (item.fieldNames[path] ?? item.fieldNames[`/${path}`]);
    const explanation = 'Nothing was sent. Change the value, or the rules for it in the configuration.';
    throw new RecordRejected(message, [
      { field: field ?? null, remoteField: null, code: 'unusable_value', message, explanation },
    ]);
  }
}

/** The names of what the payload has, those that end alike first, if it lacks the variable. */
function valuesInPlaceOf(variable: string, payload: JsonObject): string {
  const nameOf = (at: string) => `payload${at.replaceAll('/', '.')}`;
  const names = placesIn(payload).flatMap(([at, value]) => (isJsonObject(value) ? [] : [nameOf(at)]));
  if (!variable.startsWith('payload.') || names.length === 0 || names.includes(variable)) return '';
  const end = variable.slice(variable.lastIndexOf('.'));
  const alike = names.filter((name) => name.endsWith(end));
  const ordered = [...new Set([...alike, ...names])];
  const more = ordered.length > NAMED_MAX ? ', …' : '';
  return ` The payload has ${ordered.slice(0, NAMED_MAX).join(', ')}${more}.`;
}
