/**
 * Paging by the values of the last item, such as its time of modification and its id. Nothing is skipped or
 * read twice while records are added and removed, and any number of records may have the same time.
 */
import { isJsonObject, type JsonValue } from '../../../domain/json';
import type { HttpRequest } from '../../connector';
import type { PagingConfig } from '../config/config-read';
import { withTemplates } from '../http/request-parts';
import { jsonVariables, textsIn, textVariables, type Variables } from '../http/templates';
import { parseJson, readAt } from '../json-pointer';

export type KeysetConfig = Extract<PagingConfig, { type: 'keyset' }>;
type Values = Record<string, string | number>;

/** The names that its parameters and its body use. */
export const keysetVariables = ({ parameters = {}, body = {} }: KeysetConfig): string[] => [
  ...Object.values(parameters).flatMap(textVariables),
  ...jsonVariables(body),
];

/** The values of the last item as a text for the stored position; undefined if one is missing. */
export function keyOf({ after }: KeysetConfig, item: JsonValue | undefined): string | undefined {
  const values: Values = {};
  for (const [name, pointer] of Object.entries(after)) {
    const value = readAt(item, pointer);
    if ((typeof value !== 'string' || value === '') && typeof value !== 'number') return undefined;
    values[name] = value;
  }
  return JSON.stringify(values);
}

/**
 * A value must not end the quotes that a filter has around it: it could change what the list contains.
 * @returns the problem; undefined if there is none.
 */
export function problemOfKey(paging: KeysetConfig, key: string): string | undefined {
  const values = readKey(paging, key) ?? {};
  const { parameters = {}, body = {} } = paging;
  const templates = [...Object.values(parameters), ...textsIn(body)].join('\n');
  for (const [name, value] of Object.entries(values)) {
    const text = String(value);
    if (/\p{Surrogate}/u.test(text)) return `the value of ${name} is not well-formed text.`;
    const isQuoted = new RegExp(`['"]\\{${name}\\}`).test(templates);
    if (isQuoted && /['"\\]/.test(text))
      return `the value of ${name} contains a quote or a backslash, which the filter cannot contain.`;
  }
  return undefined;
}

/** Undefined for a text that holds other names than the configuration. */
export function readKey({ after }: KeysetConfig, key: string): Values | undefined {
  const values = parseJson(key);
  const isUsable =
    isJsonObject(values) &&
    Object.keys(after).every((name) => typeof values[name] === 'string' || typeof values[name] === 'number');
  return isUsable ? (values as Values) : undefined;
}

/** @param known further variables, such as `modified_since` */
export function keysetRequest(
  request: HttpRequest,
  paging: KeysetConfig,
  key: string,
  known: Variables,
): HttpRequest {
  const values = readKey(paging, key) ?? {};
  const variable: Variables = (name) => (Object.hasOwn(values, name) ? values[name] : known(name));
  return withTemplates(request, paging, { text: variable, json: variable });
}
