/**
 * When scheduled runs happen, by the clock on the tenant's wall (rules.md 28, 29): each night stands for one local date. The clock
 * skips an hour in spring and repeats one in autumn, so the nightly tick comes twice, the second time as a fallback; the night decides.
 */

/** Longer than any gap that daylight saving makes: where the first tick has no such time, the second has. */
const FALLBACK_MINUTES = 75;
const DAY_MINUTES = 24 * 60;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

export interface WallClock {
  /** `YYYY-MM-DD` */
  date: string;
  /** Since midnight, as the clock shows it. */
  minutes: number;
}

const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(zone: string): Intl.DateTimeFormat {
  let format = formats.get(zone);
  if (format === undefined) {
    const numbers = {
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
    } as const;
    format = new Intl.DateTimeFormat('en-US', { timeZone: zone, hourCycle: 'h23', ...numbers });
    formats.set(zone, format);
  }
  return format;
}

/** What the clock of the zone shows, as if it were UTC's. */
function shownAt(at: Date, zone: string): number {
  const parts: Partial<Record<string, number>> = {};
  for (const { type, value } of formatOf(zone).formatToParts(at)) parts[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

/** Of the zone from UTC, in minutes: +60 for Berlin's winter. */
export function offsetMinutes(at: Date, zone: string): number {
  return Math.round((shownAt(at, zone) - Math.floor(at.getTime() / 1_000) * 1_000) / MINUTE_MS);
}

export function wallClock(at: Date, zone: string): WallClock {
  const shown = new Date(shownAt(at, zone));
  return { date: dateOf(shown), minutes: shown.getUTCHours() * 60 + shown.getUTCMinutes() };
}

/** The instants at which the clock shows this: none where spring skips it, two where autumn repeats it. */
export function instantsOf({ date, minutes }: WallClock, zone: string): Date[] {
  const shown = Date.parse(`${date}T00:00:00Z`) + minutes * MINUTE_MS;
  const offsets = new Set(
    [-26, 0, 26].map((hours) => offsetMinutes(new Date(shown + hours * HOUR_MS), zone)),
  );
  return [...offsets]
    .map((offset) => shown - offset * MINUTE_MS)
    .filter((instant) => shownAt(new Date(instant), zone) === shown)
    .sort((a, b) => a - b)
    .map((instant) => new Date(instant));
}

const dateOf = (shown: Date): string => shown.toISOString().slice(0, 10);

export function addDays(date: string, days: number): string {
  return dateOf(new Date(Date.parse(`${date}T00:00:00Z`) + days * DAY_MS));
}

/** Of `HH:MM`. */
export function minutesOf(time: string): number {
  const [hours, minutes] = time.split(':');
  return Number(hours) * 60 + Number(minutes);
}

const timeOf = (minutes: number): string =>
  `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`;

/** When the nightly tick comes again: `23:30` has `00:45`, which still belongs to the evening before. */
export function fallbackTime(nightlyAt: string): string {
  return timeOf((minutesOf(nightlyAt) + FALLBACK_MINUTES) % DAY_MINUTES);
}

/** The night in which this moment lies: from one nightly time to the next, named by the date on which it began. */
export function scheduleDateOf(at: Date, nightlyAt: string, zone: string): string {
  const { date, minutes } = wallClock(at, zone);
  return minutes >= minutesOf(nightlyAt) ? date : addDays(date, -1);
}

/** True for a tick that came well after the nightly time: nobody is told when such a one finds its night done. */
export function isFallback(scheduledAt: Date, nightlyAt: string, zone: string): boolean {
  const since = (wallClock(scheduledAt, zone).minutes - minutesOf(nightlyAt) + DAY_MINUTES) % DAY_MINUTES;
  return since >= FALLBACK_MINUTES - 10;
}

/** When the run of this night is due: its time, or the fallback where that night's clock skips it. */
export function nightlyInstant(date: string, nightlyAt: string, zone: string): Date | undefined {
  const minutes = minutesOf(nightlyAt);
  const [first] = instantsOf({ date, minutes }, zone);
  if (first !== undefined) return first;
  const later = minutes + FALLBACK_MINUTES;
  const [second] = instantsOf(
    { date: addDays(date, later >= DAY_MINUTES ? 1 : 0), minutes: later % DAY_MINUTES },
    zone,
  );
  return second;
}

/** The minute of each hour at which an integration's hourly run is due: its own, so that integrations spread over the hour. */
export function hourlyMinute(integrationId: string): number {
  return Number.parseInt(integrationId.slice(-8), 16) % 60;
}
