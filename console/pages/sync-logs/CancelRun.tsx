import { Ban } from 'lucide-react';
import { answerOf, api, type Schemas } from '../../api/client';
import { ConfirmedAction } from '../../common/ConfirmedAction';
import { plural } from '../../common/formatting';
import { useAction } from '../../common/use-action';
import { useRefusal } from '../../session/session';

export function CancelRun({ run }: { run: Schemas['SyncRun'] }) {
  const roleRefusal = useRefusal('operator');
  const cancel = useAction({
    run: () =>
      answerOf(api.POST('/v1/sync-runs/{sync_run_id}/cancel', { params: { path: { sync_run_id: run.id } } })),
    done: 'The sync run is being canceled. Imported changes are kept.',
    changes: ['sync-runs'],
  });
  const stateRefusal = run.is_sync_finished
    ? 'The sync run has ended.'
    : run.cancel_requested_at === null
      ? undefined
      : 'The sync run is already being canceled.';
  return (
    <ConfirmedAction
      variant="default"
      leftSection={<Ban size={16} aria-hidden />}
      refusal={roleRefusal ?? stateRefusal}
      loading={cancel.isPending}
      title="Cancel this sync run?"
      body={
        `It has read ${plural(run.progress.records_read, 'record')} so far; imported changes are kept. ` +
        'The next full sync finds deletions.'
      }
      confirm="Cancel sync run"
      isDangerous
      onConfirm={() => cancel.mutate()}
    >
      Cancel run
    </ConfirmedAction>
  );
}
