/**
 * Nightly runs by the tenant's local time (rules.md 29, R17), over three years of daylight-saving changes.
 */
import * as fc from 'fast-check';
import {
  addDays,
  fallbackTime,
  instantsOf,
  isFallback,
  minutesOf,
  nightlyInstant,
  scheduleDateOf,
  wallClock,
} from '../../../domain/sync-runs/nightly-schedule';

const ZONES = [
  'America/New_York',
  'Europe/London',
  'Australia/Sydney',
  'Australia/Lord_Howe',
  'America/Santiago',
  'Asia/Kolkata',
];
const TIMES = ['00:30', '01:30', '02:00', '02:30', '03:00', '23:30'];
const [FIRST, LAST] = ['2026-11-20', '2029-11-20'];
const dates: string[] = [];
for (let date = FIRST; date < LAST; date = addDays(date, 1)) dates.push(date);

/** All times at which these two calendars fire in Temporal: by literal clock times. */
function firings(nightlyAt: string, zone: string, among = dates): Date[] {
  const times = [nightlyAt, fallbackTime(nightlyAt)].map(minutesOf);
  return among
    .flatMap((date) => times.flatMap((minutes) => instantsOf({ date, minutes }, zone)))
    .sort((a, b) => a.getTime() - b.getTime());
}

describe.each(ZONES)('in %s', (zone) => {
  it.each(TIMES)(
    'rule 29: a nightly run at %s happens exactly once per local date for three years',
    (nightlyAt) => {
      const runs = new Map<string, Date>();
      for (const firing of firings(nightlyAt, zone)) {
        const scheduleDate = scheduleDateOf(firing, nightlyAt, zone);
        if (!runs.has(scheduleDate)) runs.set(scheduleDate, firing);
      }

      expect([...runs.keys()].filter((scheduleDate) => scheduleDate >= FIRST)).toEqual(dates);
      for (const scheduleDate of dates)
        expect([scheduleDate, runs.get(scheduleDate)]).toEqual([
          scheduleDate,
          nightlyInstant(scheduleDate, nightlyAt, zone),
        ]);
    },
  );

  it('maps every instant to one schedule date; a fallback after midnight belongs to the evening before', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: Date.UTC(2026, 10, 20), max: Date.UTC(2029, 10, 20) }),
        fc.constantFrom(...TIMES),
        (ms, nightlyAt) => {
          const at = new Date(ms);
          const { date, minutes } = wallClock(at, zone);
          expect(scheduleDateOf(at, nightlyAt, zone)).toBe(
            minutes >= minutesOf(nightlyAt) ? date : addDays(date, -1),
          );
          expect(instantsOf({ date, minutes }, zone).map(Number)).toContain(Math.floor(ms / 60_000) * 60_000);
        },
      ),
    );
  });
});

it('has its nightly run by the fallback if spring skips its time', () => {
  expect(instantsOf({ date: '2027-03-14', minutes: 150 }, 'America/New_York')).toEqual([]);
  expect(nightlyInstant('2027-03-14', '02:30', 'America/New_York')).toEqual(
    new Date('2027-03-14T03:45:00-04:00'),
  );
  expect(nightlyInstant('2027-09-05', '00:30', 'America/Santiago')).toEqual(
    new Date('2027-09-05T01:45:00-03:00'),
  );
  expect(nightlyInstant('2027-10-03', '02:00', 'Australia/Lord_Howe')).toEqual(
    new Date('2027-10-03T03:15:00+11:00'),
  );
});

it('returns both instants of a repeated local time in autumn', () => {
  expect(instantsOf({ date: '2027-11-07', minutes: 90 }, 'America/New_York')).toEqual([
    new Date('2027-11-07T01:30:00-04:00'),
    new Date('2027-11-07T01:30:00-05:00'),
  ]);
});

it('distinguishes the fallback from the nightly time, with and without jitter', () => {
  const zone = 'Europe/London';
  for (const [time, answer] of [
    ['23:30', false],
    ['23:35', false],
    ['00:45', true],
    ['00:50', true],
    ['22:00', true],
  ] as const)
    // prettier-ignore
    expect([time, isFallback(new Date(`2027-01-10T${time}:00Z`), '23:30', zone)]).toEqual([time, answer]);
});

it('has the fallback 75 minutes later in local time', () => {
  expect(['00:30', '02:00', '23:30', '22:45'].map(fallbackTime)).toEqual([
    '01:45',
    '03:15',
    '00:45',
    '00:00',
  ]);
});

describe('a tenant that moves to another zone', () => {
  /**
   * As the rows decide: a schedule date with a run gets none; after the move the newest date is caught up
   * with.
   */
  function scheduleDatesOf({
    from,
    to,
    moveAt,
    nightlyAt,
  }: {
    from: string;
    to: string;
    moveAt: Date;
    nightlyAt: string;
  }): string[] {
    const near = [-5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5].map((days) =>
      addDays(moveAt.toISOString().slice(0, 10), days),
    );
    const scheduleDates: string[] = [];
    const run = (at: Date, zone: string) => {
      const scheduleDate = scheduleDateOf(at, nightlyAt, zone);
      if (!scheduleDates.includes(scheduleDate)) scheduleDates.push(scheduleDate);
    };
    for (const firing of firings(nightlyAt, from, near)) if (firing < moveAt) run(firing, from);
    if (scheduleDates.length > 0 && (scheduleDates.at(-1) as string) < scheduleDateOf(moveAt, nightlyAt, to))
      run(moveAt, to);
    for (const firing of firings(nightlyAt, to, near)) if (firing > moveAt) run(firing, to);
    return scheduleDates;
  }

  it('rule 29: has neither two runs for one date nor a date without', () => {
    const day = fc.integer({ min: 10, max: dates.length - 10 });
    const minuteOfDay = fc.integer({ min: 0, max: 1_439 });
    fc.assert(
      fc.property(
        fc.constantFrom(...ZONES),
        fc.constantFrom(...ZONES),
        fc.constantFrom(...TIMES),
        day,
        minuteOfDay,
        (from, to, nightlyAt, index, minute) => {
          const moveAt = new Date(Date.parse(`${dates[index] as string}T00:00:00Z`) + minute * 60_000);
          const scheduleDates = scheduleDatesOf({ from, to, moveAt, nightlyAt });
          expect(scheduleDates).toEqual(
            scheduleDates.map((_, position) => addDays(scheduleDates[0] as string, position)),
          );
        },
      ),
      { numRuns: 200 },
    );
  });
});
