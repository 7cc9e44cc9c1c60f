/**
 * Bodies of calls whose configured content type is that of forms. Nested values have names with brackets:
 * `name[first]=Ada&tags[0]=x`. A null is an empty value.
 */
import { isJsonObject, type JsonValue } from '../../../domain/json';
import type { HttpRequest } from '../../connector';
import { parseJson } from '../json-pointer';

/** Every body is built as JSON, and becomes a form where it is sent. */
export function withFormBody(request: HttpRequest): HttpRequest {
  const type = request.headers?.['content-type'] ?? '';
  if (request.body === undefined || !/^application\/x-www-form-urlencoded\b/i.test(type)) return request;
  const pairs = pairsOf('', parseJson(request.body) ?? {});
  return { ...request, body: new URLSearchParams(pairs).toString() };
}

function pairsOf(name: string, value: JsonValue): [name: string, value: string][] {
  if (value === null || typeof value !== 'object') return [[name, value === null ? '' : String(value)]];
  const members: [string, JsonValue][] = isJsonObject(value)
    ? Object.entries(value)
    : value.map((item, index) => [String(index), item]);
  return members.flatMap(([key, member]) => pairsOf(name === '' ? key : `${name}[${key}]`, member));
}
