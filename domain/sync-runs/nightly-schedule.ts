/**
 * Times of scheduled runs in the tenant's time zone (rules.md 28, 29): one nightly run per local date.
 * Daylight saving skips an hour in spring and repeats one in autumn. So the nightly schedule fires twice, the
 * second time as a fallback, and the date decides.
 */

/** Longer than any daylight saving gap but that of Antarctica/Troll, which skips two hours. */
const FALLBACK_MINUTES = 75;
const DAY_MINUTES = 24 * 60;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

export interface WallClock {
  /** `YYYY-MM-DD` */
  date: string;
  /** Since midnight in local time. */
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

/** The local time of the zone, encoded as if it were UTC. */
function shownAt(at: Date, zone: string): number {
  const parts: Partial<Record<string, number>> = {};
  for (const { type, value } of formatOf(zone).formatToParts(at)) parts[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

/** The zone's offset from UTC in minutes: +60 for Berlin in winter. */
export function offsetMinutes(at: Date, zone: string): number {
  return Math.round((shownAt(at, zone) - Math.floor(at.getTime() / 1_000) * 1_000) / MINUTE_MS);
}

export function wallClock(at: Date, zone: string): WallClock {
  const shown = new Date(shownAt(at, zone));
  return { date: dateOf(shown), minutes: shown.getUTCHours() * 60 + shown.getUTCMinutes() };
}

/** The instants of a local time: none if it is skipped in spring, two if it is repeated in autumn. */
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

/** The time of the fallback: `23:30` has `00:45`, which belongs to the previous date. */
export function fallbackTime(nightlyAt: string): string {
  return timeOf((minutesOf(nightlyAt) + FALLBACK_MINUTES) % DAY_MINUTES);
}

/** The schedule date of an instant: the local date of the latest nightly time before it. */
export function scheduleDateOf(at: Date, nightlyAt: string, zone: string): string {
  const { date, minutes } = wallClock(at, zone);
  return minutes >= minutesOf(nightlyAt) ? date : addDays(date, -1);
}

/**
 * True if the schedule fired well after the nightly time. If its run already exists, no skipped run is
 * recorded.
 */
export function isFallback(scheduledAt: Date, nightlyAt: string, zone: string): boolean {
  const since = (wallClock(scheduledAt, zone).minutes - minutesOf(nightlyAt) + DAY_MINUTES) % DAY_MINUTES;
  return since >= FALLBACK_MINUTES - 10;
}

/**
 * The times of a schedule date: the nightly one, which daylight saving skips or repeats, and the fallback. If
 * both are skipped, there is one as much later.
 */
export function nightlyTimes(date: string, nightlyAt: string, zone: string): Date[] {
  const first = minutesOf(nightlyAt);
  const instantsAt = (minutes: number): Date[] =>
    instantsOf(
      { date: addDays(date, Math.floor(minutes / DAY_MINUTES)), minutes: minutes % DAY_MINUTES },
      zone,
    );
  const times = [first, first + FALLBACK_MINUTES].flatMap(instantsAt);
  return times.length > 0 ? times : instantsAt(first + 2 * FALLBACK_MINUTES);
}

/** When the run of a schedule date is due. */
export const nightlyInstant = (date: string, nightlyAt: string, zone: string): Date | undefined =>
  nightlyTimes(date, nightlyAt, zone)[0];
