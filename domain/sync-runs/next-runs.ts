/** The next scheduled runs of an integration, as shown with its schedule (rules.md 28, 29). */
import { addDays, nightlyInstant, scheduleDateOf, offsetMinutes } from './nightly-schedule';

const HOUR_MS = 3_600_000;

export interface ScheduleTimes {
  /** The minute of each hour at which it runs; null = never. */
  hourlyMinute: number | null;
  /** `HH:MM` in the zone; null = never. */
  nightlyAt: string | null;
  zone: string;
}

export interface NextRun {
  schedule: 'hourly' | 'nightly';
  at: Date;
  /** RFC 3339 with the zone's offset at that moment. */
  localTime: string;
  /** True if daylight saving starts or ends within 12 hours of the run. */
  isClockChange: boolean;
}

/** The next `count` of each schedule, the soonest first. */
export function nextRuns({
  hourlyMinute,
  nightlyAt,
  zone,
  now,
  count,
}: ScheduleTimes & { now: Date; count: number }): NextRun[] {
  const hourly = hourlyMinute === null ? [] : nextHours(hourlyMinute, now, count);
  const nightly = nightlyAt === null ? [] : nextScheduleDates(nightlyAt, zone, now, count);
  return [
    ...hourly.map((at) => ({ schedule: 'hourly' as const, at })),
    ...nightly.map((at) => ({ schedule: 'nightly' as const, at })),
  ]
    .map((run) => ({ ...run, localTime: inZone(run.at, zone), isClockChange: isClockChange(run.at, zone) }))
    .sort((a, b) => a.at.getTime() - b.at.getTime());
}

function nextHours(minute: number, now: Date, count: number): Date[] {
  const first = Math.floor(now.getTime() / HOUR_MS) * HOUR_MS + minute * 60_000;
  const start = first > now.getTime() ? first : first + HOUR_MS;
  return Array.from({ length: count }, (_, index) => new Date(start + index * HOUR_MS));
}

function nextScheduleDates(nightlyAt: string, zone: string, now: Date, count: number): Date[] {
  const scheduleDates: Date[] = [];
  // A run whose time has passed may still be due at its fallback time. A date that a zone skipped has no run.
  let date = scheduleDateOf(now, nightlyAt, zone);
  for (let looked = 0; scheduleDates.length < count && looked < count + 10; looked += 1) {
    const at = nightlyInstant(date, nightlyAt, zone);
    if (at !== undefined && at > now) scheduleDates.push(at);
    date = addDays(date, 1);
  }
  return scheduleDates;
}

/** RFC 3339 as the clock of the zone shows it: `2027-03-14T03:45:00-04:00`. */
function inZone(at: Date, zone: string): string {
  const offset = offsetMinutes(at, zone);
  const [hours, minutes] = [Math.floor(Math.abs(offset) / 60), Math.abs(offset) % 60].map((part) =>
    String(part).padStart(2, '0'),
  );
  return `${new Date(at.getTime() + offset * 60_000).toISOString().slice(0, 19)}${offset < 0 ? '-' : '+'}${hours}:${minutes}`;
}

function isClockChange(at: Date, zone: string): boolean {
  const near = [-12, 12].map((hours) => offsetMinutes(new Date(at.getTime() + hours * HOUR_MS), zone));
  return near[0] !== near[1];
}
