/**
 * Instants in the formats of third parties. A formatted instant is never later than the instant, so that no
 * modification at that time is left out.
 */
import type { JsonValue } from '../../../domain/json';
import type { TimeFormat } from '../config/config-read';

/** The formats that name no zone. */
export const ZONELESS: readonly TimeFormat[] = ['local_seconds', 'space_seconds', 'date'];

const HOUR_MS = 60 * 60 * 1000;

/** @param zone of the formats without one */
export function writeInstant(instant: Date, format: TimeFormat, zone = 'UTC'): string {
  switch (format) {
    case 'iso':
      return instant.toISOString();
    case 'iso_seconds':
      return `${instant.toISOString().slice(0, 19)}Z`;
    case 'iso_offset':
      return `${instant.toISOString().slice(0, 19)}+00:00`;
    case 'local_seconds':
      return localTime(instant, zone).replace(' ', 'T');
    case 'space_seconds':
      return localTime(instant, zone);
    case 'date':
      return localTime(instant, zone).slice(0, 10);
    case 'epoch_s':
      return String(Math.floor(instant.getTime() / 1000));
    case 'epoch_ms':
      return String(instant.getTime());
    case 'space_ms':
      return instant.toISOString().replace('T', ' ');
    case 'http_date':
      return instant.toUTCString();
  }
}

/**
 * The end of an interval: never before the instant, also where the time is repeated in autumn. A date is that
 * of the day, because the next interval begins with the whole day again.
 */
export function writeEnd(instant: Date, format: TimeFormat, zone = 'UTC'): string {
  const isLater = ZONELESS.includes(format) && format !== 'date' && isRepeated(instant, zone);
  const end = isLater ? new Date(instant.getTime() + HOUR_MS) : instant;
  return writeInstant(end, format, zone);
}

/** A time that is repeated in autumn is written as an earlier one, because it is not known which is meant. */
function localTime(instant: Date, zone: string): string {
  const isFirst = [HOUR_MS / 2, HOUR_MS].some(
    (later) => clockAt(instant, zone, later) <= clockAt(instant, zone),
  );
  return clockAt(instant, zone, isFirst ? -HOUR_MS : 0);
}

function isRepeated(instant: Date, zone: string): boolean {
  return [-HOUR_MS, -HOUR_MS / 2].some(
    (earlier) => clockAt(instant, zone, earlier) >= clockAt(instant, zone),
  );
}

/** `2026-11-21 05:08:18` as a clock on the wall shows it. */
function clockAt(instant: Date, timeZone: string, offsetMs = 0): string {
  const format = new Intl.DateTimeFormat('sv-SE', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  });
  return format.format(new Date(instant.getTime() + offsetMs)).replace(',', '');
}

/** Null if the text is no instant in this format. Quotes around it, as in an entity tag, are removed. */
export function readInstant(value: JsonValue | undefined, format: TimeFormat): Date | null {
  if (typeof value !== 'string' && typeof value !== 'number') return null;
  const text = /^(?:W\/)?"?(.*?)"?$/.exec(String(value).trim())?.[1] ?? '';
  const atMs = millisecondsOf(text, format);
  // NaN for instants beyond the range of Date.
  const instant = new Date(atMs);
  return Number.isNaN(instant.getTime()) ? null : instant;
}

/** A text without a zone is UTC, independent of the machine. */
function millisecondsOf(text: string, format: TimeFormat): number {
  if (format === 'epoch_s' || format === 'epoch_ms')
    return /^\d+(?:\.\d+)?$/.test(text) ? Number(text) * (format === 'epoch_s' ? 1000 : 1) : Number.NaN;
  if (format === 'http_date') return /^[A-Z][a-z]{2}, .* GMT$/.test(text) ? Date.parse(text) : Number.NaN;
  if (format === 'date') return /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(text) : Number.NaN;
  const [, day, time, zone = 'Z'] =
    /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}:\d{2}(?:\.\d+)?)(Z|[+-]\d{2}:\d{2})?$/.exec(text) ?? [];
  return day === undefined ? Number.NaN : Date.parse(`${day}T${time}${zone}`);
}
