/** What people are shown of a schedule: the next runs with their offsets. */
import { nextRuns } from '../../../domain/sync-runs/next-runs';

const show = (settings: Partial<Parameters<typeof nextRuns>[0]> & { now: Date }) =>
  nextRuns({ hourlyMinute: null, nightlyAt: null, zone: 'America/New_York', count: 3, ...settings }).map(
    ({ schedule, localTime, isClockChange }) => `${schedule} ${localTime}${isClockChange ? ' *' : ''}`,
  );

it('shows the next schedule dates with the offset of each, and marks clock changes', () => {
  expect(show({ nightlyAt: '02:30', now: new Date('2027-03-13T12:00:00Z') })).toEqual([
    'nightly 2027-03-14T03:45:00-04:00 *',
    'nightly 2027-03-15T02:30:00-04:00',
    'nightly 2027-03-16T02:30:00-04:00',
  ]);
});

it('shows the first of the two equal local times in autumn', () => {
  expect(show({ nightlyAt: '01:30', now: new Date('2027-11-06T12:00:00Z'), count: 2 })).toEqual([
    'nightly 2027-11-07T01:30:00-04:00 *',
    'nightly 2027-11-08T01:30:00-05:00',
  ]);
});

it('shows a schedule date whose time was skipped until its fallback has passed', () => {
  expect(show({ nightlyAt: '02:30', now: new Date('2027-03-14T03:30:00-04:00'), count: 1 })).toEqual([
    'nightly 2027-03-14T03:45:00-04:00 *',
  ]);
});

it('shows hours at the minute of the integration, also in zones with half-hour offsets', () => {
  expect(
    show({ hourlyMinute: 17, zone: 'Asia/Kolkata', now: new Date('2027-01-01T10:17:00Z'), count: 2 }),
  ).toEqual(['hourly 2027-01-01T16:47:00+05:30', 'hourly 2027-01-01T17:47:00+05:30']);
});

it('shows both in order of time, and nothing if both are off', () => {
  const now = new Date('2027-01-01T06:30:00Z');
  expect(show({ hourlyMinute: 0, nightlyAt: '02:30', now, count: 1 })).toEqual([
    'hourly 2027-01-01T02:00:00-05:00',
    'nightly 2027-01-01T02:30:00-05:00',
  ]);
  expect(show({ now })).toEqual([]);
});
