/** The scheduled times of integrations (rules.md 28, 29, 59), over three years of daylight-saving changes. */
import {
  addDays,
  minutesOf,
  nightlyInstant,
  scheduleDateOf,
  wallClock,
} from '../../../domain/sync-runs/nightly-schedule';
import {
  hourlyMinute,
  newestTick,
  nextTick,
  type ScheduleTimes,
  spreadNightlyTime,
} from '../../../domain/sync-runs/schedule-ticks';

const ZONES = [
  'America/New_York',
  'Europe/London',
  'Australia/Sydney',
  'Australia/Lord_Howe',
  'America/Santiago',
  'Asia/Kolkata',
];
const TIMES = ['01:30', '02:30', '23:58'];
const [FIRST, LAST] = ['2026-12-01', '2029-12-01'];
const ids = Array.from(
  { length: 1_000 },
  (_, index) =>
    `01890a5d-ac96-774b-bcce-${(index * 7_919_000_003).toString(16).padStart(12, '0').slice(-12)}`,
);
const id = ids[7] as string;

/** The scheduled times from one instant to another, each found from the one before. */
function ticks(times: ScheduleTimes, from: Date, to: Date): Date[] {
  const found: Date[] = [];
  for (let at = nextTick(times, from); at <= to; at = nextTick(times, at)) found.push(at);
  return found;
}

describe.each(ZONES)('in %s', (zone) => {
  it.each(TIMES)('rule 29: every date for three years has a time for its nightly run at %s', (nightlyAt) => {
    const times = { integrationId: id, schedule: 'nightly' as const, nightlyAt, zone };
    const found = ticks(times, new Date(`${FIRST}T00:00:00Z`), new Date(`${LAST}T23:59:00Z`));
    const dates: string[] = [];
    for (let date = addDays(FIRST, 1); date < LAST; date = addDays(date, 1)) dates.push(date);
    const scheduleDates = found.map((tick) => scheduleDateOf(tick, nightlyAt, zone));

    expect([...new Set(scheduleDates)].filter((date) => date > FIRST && date < LAST)).toEqual(dates);
    // A time and its fallback; one less or one more where the clock changes.
    const counts = dates.map((date) => scheduleDates.filter((each) => each === date).length);
    expect([Math.min(...counts) >= 1, Math.max(...counts) <= 3]).toEqual([true, true]);
    expect(counts.filter((count) => count !== 2).length).toBeLessThanOrEqual(6);
  });
});

it.each(['01:00', '01:30', '01:44'])(
  'rule 29: has a nightly run at %s where the clock skips that time and its fallback',
  (nightlyAt) => {
    const zone = 'Antarctica/Troll';
    const times = { integrationId: id, schedule: 'nightly' as const, nightlyAt, zone };
    const found = ticks(times, new Date('2027-03-26T12:00Z'), new Date('2027-03-30T12:00Z'));
    const scheduleDates = new Set(found.map((tick) => scheduleDateOf(tick, nightlyAt, zone)));

    expect([...scheduleDates]).toEqual(['2027-03-27', '2027-03-28', '2027-03-29', '2027-03-30']);
    const { minutes } = wallClock(nightlyInstant('2027-03-28', nightlyAt, zone) as Date, zone);
    expect(minutes).toBe(minutesOf(nightlyAt) + 150);
  },
);

it('spreads hourly runs over the hour, each integration always at the same time', () => {
  const at = new Date('2027-01-10T10:00:00Z');
  const found = ids.map((integrationId) => nextTick({ integrationId, schedule: 'hourly' }, at));

  expect(new Set(found.map((tick) => tick.getUTCMinutes())).size).toBe(60);
  expect(found.map((tick) => tick.getUTCMinutes() % 60)).toEqual(ids.map(hourlyMinute));
  const [first] = found as [Date];
  const times = { integrationId: ids[0] as string, schedule: 'hourly' as const };
  expect(nextTick(times, first).getTime() - first.getTime()).toBe(3_600_000);
});

it('rule 59: spreads nightly runs without a chosen time from 01:00 to 05:00', () => {
  const times = ids.map(spreadNightlyTime);
  const perQuarter = new Map<number, number>();
  for (const time of times) {
    const quarter = Math.floor(minutesOf(time) / 15);
    perQuarter.set(quarter, (perQuarter.get(quarter) ?? 0) + 1);
  }

  expect(times.every((time) => time >= '01:00' && time < '05:00')).toBe(true);
  expect(perQuarter.size).toBe(16);
  expect(Math.max(...perQuarter.values())).toBeLessThan(ids.length / 8);
});

it('starts at most five minutes after a chosen time', () => {
  for (const integrationId of ids.slice(0, 50)) {
    const times = { integrationId, schedule: 'nightly' as const, nightlyAt: '03:00', zone: 'Europe/Berlin' };
    const { minutes } = wallClock(nextTick(times, new Date('2027-01-09T22:00:00Z')), 'Europe/Berlin');
    expect([minutes >= 180, minutes < 185]).toEqual([true, true]);
  }
});

it.each([
  ['hourly', 5 * 3_600_000],
  ['hourly', 400 * 86_400_000],
  ['nightly', 3 * 86_400_000],
] as const)('rule 30: after an absence the newest %s time counts', (schedule, absentMs) => {
  const times: ScheduleTimes =
    schedule === 'hourly'
      ? { integrationId: id, schedule }
      : { integrationId: id, schedule, nightlyAt: '02:00', zone: 'UTC' };
  const first = nextTick(times, new Date('2027-01-10T00:00:00Z'));
  const now = new Date(first.getTime() + absentMs);
  const newest = newestTick(times, first, now);

  expect(newest.getTime()).toBeLessThanOrEqual(now.getTime());
  expect(nextTick(times, newest).getTime()).toBeGreaterThan(now.getTime());
});
