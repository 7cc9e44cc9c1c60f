/** Starts an overview or a Sync Now and waits for it with the person. */
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { answerOf, api, type Schemas } from '../../api/client';

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

async function start(
  { kind, integration, overviewId }: RequestedOperation,
  signal: AbortSignal,
): Promise<StartedOperation> {
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
    mutationFn: (input: RequestedOperation) => start(input, controller.signal),
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
