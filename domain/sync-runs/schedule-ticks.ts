/** The scheduled times of an integration (rules.md 28, 29). */
import { addDays, nightlyTimes, wallClock } from './nightly-schedule';

const SECOND_MS = 1_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Spreads the integrations that have the same time. Much shorter than the time to the fallback. */
const JITTER_SECONDS = 5 * 60;
/** A night's runs are spread from 01:00 to 05:00 where no time was chosen. */
const NIGHT_STARTS = 60;
const NIGHT_MINUTES = 4 * 60;

export type ScheduleTimes = { integrationId: string } & (
  | { schedule: 'hourly' }
  | { schedule: 'nightly'; nightlyAt: string; zone: string }
);

/** The last digits of an id are random. */
const numberOf = (integrationId: string): number => Number.parseInt(integrationId.slice(-8), 16);

/** The minute at which an integration's hourly run is due, different per integration to spread the load. */
export const hourlyMinute = (integrationId: string): number => numberOf(integrationId) % 60;

/** `HH:MM`, always the same for an integration. */
export function spreadNightlyTime(integrationId: string): string {
  const minutes = NIGHT_STARTS + (numberOf(integrationId) % NIGHT_MINUTES);
  return `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`;
}

/** The first scheduled time after an instant. A nightly schedule also has that of its fallback. */
export function nextTick(times: ScheduleTimes, after: Date): Date {
  return times.schedule === 'hourly' ? nextHourly(times, after) : nextNightly(times, after);
}

function nextHourly({ integrationId }: ScheduleTimes, after: Date): Date {
  const seconds = hourlyMinute(integrationId) * 60 + (Math.floor(numberOf(integrationId) / 60) % 60);
  const inHour = Math.floor(after.getTime() / HOUR_MS) * HOUR_MS + seconds * SECOND_MS;
  return new Date(inHour > after.getTime() ? inHour : inHour + HOUR_MS);
}

function nextNightly(
  { integrationId, nightlyAt, zone }: Extract<ScheduleTimes, { schedule: 'nightly' }>,
  after: Date,
): Date {
  const jitterMs = (numberOf(integrationId) % JITTER_SECONDS) * SECOND_MS;
  const { date: today } = wallClock(after, zone);
  // Yesterday's last ones may be today, or reach into it by the jitter. A zone may skip a date.
  for (let days = -1; ; days += 1) {
    const ticks = nightlyTimes(addDays(today, days), nightlyAt, zone)
      .map((at) => at.getTime() + jitterMs)
      .filter((tick) => tick > after.getTime());
    if (ticks.length > 0) return new Date(Math.min(...ticks));
  }
}

/** The newest of the scheduled times from `first` to `now`: those before it were missed. */
export function newestTick(times: ScheduleTimes, first: Date, now: Date): Date {
  let newest = first;
  if (now.getTime() - first.getTime() > 2 * DAY_MS)
    newest = nextTick(times, new Date(now.getTime() - 2 * DAY_MS));
  for (let next = nextTick(times, newest); next <= now; next = nextTick(times, next)) newest = next;
  return newest;
}
