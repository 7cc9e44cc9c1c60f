import { Text } from '@mantine/core';
import {
  toClock,
  toExactTime,
  toRelativeTime,
  toShortTime,
  useMinute,
  useMoment,
  useNow,
  useTimeZone,
} from './time';

/** A time in the zone of the page; the exact instant on hover. */
export function Instant({
  at,
  relative = false,
  none = '–',
}: {
  at: string | null | undefined;
  relative?: boolean;
  none?: string;
}) {
  const zone = useTimeZone();
  const minute = useMinute();
  const moment = useMoment();
  if (!at) return <>{none}</>;
  return (
    <time dateTime={at} title={toExactTime(at, zone)} style={{ whiteSpace: 'nowrap' }}>
      {relative ? toRelativeTime(at, moment) : toShortTime(at, zone, minute)}
    </time>
  );
}

/** Counts down to an instant, then shows `now`. No live region, which would be read aloud every second. */
export function Countdown({ to }: { to: string }) {
  const zone = useTimeZone();
  const left = Date.parse(to) - useNow();
  return (
    <Text
      component="time"
      inherit
      fw={600}
      dateTime={to}
      title={toExactTime(to, zone)}
      role="timer"
      aria-live="off"
      className="figures"
    >
      {left > 0 ? toClock(left) : 'now'}
    </Text>
  );
}
