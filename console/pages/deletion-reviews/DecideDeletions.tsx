import { Trash2, Undo2 } from 'lucide-react';
import { answerOf, api, type Schemas } from '../../api/client';
import { ActionButton } from '../../common/ActionButton';
import { ConfirmedAction } from '../../common/ConfirmedAction';
import { plural } from '../../common/formatting';
import { useAction } from '../../common/use-action';
import { useRefusal } from '../../session/session';

const changes = ['deletion-reviews', 'notifications', 'records', 'record', 'sync-summary'];

/** Approve deletes the records in Syncline; Keep records discards the review. */
export function DecideDeletions({ review }: { review: Schemas['DeletionReview'] }) {
  const roleRefusal = useRefusal('admin');
  const refusal = roleRefusal ?? (review.state === 'pending' ? undefined : `Already ${review.state}.`);
  const params = { path: { deletion_review_id: review.id } };
  const approve = useAction({
    run: () => answerOf(api.POST('/v1/deletion-reviews/{deletion_review_id}/approve', { params })),
    done: 'Records deleted.',
    changes,
  });
  const discard = useAction({
    run: () => answerOf(api.POST('/v1/deletion-reviews/{deletion_review_id}/discard', { params })),
    done: 'Records kept.',
    changes,
  });
  return (
    <>
      <ActionButton
        variant="default"
        leftSection={<Undo2 size={16} aria-hidden />}
        refusal={refusal}
        loading={discard.isPending}
        onClick={() => discard.mutate()}
      >
        Keep records
      </ActionButton>
      <ConfirmedAction
        color="red"
        leftSection={<Trash2 size={16} aria-hidden />}
        refusal={refusal}
        loading={approve.isPending}
        title={`Delete ${plural(review.records_missing, 'record')} in Syncline?`}
        body={
          'Records that are still missing in the app are deleted in Syncline. ' +
          'Other integrations that push them follow the deletion setting of their mapping.'
        }
        confirm="Delete records"
        isDangerous
        onConfirm={() => approve.mutate()}
      >
        Approve deletion
      </ConfirmedAction>
    </>
  );
}
