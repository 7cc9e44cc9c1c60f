/** Starts an overview or a Sync Now and waits for it with the person. */
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { answerOf, api, asProblem, type Problem, type Schemas } from '../../api/client';

export interface RequestedOperation {
  kind: 'overview' | 'sync_now';
  integration: Schemas['Integration'];
  /** For a Sync Now that applies a reviewed overview. */
  overviewId?: string;
}

export interface StartedOperation {
  isDone: boolean;
  overviewId: string | null;
  syncRunId: string | null;
}

/** About a minute: then the work goes on in the background. */
const WAIT_MS = 60_000;
const PAUSE_MS = 1_000;

/**
 * Waits for the end with as many requests as it takes: each ends before a proxy gives up on it, and one that
 * a proxy has given up on is repeated. They share an Idempotency-Key, so they follow the same operation.
 */
async function follow(requested: RequestedOperation, signal: AbortSignal): Promise<StartedOperation> {
  const until = Date.now() + WAIT_MS;
  const key = crypto.randomUUID();
  for (;;) {
    const started = await request(requested, key, signal).catch((error: unknown) => {
      if (signal.aborted || !isUnanswered(asProblem(error)) || Date.now() >= until) throw error;
    });
    if (started !== undefined && (started.isDone || Date.now() >= until)) return started;
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    signal.throwIfAborted();
  }
}

/** A proxy answered instead of the API, or there was no response: the work may be running. */
const isUnanswered = ({ status, code }: Problem): boolean =>
  code === 'unreachable' ||
  code === 'idempotency_key_in_use' ||
  (code === 'unknown' && [502, 503, 504].includes(status));

async function request(
  { kind, integration, overviewId }: RequestedOperation,
  key: string,
  signal: AbortSignal,
): Promise<StartedOperation> {
  const params = { path: { integration_id: integration.id }, header: { 'Idempotency-Key': key } };
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

/**
 * `stopWaiting` aborts the request but not the operation: the API sees that the client is gone, and sends a
 * notification at the end instead (rules.md 18). Leaving the page does the same.
 */
export function useOperation(requested: RequestedOperation, onDone: (started: StartedOperation) => void) {
  const queryClient = useQueryClient();
  const isStarted = useRef(false);
  const isMounted = useRef(false);
  const [controller] = useState(() => new AbortController());
  const operation = useMutation({
    mutationFn: (input: RequestedOperation) => follow(input, controller.signal),
    onSuccess(started) {
      for (const subject of ['overviews', 'sync-runs', 'record', 'records'])
        void queryClient.invalidateQueries({ queryKey: [subject] });
      if (started.isDone && !controller.signal.aborted) onDone(started);
    },
  });
  const { mutate } = operation;
  useEffect(() => {
    // Only once, however often the effect runs: a second overview would make the first one invalid.
    if (!isStarted.current) mutate(requested);
    isStarted.current = true;
    isMounted.current = true;
    return () => {
      isMounted.current = false;
      // Deferred, because React's strict mode unmounts and mounts again at once.
      setTimeout(() => !isMounted.current && controller.abort());
    };
  }, [mutate, controller, requested]);
  return { started: operation.data, error: operation.error, stopWaiting: () => controller.abort() };
}
