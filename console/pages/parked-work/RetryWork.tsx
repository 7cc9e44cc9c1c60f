import { RotateCcw } from 'lucide-react';
import { answerOf, api, type Schemas } from '../../api/client';
import { ActionButton } from '../../common/ActionButton';
import { useAction } from '../../common/use-action';
import { useRefusal } from '../../session/session';

export function RetryWork({ work: { id } }: { work: Schemas['ParkedWork'] }) {
  const refusal = useRefusal('admin');
  const { mutate, isPending } = useAction({
    run: () => answerOf(api.POST('/v1/parked-work/{work_id}/retry', { params: { path: { work_id: id } } })),
    done: () => 'The work continues within half a minute.',
    changes: ['parked-work', 'sync-runs', 'record', 'records'],
  });
  return (
    <ActionButton
      refusal={refusal}
      loading={isPending}
      size="xs"
      variant="default"
      leftSection={<RotateCcw size={14} aria-hidden />}
      onClick={() => mutate()}
    >
      Retry
    </ActionButton>
  );
}
