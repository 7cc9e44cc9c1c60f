/** Formats of times, in the time zone of the page. */
import { createContext, useContext, useSyncExternalStore } from 'react';

/** The browser's zone, unless the shell gives the tenant's. */
export const TimeZone = createContext(Intl.DateTimeFormat().resolvedOptions().timeZone);

export const useTimeZone = (): string => useContext(TimeZone);

const listeners = new Set<() => void>();
let now = Date.now();
let timer: ReturnType<typeof setInterval> | undefined;

/** One timer for the page. It runs each second while a component shows a time. */
function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  if (timer === undefined) now = Date.now();
  timer ??= setInterval(() => {
    now = Date.now();
    for (const notify of listeners) notify();
  }, 1_000);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

export const useNow = (): number => useSyncExternalStore(subscribe, () => now);
/** Milliseconds since the epoch, rounded down to the minute. */
export const useMinute = (): number =>
  useSyncExternalStore(subscribe, () => Math.floor(now / 60_000) * 60_000);
/** Milliseconds since the epoch, rounded down to ten seconds. */
export const useMoment = (): number =>
  useSyncExternalStore(subscribe, () => Math.floor(now / 10_000) * 10_000);

const formats = new Map<string, Intl.DateTimeFormat>();
function format(zone: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${zone} ${JSON.stringify(options)}`;
  const known = formats.get(key) ?? new Intl.DateTimeFormat('en-GB', { timeZone: zone, ...options });
  formats.set(key, known);
  return known;
}

/** `14:05` today, `19 Nov, 14:05` this year, `19 Nov 2025, 14:05` before. */
export function toShortTime(iso: string, zone: string, nowMs: number): string {
  const at = new Date(iso);
  const day = format(zone, { dateStyle: 'short' });
  const year = format(zone, { year: 'numeric' });
  if (day.format(at) === day.format(nowMs)) return format(zone, { timeStyle: 'medium' }).format(at);
  const sameYear = year.format(at) === year.format(nowMs);
  return format(zone, {
    day: 'numeric',
    month: 'short',
    ...(sameYear ? {} : { year: 'numeric' }),
    hour: '2-digit',
    minute: '2-digit',
  }).format(at);
}

/** Weekday, date, time with seconds and zone, then UTC as the API formats it. */
export const toExactTime = (iso: string, zone: string): string =>
  `${format(zone, EXACT).format(new Date(iso))} · ${iso}`;

const EXACT: Intl.DateTimeFormatOptions = {
  weekday: 'long',
  day: 'numeric',
  month: 'long',
  year: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  timeZoneName: 'longOffset',
};

/** `4 min ago`, `in 2 h`. A recent instant may be slightly in the future, because `nowMs` is rounded down. */
export function toRelativeTime(iso: string, nowMs: number): string {
  const seconds = Math.round((Date.parse(iso) - nowMs) / 1_000);
  const amount = Math.abs(seconds);
  if (amount < 45) return seconds > 10 ? 'in a moment' : 'just now';
  const words =
    amount < 3_600
      ? `${Math.max(1, Math.round(amount / 60))} min`
      : amount < 36 * 3_600
        ? `${Math.round(amount / 3_600)} h`
        : `${Math.round(amount / 86_400)} days`;
  return seconds > 0 ? `in ${words}` : `${words} ago`;
}

/** `0:07`, `12:30`, `1:02:09`. */
export function toClock(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  const [h, m, s] = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60, seconds % 60];
  return h > 0
    ? `${h}:${String(m).padStart(2, '0')}:${String(s).padStart(2, '0')}`
    : `${m}:${String(s).padStart(2, '0')}`;
}

/** `350 ms`, `4.2 s`, `3 min 10 s`, `2 h 5 min`. */
export function toDuration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(ms < 10_000 ? 1 : 0)} s`;
  const minutes = Math.floor(ms / 60_000);
  return minutes < 60
    ? `${minutes} min ${Math.floor((ms % 60_000) / 1_000)} s`
    : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
