/** A list that is read page by page. The next page is read when its end comes into view or on request. */
import { Button, Center, Stack, Text } from '@mantine/core';
import { useIntersection } from '@mantine/hooks';
import type { UseInfiniteQueryResult } from '@tanstack/react-query';
import { type ReactNode, useEffect } from 'react';
import { type Column, RowsTable } from './RowsTable';
import { Loading, ProblemView } from './States';

export type { Column };

interface Pages<Row> {
  pages: { data: Row[]; next_cursor: string | null }[];
}

interface ListTableProps<Row> {
  /** What the table lists, for screen readers. */
  label: string;
  query: UseInfiniteQueryResult<Pages<Row>>;
  columns: readonly Column<Row>[];
  rowKey: (row: Row) => string;
  empty: ReactNode;
  /** A filter may answer empty pages before the end of the list; the next one is then read at once. */
  isSearch?: boolean;
}

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
      {rows.length > 0 && <RowsTable label={label} columns={columns} rows={rows} rowKey={rowKey} />}
      <Center ref={ref}>
        {hasNextPage ? (
          <Button variant="default" loading={isFetchingNextPage} onClick={() => void fetchNextPage()}>
            {isSearch && rows.length === 0 ? 'Searching…' : 'Show more'}
          </Button>
        ) : (
          rows.length > 1 && (
            <Text size="sm" c="dimmed">
              {rows.length.toLocaleString('en-GB')} in total
            </Text>
          )
        )}
      </Center>
    </Stack>
  );
}
