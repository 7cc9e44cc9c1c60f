/** A number that a response contains, such as how many records or pages a list has. */
import type { JsonValue } from '../../../domain/json';
import type { HttpResponse } from '../../connector';
import type { InAnswerConfig } from '../config/config-read';
import { readAt } from '../json-pointer';

/** Null if the response does not contain it (some APIs return -1). */
export function numberIn(
  where: InAnswerConfig | undefined,
  response: HttpResponse,
  body: JsonValue | undefined,
): number | null {
  if (where === undefined) return null;
  const value = 'at' in where ? readAt(body, where.at) : response.headers[where.header.toLowerCase()];
  const isNumber = typeof value === 'number' || (typeof value === 'string' && /^\d+$/.test(value));
  return isNumber && Number.isSafeInteger(Number(value)) && Number(value) >= 0 ? Number(value) : null;
}
