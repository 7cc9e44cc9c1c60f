/** The figures of a run: a table for people, then one line of JSON for programs. */
export interface Line {
  what: string;
  value: number;
  unit: string;
  /** The comparison: a peer or a limit of the same run, or details of the figure. */
  beside?: string;
  goal?: { atLeast: number } | { atMost: number };
}

export interface Report {
  title: string;
  lines: Line[];
  /** What the last line of the output holds. */
  figures: Record<string, unknown>;
}

export interface BenchmarkOptions {
  /** Smaller amounts, for a run of half a minute with rough ratios. */
  isQuick: boolean;
}

export function printReport({ title, lines, figures }: Report): void {
  const rows = lines.map((line) => [
    line.what,
    `${format(line.value)} ${line.unit}`.trim(),
    line.goal === undefined ? '' : goalOf(line.goal),
    decisionOf(line),
    line.beside ?? '',
  ]);
  const table = [['figure', 'measured', 'goal', '', 'beside'], ...rows];
  const widths = [0, 1, 2, 3].map((column) =>
    Math.max(...table.map((row) => (row[column] as string).length)),
  );
  console.log(`\n${title}\n`);
  for (const row of table)
    console.log(
      `  ${row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd()}`,
    );
  const missed = lines.filter((line) => decisionOf(line) === 'missed');
  console.log(
    missed.length === 0
      ? '\nEvery goal was reached.'
      : `\nMissed: ${missed.map(({ what }) => what).join('; ')}.`,
  );
  console.log(JSON.stringify({ ...figures, missed: missed.length }));
}

const format = (value: number): string =>
  value.toLocaleString('en-US', { maximumFractionDigits: value < 10 ? 3 : 0 });

const goalOf = (goal: { atLeast: number } | { atMost: number }): string =>
  'atLeast' in goal ? `at least ${format(goal.atLeast)}` : `at most ${format(goal.atMost)}`;

function decisionOf({ value, goal }: Line): string {
  if (goal === undefined) return '';
  const isReached = 'atLeast' in goal ? value >= goal.atLeast : value <= goal.atMost;
  return isReached ? 'reached' : 'missed';
}
