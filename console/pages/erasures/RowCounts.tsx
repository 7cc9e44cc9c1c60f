import { Text } from '@mantine/core';
import { toNumber, toWords } from '../../common/formatting';
import { type Column, RowsTable } from '../../common/RowsTable';

interface RowCountsProps {
  /** Rows by the kind of data. */
  counts: Readonly<Record<string, number>>;
  /** What the counts mean: `Found`, `Erased`. */
  figure: string;
}

export function RowCounts({ counts, figure }: RowCountsProps) {
  const rows = Object.entries(counts).toSorted(
    ([a], [b]) => Number(b === 'records') - Number(a === 'records'),
  );
  if (rows.length === 0) return <Text c="dimmed">Nothing yet.</Text>;
  const columns: Column<[string, number]>[] = [
    { title: 'Kind of data', cell: ([kind]) => toWords(kind) },
    { title: figure, isFigure: true, cell: ([, count]) => toNumber(count) },
  ];
  return <RowsTable label="Kinds of data" columns={columns} rows={rows} rowKey={([kind]) => kind} />;
}
