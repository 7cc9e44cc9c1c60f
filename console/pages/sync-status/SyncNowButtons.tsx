import { useNavigate } from '@tanstack/react-router';
import { CalendarSync, RefreshCcw } from 'lucide-react';
import { answerOf, api, type Schemas } from '../../api/client';
import { ActionButton } from '../../common/ActionButton';
import { ConfirmedAction } from '../../common/ConfirmedAction';
import { useAction } from '../../common/use-action';
import { useRefusal } from '../../session/session';

type Integration = Schemas['Integration'];
const nameOf = ({ app, account_name: account }: Integration): string => `${app} (${account})`;

/** Imports from an app now: the changes of the last day, or everything. */
export function SyncNowButtons({ integration }: { integration: Integration }) {
  const refusal = useImportRefusal(integration);
  const start = useStartRun(integration);
  return (
    <>
      <ActionButton
        leftSection={<CalendarSync size={14} aria-hidden />}
        refusal={refusal}
        loading={start.isPending}
        onClick={() => start.mutate('last_day')}
      >
        Sync changes from last day
      </ActionButton>
      <ConfirmedAction
        variant="default"
        leftSection={<RefreshCcw size={14} aria-hidden />}
        refusal={refusal}
        loading={start.isPending}
        title={`Full sync of ${nameOf(integration)}?`}
        body={
          'All records are read again, which takes longer and uses more of the request limit of the app. ' +
          'Records missing in the app are deleted in Syncline; if there are many, an admin must approve it.'
        }
        confirm="Start full sync"
        onConfirm={() => start.mutate('full')}
      >
        Full sync
      </ConfirmedAction>
    </>
  );
}

function useImportRefusal({ app, state }: Integration): string | undefined {
  const refusal = useRefusal('operator');
  if (refusal !== undefined) return refusal;
  if (state === 'paused') return `${app} is paused. Resume it to sync.`;
  return state === 'needs_reauthorization' ? `${app} needs new credentials first.` : undefined;
}

function useStartRun(integration: Integration) {
  const navigate = useNavigate();
  const name = nameOf(integration);
  const messages = {
    last_day: `An incremental sync for the changes made within the last day was kicked off for ${name}.`,
    full: `A full sync was kicked off for ${name}.`,
  };
  return useAction({
    run: (kind: 'last_day' | 'full') =>
      answerOf(
        api.POST('/v1/integrations/{integration_id}/sync-runs', {
          params: { path: { integration_id: integration.id } },
          body: { kind },
        }),
      ),
    done: ({ coalesced }, kind) =>
      coalesced ? `A sync of ${name} that covers this is already in progress.` : messages[kind],
    changes: ['sync-runs', 'sync-status'],
    onDone: ({ id }) => void navigate({ to: '/sync-runs/$syncRunId', params: { syncRunId: id } }),
  });
}
