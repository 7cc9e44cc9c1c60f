import { useNavigate } from '@tanstack/react-router';
import { Eraser } from 'lucide-react';
import { answerOf, api, type Schemas } from '../../api/client';
import { ActionButton } from '../../common/ActionButton';
import { useAction } from '../../common/use-action';
import { useRefusal } from '../../session/session';

/** Starts the preview of an erasure of one record. */
export function EraseRecord({ record: { id } }: { record: Schemas['Record'] }) {
  const navigate = useNavigate();
  const preview = useAction({
    run: () => answerOf(api.POST('/v1/erasures', { body: { record_ids: [id] } })),
    changes: ['erasures'],
    onDone: (erasure) => void navigate({ to: '/erasures/$erasureId', params: { erasureId: erasure.id } }),
  });
  return (
    <ActionButton
      variant="default"
      leftSection={<Eraser size={16} aria-hidden />}
      refusal={useRefusal('admin')}
      loading={preview.isPending}
      onClick={() => preview.mutate()}
    >
      Preview erasure
    </ActionButton>
  );
}
