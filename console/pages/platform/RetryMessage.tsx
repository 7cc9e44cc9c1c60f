import { RotateCcw } from 'lucide-react';
import { answerOf, api, type Schemas } from '../../api/client';
import { ActionButton } from '../../common/ActionButton';
import { useAction } from '../../common/use-action';

/** Sends a refused message again without waiting for its next attempt. */
export function RetryMessage({ message: { id } }: { message: Schemas['RefusedMessage'] }) {
  const { mutate, isPending } = useAction({
    run: () =>
      answerOf(api.POST('/v1/platform/outbox/{message_id}/retry', { params: { path: { message_id: id } } })),
    done: 'The message is sent again now.',
    changes: ['platform-outbox'],
  });
  return (
    <ActionButton
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
