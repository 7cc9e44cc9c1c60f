import { useNavigate } from '@tanstack/react-router';
import { CalendarSync, RefreshCcw } from 'lucide-react';
import { answerOf, api, type Schemas } from '../../api/client';
import { ActionButton } from '../../common/ActionButton';
import { useConfirm } from '../../common/Confirm';
import { useAction } from '../../common/use-action';
import { useRefusal } from '../../session/session';

/** Reads from a third party now: the changes of the last day, or everything. */
export function SyncNowButtons({
  integration,
  size = 'sm',
}: {
  integration: Schemas['Integration'];
  size?: string;
}) {
  const { ask, dialogue } = useConfirm();
  const navigate = useNavigate();
  const name = `${integration.app} (${integration.account_name})`;
  const refusal =
    useRefusal('operator') ??
    (integration.state === 'paused'
      ? 'The integration is paused. Resume it to sync.'
      : integration.state === 'needs_reauthorization'
        ? 'It needs new credentials first.'
        : undefined);
  const start = useAction({
    run: (kind: 'last_day' | 'full') =>
      answerOf(
        api.POST('/v1/integrations/{integration_id}/sync-runs', {
          params: { path: { integration_id: integration.id } },
          body: { kind },
        }),
      ),
    done: ({ coalesced }, kind) =>
      coalesced
        ? 'A sync that covers this is under way already; it is shown here.'
        : kind === 'last_day'
          ? `An incremental sync for the changes made within the last day was kicked off for ${name}.`
          : `A full sync was kicked off for ${name}.`,
    changes: ['sync-runs', 'sync-status'],
    onDone: ({ id }) => void navigate({ to: '/sync-runs/$syncRunId', params: { syncRunId: id } }),
  });
  return (
    <>
      <ActionButton
        size={size}
        leftSection={<CalendarSync size={14} aria-hidden />}
        refusal={refusal}
        loading={start.isPending}
        onClick={() => start.mutate('last_day')}
      >
        Sync changes from last day
      </ActionButton>
      <ActionButton
        size={size}
        variant="default"
        leftSection={<RefreshCcw size={14} aria-hidden />}
        refusal={refusal}
        loading={start.isPending}
        onClick={() =>
          ask({
            title: `Full sync of ${name}?`,
            body: 'All records are read again, which takes longer and uses more of its request limit. Records that are gone there are deleted here, unless there are so many that somebody has to approve it.',
            confirm: 'Start full sync',
            act: () => start.mutate('full'),
          })
        }
      >
        Full sync
      </ActionButton>
      {dialogue}
    </>
  );
}
