import { Alert, Text } from '@mantine/core';
import { Ban, Clock } from 'lucide-react';
import type { Schemas } from '../../api/client';
import { toActor } from '../../common/formatting';
import { RouterLink } from '../../common/RouterLink';
import { Instant } from '../../common/Time';

/** Whether the run was canceled, waits, or follows another one. */
export function RunNotes({ run }: { run: Schemas['SyncRun'] }) {
  return (
    <>
      {run.cancel_requested_at !== null && (
        <Alert variant="light" color="gray" icon={<Ban aria-hidden />}>
          {run.is_sync_finished ? 'Canceled' : 'Being canceled'} by {toActor(run.canceled_by ?? '')},
          requested <Instant at={run.cancel_requested_at} />.
        </Alert>
      )}
      {run.state === 'waiting' && (
        <Alert variant="light" color="yellow" icon={<Clock aria-hidden />}>
          The run is waiting and continues automatically. The jobs below show the reason.
        </Alert>
      )}
      {run.follows_sync_run_id !== null && (
        <Text size="sm">
          This run follows{' '}
          <RouterLink
            to="/sync-runs/$syncRunId"
            params={{ syncRunId: run.follows_sync_run_id }}
            underline="always"
          >
            another run
          </RouterLink>
          , which was in progress when this one was requested.
        </Text>
      )}
    </>
  );
}
