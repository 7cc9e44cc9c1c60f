/** A table with a row for each item. Columns that are not needed on narrow screens are left out there. */
import { Table } from '@mantine/core';
import type { ReactNode } from 'react';

export interface Column<Row> {
  title: string;
  /** Numbers are aligned to the right. */
  isFigure?: boolean;
  /** The narrowest screen the column is shown on; shown on all unless given. */
  from?: 'sm' | 'md' | 'lg';
  cell: (row: Row) => ReactNode;
}

const alignment = (isFigure: boolean | undefined) => (isFigure ? { className: 'figures' } : {});

export function RowsTable<Row>({
  label,
  columns,
  rows,
  rowKey,
}: {
  /** What the table lists, for screen readers. */
  label: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  rowKey: (row: Row) => string;
}) {
  return (
    <Table.ScrollContainer minWidth={300} type="native" tabIndex={0} role="region" aria-label={label}>
      <Table highlightOnHover verticalSpacing="xs" aria-label={label}>
        <Table.Thead>
          <Table.Tr>
            {columns.map(({ title, from, isFigure }) => (
              <Table.Th key={title} scope="col" visibleFrom={from} {...alignment(isFigure)}>
                {title}
              </Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {rows.map((row) => (
            <Table.Tr key={rowKey(row)}>
              {columns.map(({ title, from, isFigure, cell }) => (
                <Table.Td key={title} visibleFrom={from} {...alignment(isFigure)}>
                  {cell(row)}
                </Table.Td>
              ))}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}
