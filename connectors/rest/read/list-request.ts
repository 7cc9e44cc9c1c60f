/** The call of a list, with the interval of modifications that an incremental run reads. */
import type { HttpRequest } from '../../connector';
import type { RestConfig } from '../config/config';
import type { DeletedListConfig, ListConfig, ModifiedSinceConfig } from '../config/config-read';
import { pageBytesMax } from '../../page-size';
import { requestTo } from '../http/calls';
import { namesAsText } from '../http/selected-fields';
import { withTemplates } from '../http/request-parts';
import { fillHeader, jsonVariables, textVariables, type Variables } from '../http/templates';
import { keysetVariables } from './keyset';
import { writeEnd, writeInstant } from './time-format';

export interface Interval {
  since: Date;
  /** The value of `{now}`. */
  until: Date;
}

/** Whether the call names the end of the interval. */
export function usesNow({ modified_since: filter, paging }: ListConfig | DeletedListConfig): boolean {
  const { parameters = {}, headers = {}, body = {} } = filter ?? {};
  const texts = [...Object.values(parameters), ...Object.values(headers)];
  const ofKeyset = paging.type === 'keyset' ? keysetVariables(paging) : [];
  return [...texts.flatMap(textVariables), ...jsonVariables(body), ...ofKeyset].includes('now');
}

/**
 * The call of the list without the parameters of a page.
 * @param known the id of the parent, and the names of fields
 */
export function listRequest(
  config: RestConfig,
  list: ListConfig | DeletedListConfig,
  interval: Interval | null,
  known: Variables,
): HttpRequest {
  const plain: HttpRequest = {
    ...requestTo(config, list, 'GET', known),
    responseBytesMax: pageBytesMax(config),
  };
  if (interval === null || list.modified_since === undefined) return plain;
  const times = timesOf(list, interval);
  const text: Variables = (name) => (name === 'fields' ? namesAsText(known(name)) : times(name));
  return filtered(plain, list.modified_since, text);
}

/** The bounds of the interval as the call writes them. */
export function timesOf(list: ListConfig | DeletedListConfig, interval: Interval | null): Variables {
  if (interval === null || list.modified_since === undefined) return () => undefined;
  const { format, zone } = list.modified_since;
  const times = new Map([
    ['modified_since', writeInstant(interval.since, format, zone)],
    ['now', writeEnd(interval.until, format, zone)],
  ]);
  return (name) => times.get(name);
}

function filtered(
  request: HttpRequest,
  { format, parameters, headers = {}, body }: ModifiedSinceConfig,
  text: Variables,
): HttpRequest {
  // In a JSON body, seconds and milliseconds since 1970 are numbers.
  const json = (name: string) =>
    format.startsWith('epoch') && name !== 'fields' ? Number(text(name)) : text(name);
  const own = Object.entries(headers).map(([name, template]) => [
    name.toLowerCase(),
    fillHeader(template, text),
  ]);
  const sent = {
    ...request,
    headers: { ...request.headers, ...(Object.fromEntries(own) as Record<string, string>) },
  };
  return withTemplates(sent, { parameters, body }, { text, json });
}
