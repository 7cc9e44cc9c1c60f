/** A small plot of figures over time, as inline SVG. What it shows is said in words too. */
import { Text } from '@mantine/core';
import { useSession } from '../../session/session';
import { toShortTime, useMinute } from '../../common/time';

export interface Point {
  at: string;
  value: number;
}

const WIDTH = 560;
const HEIGHT = 110;
const PAD = 6;

export function Plot({
  title,
  points,
  format,
}: {
  title: string;
  points: readonly Point[];
  format: (value: number) => string;
}) {
  const zone = useSession().tenant.time_zone;
  const minute = useMinute();
  if (points.length < 2)
    return (
      <Text size="sm" c="dimmed">
        {title}: a line needs two runs at least.
      </Text>
    );
  const values = points.map(({ value }) => value);
  const times = points.map(({ at }) => Date.parse(at));
  const [first, last] = [Math.min(...times), Math.max(...times)];
  const [low, high] = [Math.min(0, ...values), Math.max(0, ...values)];
  const x = (at: number): number => PAD + ((WIDTH - 2 * PAD) * (at - first)) / Math.max(1, last - first);
  const y = (value: number): number =>
    HEIGHT - PAD - ((HEIGHT - 2 * PAD) * (value - low)) / Math.max(Number.EPSILON, high - low);
  const time = (at: number): string => toShortTime(new Date(at).toISOString(), zone, minute);
  const newest = points.find(({ at }) => Date.parse(at) === last) as Point;
  const summary = `${title}: ${format(newest.value)} now, between ${format(Math.min(...values))} and ${format(Math.max(...values))} since ${time(first)}.`;
  return (
    <figure style={{ margin: 0 }}>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} width="100%" role="img" aria-label={summary}>
        <line
          x1={PAD}
          x2={WIDTH - PAD}
          y1={y(0)}
          y2={y(0)}
          stroke="var(--mantine-color-dimmed)"
          strokeDasharray="3 3"
          strokeWidth={1}
        />
        <polyline
          points={points
            .map(({ at, value }) => [Date.parse(at), value] as const)
            .toSorted(([a], [b]) => a - b)
            .map(([at, value]) => `${x(at).toFixed(1)},${y(value).toFixed(1)}`)
            .join(' ')}
          fill="none"
          stroke="var(--mantine-color-anchor)"
          strokeWidth={2}
          strokeLinejoin="round"
        />
        {points.map(({ at, value }) => (
          <circle key={at} cx={x(Date.parse(at))} cy={y(value)} r={3} fill="var(--mantine-color-anchor)">
            <title>{`${time(Date.parse(at))}: ${format(value)}`}</title>
          </circle>
        ))}
      </svg>
      <Text component="figcaption" size="sm" c="dimmed">
        {summary}
      </Text>
    </figure>
  );
}
