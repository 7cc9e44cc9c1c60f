import { Group } from '@mantine/core';
import { answerOf, api, type Schemas } from '../../api/client';
import { ConfirmedAction } from '../../common/ConfirmedAction';
import { plural } from '../../common/formatting';
import { useAction } from '../../common/use-action';
import { useRefusal } from '../../session/session';
import { KIND_LABELS } from './conflict-labels';
import { CHANGED_BY_DECISION } from './DecideConflict';

type Decision = Schemas['SyncConflictDecision'];
type Kind = Schemas['SyncConflictKind'];

/** Decides all open conflicts of an app and a kind alike, when the list shows one app and one kind. */
export function DecideAlike({
  integrationId,
  kind,
}: {
  integrationId: string | undefined;
  kind: Kind | undefined;
}) {
  const refusal = useRefusal('operator');
  const action = useAction({
    run: decideAll,
    done: ({ decided, refused }) =>
      `${plural(decided, 'conflict')} decided.` +
      (refused === 0 ? '' : ` ${plural(refused, 'conflict')} cannot be decided now.`),
    changes: CHANGED_BY_DECISION,
  });
  if (integrationId === undefined || kind === undefined) return null;
  const { title, decisions } = KIND_LABELS[kind];
  return (
    <Group gap="xs">
      {(Object.entries(decisions) as [Decision, string][]).map(([decision, label]) => (
        <ConfirmedAction
          key={decision}
          variant="default"
          refusal={refusal}
          loading={action.isPending}
          title={`${label} for all?`}
          body={`All open conflicts of this app of the kind "${title}" are decided alike.`}
          confirm={label}
          onConfirm={() => action.mutate({ integrationId, kind, decision })}
        >
          {label} for all
        </ConfirmedAction>
      ))}
    </Group>
  );
}

async function decideAll(all: { integrationId: string; kind: Kind; decision: Decision }) {
  const { integrationId, ...body } = all;
  const counts = { decided: 0, refused: 0 };
  for (let cursor: string | null | undefined; cursor !== null;) {
    const page = await answerOf(
      api.POST('/v1/sync-conflicts/decide-alike', {
        body: { integration_id: integrationId, ...body, ...(cursor === undefined ? {} : { cursor }) },
      }),
    );
    counts.decided += page.decided;
    counts.refused += page.refused;
    cursor = page.next_cursor;
  }
  return counts;
}
