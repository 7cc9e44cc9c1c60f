/** Dates and times as records hold them: `2026-03-31`, `2026-03-31T08:00:00.000Z`. */
import type { JsonValue } from '../json';
import type { Converted } from './converted';

export const INSTANT =
  /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?) ?(Z|[+-]\d{2}:\d{2})?)?$/i;

/**
 * A time without a zone is UTC, so that a text has the same meaning on every machine. Dates that do not exist
 * are refused.
 */
export function convertInstant(type: 'date' | 'datetime', value: JsonValue): Converted | undefined {
  const text = readInstant(type, value);
  return text === undefined ? undefined : { ok: true, value: text };
}

/** The same as a text; undefined: the value is none. */
export function readInstant(type: 'date' | 'datetime', value: JsonValue): string | undefined {
  const [, day, time = '00:00', zone = 'Z'] = (typeof value === 'string' && INSTANT.exec(value)) || [];
  if (day === undefined || !isCalendarDay(day)) return undefined;
  const instant = new Date(`${day}T${time}${zone.toUpperCase()}`);
  if (Number.isNaN(instant.getTime())) return undefined;
  return type === 'date' ? day : instant.toISOString();
}

function isCalendarDay(day: string): boolean {
  const midnight = new Date(`${day}T00:00Z`);
  return !Number.isNaN(midnight.getTime()) && midnight.toISOString().startsWith(day);
}
