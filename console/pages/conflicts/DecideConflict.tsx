import { Group } from '@mantine/core';
import { answerOf, api, type Schemas } from '../../api/client';
import { ActionButton } from '../../common/ActionButton';
import { useAction } from '../../common/use-action';
import { useRefusal } from '../../session/session';
import { decisionLabel } from './conflict-labels';

export const CHANGED_BY_DECISION = ['conflicts', 'records', 'record', 'sync-summary'];

/** A button for each possible decision. */
export function DecideConflict({ conflict }: { conflict: Schemas['SyncConflict'] }) {
  const refusal = useRefusal('operator');
  const action = useAction({
    run: (decision: Schemas['SyncConflictDecision']) =>
      answerOf(
        api.POST('/v1/sync-conflicts/{sync_conflict_id}/decide', {
          params: { path: { sync_conflict_id: conflict.id } },
          body: { decision },
        }),
      ),
    done: ({ state }) =>
      state === 'decided' ? 'Conflict decided.' : 'The record was changed since. The conflict has ended.',
    changes: CHANGED_BY_DECISION,
  });
  return (
    <Group gap="xs">
      {conflict.decisions.map((decision) => (
        <ActionButton
          key={decision}
          size="xs"
          variant="default"
          refusal={refusal}
          loading={action.isPending}
          onClick={() => action.mutate(decision)}
        >
          {decisionLabel(conflict.kind, decision)}
        </ActionButton>
      ))}
    </Group>
  );
}
