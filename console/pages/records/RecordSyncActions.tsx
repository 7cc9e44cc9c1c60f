import { Group } from '@mantine/core';
import { CircleStop, RotateCw, Send, X } from 'lucide-react';
import { answerOf, api, type Schemas } from '../../api/client';
import { ActionButton } from '../../common/ActionButton';
import { ConfirmedAction } from '../../common/ConfirmedAction';
import { useAction } from '../../common/use-action';
import { useRefusal } from '../../session/session';

type RecordSync = Schemas['RecordSyncOfRecord'];
type Action = 'push-now' | 'hold' | 'release' | 'discard' | 'retry';

interface RecordSyncActionsProps {
  record: Schemas['Record'];
  sync: RecordSync;
}

/** Push or retry now, hold or release, and discard. */
export function RecordSyncActions(props: RecordSyncActionsProps) {
  const { sync } = props;
  const refusals = useRefusals(sync);
  const action = useRecordSyncAction(props);
  const push: Action = sync.status === 'sync_failed' ? 'retry' : 'push-now';
  const hold: Action = sync.held_at === null ? 'hold' : 'release';
  const shared = { size: 'xs', loading: action.isPending } as const;
  return (
    <Group gap="xs">
      <ActionButton
        {...shared}
        leftSection={push === 'retry' ? <RotateCw size={14} aria-hidden /> : <Send size={14} aria-hidden />}
        refusal={refusals.push}
        onClick={() => action.mutate(push)}
      >
        {push === 'retry' ? 'Retry now' : 'Push now'}
      </ActionButton>
      <ActionButton
        {...shared}
        variant="default"
        leftSection={<CircleStop size={14} aria-hidden />}
        refusal={refusals.hold}
        onClick={() => action.mutate(hold)}
      >
        {hold === 'hold' ? 'Hold' : 'Release'}
      </ActionButton>
      <ConfirmedAction
        {...shared}
        variant="default"
        leftSection={<X size={14} aria-hidden />}
        refusal={refusals.discard}
        title={`Discard the pending changes for ${sync.app}?`}
        body={
          `The changes stay in Syncline, but are not pushed to ${sync.app}. ` +
          'The next change to a mapped field pushes the whole record.'
        }
        confirm="Discard"
        isDangerous
        onConfirm={() => action.mutate('discard')}
      >
        Discard
      </ConfirmedAction>
    </Group>
  );
}

function useRecordSyncAction({ record, sync }: RecordSyncActionsProps) {
  const messages: Record<Action, string> = {
    'push-now': `Push to ${sync.app} started.`,
    hold: `Changes for ${sync.app} are held until you release them.`,
    release: `Changes for ${sync.app} are released.`,
    discard: `Pending changes for ${sync.app} discarded.`,
    retry: `Retry of the push to ${sync.app} started.`,
  };
  return useAction({
    run: (name: Action) =>
      answerOf(
        api.POST(`/v1/integrations/{integration_id}/records/{record_type}/{external_id}/${name}`, {
          params: {
            path: {
              integration_id: sync.integration_id,
              record_type: record.record_type,
              external_id: record.external_id,
            },
          },
        }),
      ),
    done: (_answer, name) => messages[name],
    changes: ['record', 'records', 'pushes'],
  });
}

/** Why each action is not possible now; undefined if it is. */
function useRefusals(sync: RecordSync): Record<'push' | 'hold' | 'discard', string | undefined> {
  const refusal = useRefusal('operator');
  const isPending = sync.status === 'sync_pending';
  const isWaiting = sync.status === 'sync_failed' || sync.next_attempt_at !== null;
  const isHeld = sync.held_at !== null;
  const noChanges = 'There are no pending changes.';
  const inReview = sync.push_review_id === null ? undefined : 'It waits for the approval of an admin.';
  const paused = sync.is_paused ? `${sync.app} is paused. Resume it first.` : undefined;
  return {
    push: refusal ?? inReview ?? paused ?? (isPending || isWaiting ? undefined : noChanges),
    hold: refusal ?? inReview ?? (isPending || isHeld ? undefined : noChanges),
    discard: refusal ?? (isPending ? undefined : noChanges),
  };
}
