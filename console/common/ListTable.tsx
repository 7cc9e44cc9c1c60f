/** A list that is read page by page: a real table, the next page when its end comes into sight or the button is pressed. */
import { Button, Center, Stack, Table, Text } from '@mantine/core';
import { useIntersection } from '@mantine/hooks';
import type { UseInfiniteQueryResult } from '@tanstack/react-query';
import { type ReactNode, useEffect } from 'react';
import { Loading, ProblemView } from './States';

export interface Column<Row> {
  title: string;
  /** Columns of numbers stand right. */
  isFigure?: boolean;
  /** From which width on it is shown; always unless given. */
  from?: 'sm' | 'md' | 'lg';
  cell: (row: Row) => ReactNode;
}

interface Pages<Row> {
  pages: { data: Row[]; next_cursor: string | null }[];
}

interface ListTableProps<Row> {
  /** What the table lists, for those who cannot see it. */
  label: string;
  query: UseInfiniteQueryResult<Pages<Row>>;
  columns: readonly Column<Row>[];
  rowKey: (row: Row) => string;
  empty: ReactNode;
  /** A filter may answer empty pages before the end: those are asked for at once. */
  isSearch?: boolean;
}

const side = (isFigure: boolean | undefined) => (isFigure ? { className: 'figures' } : {});

export function ListTable<Row>({
  label,
  query,
  columns,
  rowKey,
  empty,
  isSearch = false,
}: ListTableProps<Row>) {
  const { data, error, isPending, hasNextPage, isFetchingNextPage, fetchNextPage, refetch } = query;
  const { ref, entry } = useIntersection({ rootMargin: '400px' });
  const rows = data?.pages.flatMap((page) => page.data) ?? [];
  const isAtEnd = entry?.isIntersecting === true;
  useEffect(() => {
    if (hasNextPage && !isFetchingNextPage && !error && (isAtEnd || (isSearch && rows.length < 50)))
      void fetchNextPage();
  }, [isAtEnd, isSearch, rows.length, hasNextPage, isFetchingNextPage, error, fetchNextPage]);

  if (isPending) return <Loading rows={8} label={`${label}: loading`} />;
  if (data === undefined) return <ProblemView error={error} retry={() => void refetch()} />;
  return (
    <Stack gap="sm">
      {error ? <ProblemView error={error} retry={() => void refetch()} /> : null}
      {rows.length === 0 && !hasNextPage && empty}
      {rows.length > 0 && (
        <Table.ScrollContainer minWidth={300} type="native" tabIndex={0} role="region" aria-label={label}>
          <Table highlightOnHover verticalSpacing="xs" aria-label={label}>
            <Table.Thead>
              <Table.Tr>
                {columns.map(({ title, from, isFigure }) => (
                  <Table.Th key={title} scope="col" visibleFrom={from} {...side(isFigure)}>
                    {title}
                  </Table.Th>
                ))}
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {rows.map((row) => (
                <Table.Tr key={rowKey(row)}>
                  {columns.map(({ title, from, isFigure, cell }) => (
                    <Table.Td key={title} visibleFrom={from} {...side(isFigure)}>
                      {cell(row)}
                    </Table.Td>
                  ))}
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
      <Center ref={ref}>
        {hasNextPage ? (
          <Button variant="default" loading={isFetchingNextPage} onClick={() => void fetchNextPage()}>
            {isSearch && rows.length === 0 ? 'Searching…' : 'Show more'}
          </Button>
        ) : (
          rows.length > 1 && (
            <Text size="sm" c="dimmed">
              All {rows.length.toLocaleString('en-GB')} are shown.
            </Text>
          )
        )}
      </Center>
    </Stack>
  );
}
