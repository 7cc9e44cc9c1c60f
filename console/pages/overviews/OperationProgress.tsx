import { Progress, Text } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { overviewsQuery, syncRunsQuery } from '../../api/queries';
import { plural, toNumber } from '../../common/formatting';
import { toClock, useNow } from '../../common/time';
import type { RequestedOperation } from './use-operation';

const POLL_INTERVAL_MS = 1_000;

interface ReadRecords {
  read: number;
  /** null = unknown. */
  expected: number | null;
}

export function OperationProgress({ requested, since }: { requested: RequestedOperation; since: number }) {
  const { read, expected } = useReadRecords(requested);
  const now = useNow();
  const records =
    read === 0
      ? 'In progress'
      : expected === null
        ? `${plural(read, 'record')} read`
        : `${toNumber(read)} of ${plural(expected, 'record')} read`;
  return (
    <>
      <Progress
        value={expected === null || expected === 0 ? 100 : Math.min(100, (100 * read) / expected)}
        animated
        aria-label="Progress"
      />
      <Text size="sm">
        {records}, {toClock(now - since)} so far. You can close this dialogue; the work continues.
      </Text>
    </>
  );
}

/** Of the newest overview, or of the run in progress. */
function useReadRecords({ kind, integration }: RequestedOperation): ReadRecords {
  const filter = { integration_id: integration.id };
  const isOverview = kind === 'overview';
  const overviews = useInfiniteQuery({
    ...overviewsQuery(filter),
    enabled: isOverview,
    refetchInterval: POLL_INTERVAL_MS,
  });
  const runs = useInfiniteQuery({
    ...syncRunsQuery(filter),
    enabled: !isOverview,
    refetchInterval: POLL_INTERVAL_MS,
  });
  if (!isOverview) {
    const run = runs.data?.pages[0]?.data.find((one) => !one.is_sync_finished);
    return { read: run?.progress.records_read ?? 0, expected: run?.progress.expected_records ?? null };
  }
  const [overview] = overviews.data?.pages[0]?.data ?? [];
  return (overview?.datasets ?? []).reduce<ReadRecords>(
    (sum, { records_read: read, expected_records: expected }) => ({
      read: sum.read + read,
      expected: sum.expected === null || expected === null ? null : sum.expected + expected,
    }),
    { read: 0, expected: overview === undefined ? null : 0 },
  );
}
