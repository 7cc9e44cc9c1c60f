/**
 * Instants in the formats of third parties. A formatted instant is never later than the instant, so that no
 * modification at that time is left out.
 */
import type { JsonValue } from '../../../domain/json';
import type { TimeFormat } from '../config/config-read';

export function writeInstant(instant: Date, format: TimeFormat): string {
  switch (format) {
    case 'iso':
      return instant.toISOString();
    case 'iso_seconds':
      return `${instant.toISOString().slice(0, 19)}Z`;
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
  const [, day, time, zone = 'Z'] =
    /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}:\d{2}(?:\.\d+)?)(Z|[+-]\d{2}:\d{2})?$/.exec(text) ?? [];
  return day === undefined ? Number.NaN : Date.parse(`${day}T${time}${zone}`);
}
