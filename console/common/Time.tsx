import { Text } from '@mantine/core';
import { useSession } from '../session/session';
import { toClock, toExactTime, toRelativeTime, toShortTime, useMinute, useMoment, useNow } from './time';

/** A time in the tenant's zone; the exact instant on hover. */
export function Instant({
  at,
  relative = false,
  none = '–',
}: {
  at: string | null | undefined;
  relative?: boolean;
  none?: string;
}) {
  const zone = useSession().tenant.time_zone;
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
  const zone = useSession().tenant.time_zone;
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
