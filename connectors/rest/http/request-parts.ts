/** Adds parts to a request: parameters in its query, and members of its JSON body. */
import { isJsonObject, type JsonObject, type JsonValue } from '../../../domain/json';
import type { HttpRequest } from '../../connector';
import { parseJson, placeAt } from '../json-pointer';
import { withParameter } from './query';
import { fillJson, fillText, type Variables } from './templates';

/** Parameters replace those of the same name; `body` is merged over the body of the request. */
export function withTemplates(
  request: HttpRequest,
  {
    parameters = {},
    body,
  }: { parameters?: Record<string, string> | undefined; body?: JsonObject | undefined },
  variables: { text: Variables; json: Variables },
): HttpRequest {
  const url = Object.entries(parameters).reduce(
    (address, [name, template]) => withParameter(address, name, fillText(template, variables.text)),
    request.url,
  );
  const added = { ...request, url };
  return body === undefined ? added : withBodyPart(added, '', fillJson(body, variables.json));
}

export function withBodyPart(request: HttpRequest, pointer: string, value: JsonValue): HttpRequest {
  const around = parseJson(request.body ?? '{}');
  const body = JSON.stringify(placeAt(isJsonObject(around) ? around : {}, pointer, value));
  return { ...request, headers: { 'content-type': 'application/json', ...request.headers }, body };
}
