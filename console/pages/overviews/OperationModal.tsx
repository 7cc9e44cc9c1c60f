/**
 * Waits with the person for an overview or a Sync Now. The API answers within a minute when it is done by then; otherwise the work goes on
 * in the background, and whoever started it is notified. Closing cancels nothing: the work goes on, and the API hears that nobody waits for
 * its answer any more, so that it tells by notification (rules.md 18).
 */
import { Button, Group, Modal, Progress, Stack, Text } from '@mantine/core';
import { useInfiniteQuery, useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useEffect, useRef, useState } from 'react';
import { answerOf, api, type Schemas } from '../../api/client';
import { overviewsQuery, syncRunsQuery } from '../../api/queries';
import { ProblemView } from '../../common/States';
import { toClock, useNow } from '../../common/time';
import { plural, toNumber } from '../../common/formatting';

export interface Work {
  kind: 'overview' | 'sync_now';
  integration: Schemas['Integration'];
  /** For a Sync Now that applies what was reviewed, and nothing else. */
  overviewId?: string;
}

interface Outcome {
  isDone: boolean;
  overviewId: string | null;
  syncRunId: string | null;
}

async function start({ kind, integration, overviewId }: Work, signal: AbortSignal): Promise<Outcome> {
  const params = { path: { integration_id: integration.id } };
  if (kind === 'overview') {
    const { operation, overview } = await answerOf(
      api.POST('/v1/integrations/{integration_id}/overviews', { params, body: {}, signal }),
    );
    return { isDone: operation.ended_at !== null, overviewId: overview.id, syncRunId: null };
  }
  const { operation, sync_run: run } = await answerOf(
    api.POST('/v1/integrations/{integration_id}/sync-now', {
      params,
      body: overviewId === undefined ? {} : { overview_id: overviewId },
      signal,
    }),
  );
  return { isDone: operation.ended_at !== null, overviewId: null, syncRunId: run.id };
}

export function OperationModal({ work, onClose }: { work: Work; onClose: () => void }) {
  const queryClient = useQueryClient();
  const navigate = useNavigate();
  const [startedAt] = useState(() => Date.now());
  const isStarted = useRef(false);
  const isThere = useRef(false);
  const [waiting] = useState(() => new AbortController());
  const operation = useMutation({
    mutationFn: (asked: Work) => start(asked, waiting.signal),
    onSuccess({ isDone, ...outcome }) {
      for (const subject of ['overviews', 'sync-runs', 'record', 'records'])
        void queryClient.invalidateQueries({ queryKey: [subject] });
      if (isDone && !waiting.signal.aborted) open(outcome);
    },
  });
  const { mutate } = operation;
  useEffect(() => {
    // Once, however often the page is drawn: a second overview would make the first one invalid.
    if (!isStarted.current) mutate(work);
    isStarted.current = true;
    isThere.current = true;
    return () => {
      isThere.current = false;
      // Who goes to another page waits no more, either. (React takes it down and up again at once while it is developed.)
      setTimeout(() => !isThere.current && waiting.abort());
    };
  }, [mutate, waiting, work]);

  const open = ({ overviewId, syncRunId }: Omit<Outcome, 'isDone'>): void => {
    close();
    if (syncRunId !== null) void navigate({ to: '/sync-runs/$syncRunId', params: { syncRunId } });
    else if (overviewId !== null) void navigate({ to: '/overviews/$overviewId', params: { overviewId } });
  };
  const close = (): void => {
    waiting.abort();
    onClose();
  };
  const title =
    work.kind === 'overview'
      ? `Sync Overview of ${work.integration.app}`
      : `Sync Now: ${work.integration.app}`;
  const inBackground = operation.data !== undefined && !operation.data.isDone;
  return (
    <Modal opened onClose={close} title={title} closeOnClickOutside={false}>
      <Stack aria-live="polite">
        {operation.error ? (
          <ProblemView error={operation.error} />
        ) : inBackground ? (
          <Text>
            {work.kind === 'overview' ? 'The overview' : 'The sync'} is processing in the background. You will
            be sent a notification when it is finished.
          </Text>
        ) : (
          <Under work={work} since={startedAt} />
        )}
        <Group justify="flex-end">
          {operation.data !== undefined && (
            <Button variant="default" onClick={() => open(operation.data)}>
              {work.kind === 'overview' ? 'Follow it' : 'Sync Log'}
            </Button>
          )}
          <Button onClick={close} data-autofocus>
            Close
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}

function Under({ work, since }: { work: Work; since: number }) {
  const filter = { integration_id: work.integration.id };
  const overviews = useInfiniteQuery({
    ...overviewsQuery(filter),
    enabled: work.kind === 'overview',
    refetchInterval: 1_000,
  });
  const runs = useInfiniteQuery({
    ...syncRunsQuery(filter),
    enabled: work.kind === 'sync_now',
    refetchInterval: 1_000,
  });
  const overview = overviews.data?.pages[0]?.data[0];
  const run = runs.data?.pages[0]?.data.find((one) => !one.is_sync_finished);
  const read =
    work.kind === 'overview'
      ? (overview?.datasets.reduce((sum, { records_read: count }) => sum + count, 0) ?? 0)
      : (run?.progress.records_read ?? 0);
  const counts =
    work.kind === 'overview'
      ? (overview?.datasets.map(({ expected_records: count }) => count) ?? [null])
      : [run?.progress.expected_records ?? null];
  const expected = counts.includes(null)
    ? null
    : counts.reduce<number>((sum, count) => sum + (count ?? 0), 0);
  const now = useNow();
  return (
    <>
      <Progress
        value={expected === null || expected === 0 ? 100 : Math.min(100, (100 * read) / expected)}
        animated
        aria-label="Progress"
      />
      <Text size="sm">
        {read === 0
          ? 'Under way'
          : expected === null
            ? `${plural(read, 'record')} looked at`
            : `${toNumber(read)} of ${plural(expected, 'record')} looked at`}
        , {toClock(now - since)} so far. You can close this; it goes on.
      </Text>
    </>
  );
}
