/** A small line chart as inline SVG, with a summary in words. */
import { Text } from '@mantine/core';
import { toShortTime, useMinute, useTimeZone } from '../../common/time';

export interface Point {
  at: string;
  value: number;
}

interface PlotProps {
  title: string;
  points: readonly Point[];
  format: (value: number) => string;
}

const WIDTH = 560;
const HEIGHT = 110;
const PAD = 6;

export function Plot({ title, points, format }: PlotProps) {
  const zone = useTimeZone();
  const minute = useMinute();
  const time = (at: string): string => toShortTime(at, zone, minute);
  const ordered = points.toSorted((a, b) => Date.parse(a.at) - Date.parse(b.at));
  const [first, last] = [ordered[0], ordered.at(-1)];
  if (first === undefined || last === undefined || ordered.length < 2)
    return (
      <Text size="sm" c="dimmed">
        {title}: shown after two sync runs.
      </Text>
    );
  const values = ordered.map(({ value }) => value);
  const [low, high] = [format(Math.min(...values)), format(Math.max(...values))];
  const summary = `${title}: ${format(last.value)} now, between ${low} and ${high} since ${time(first.at)}.`;
  return (
    <figure style={{ margin: 0 }}>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} width="100%" role="img" aria-label={summary}>
        <Line points={ordered} titleOf={({ at, value }) => `${time(at)}: ${format(value)}`} />
      </svg>
      <Text component="figcaption" size="sm" c="dimmed">
        {summary}
      </Text>
    </figure>
  );
}

/** Points in the order of time, above or below a dashed line at zero. */
function Line({ points, titleOf }: { points: readonly Point[]; titleOf: (point: Point) => string }) {
  const times = points.map(({ at }) => Date.parse(at));
  const values = points.map(({ value }) => value);
  const [first, last] = [Math.min(...times), Math.max(...times)];
  const [low, high] = [Math.min(0, ...values), Math.max(0, ...values)];
  const x = (at: string): number =>
    PAD + ((WIDTH - 2 * PAD) * (Date.parse(at) - first)) / Math.max(1, last - first);
  const y = (value: number): number =>
    HEIGHT - PAD - ((HEIGHT - 2 * PAD) * (value - low)) / Math.max(Number.EPSILON, high - low);
  return (
    <>
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
        points={points.map(({ at, value }) => `${x(at).toFixed(1)},${y(value).toFixed(1)}`).join(' ')}
        fill="none"
        stroke="var(--mantine-color-anchor)"
        strokeWidth={2}
        strokeLinejoin="round"
      />
      {points.map((point) => (
        <circle key={point.at} cx={x(point.at)} cy={y(point.value)} r={3} fill="var(--mantine-color-anchor)">
          <title>{titleOf(point)}</title>
        </circle>
      ))}
    </>
  );
}
