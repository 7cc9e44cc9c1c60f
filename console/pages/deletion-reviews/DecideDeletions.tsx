import { Trash2, Undo2 } from 'lucide-react';
import { answerOf, api, type Schemas } from '../../api/client';
import { ActionButton } from '../../common/ActionButton';
import { ConfirmedAction } from '../../common/ConfirmedAction';
import { plural } from '../../common/formatting';
import { useAction } from '../../common/use-action';
import { useRefusal } from '../../session/session';

const changes = ['deletion-reviews', 'integrations', 'notifications', 'records', 'record', 'sync-summary'];

const WORDS = {
  delete: {
    done: 'Records deleted.',
    kept: 'Records kept.',
    keep: 'Keep records',
    approve: 'Approve deletion',
    confirm: 'Delete records',
    question: (records: string) => `Delete ${records} in Syncline?`,
    body:
      'Records that are still missing in the app are deleted in Syncline. ' +
      'Other integrations that push them follow the deletion setting of their mapping.',
  },
  empty: {
    done: 'Fields emptied.',
    kept: 'Values kept.',
    keep: 'Keep values',
    approve: 'Approve empty fields',
    confirm: 'Empty fields',
    question: (records: string) => `Empty fields of ${records} in Syncline?`,
    body:
      'Fields that are still empty in the app are emptied in Syncline. ' +
      'Other integrations that push them get the empty values.',
  },
  grow: {
    done: 'The new records are being read.',
    kept: 'No further records are stored.',
    keep: 'Store no more',
    approve: 'Approve new records',
    confirm: 'Store records',
    question: (records: string) => `Store ${records} or more in Syncline?`,
    body:
      'The list of the app is read again, and all its new records are stored. ' +
      'Other integrations that push them get them, too.',
  },
};

/** Approve applies the change in Syncline; keep discards the review. */
export function DecideDeletions({ review }: { review: Schemas['DeletionReview'] }) {
  const words = WORDS[review.kind];
  const roleRefusal = useRefusal('admin');
  const refusal = roleRefusal ?? (review.state === 'pending' ? undefined : `Already ${review.state}.`);
  const params = { path: { deletion_review_id: review.id } };
  const approve = useAction({
    run: () => answerOf(api.POST('/v1/deletion-reviews/{deletion_review_id}/approve', { params })),
    done: words.done,
    changes,
  });
  const discard = useAction({
    run: () => answerOf(api.POST('/v1/deletion-reviews/{deletion_review_id}/discard', { params })),
    done: words.kept,
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
        {words.keep}
      </ActionButton>
      <ConfirmedAction
        color="red"
        leftSection={<Trash2 size={16} aria-hidden />}
        refusal={refusal}
        loading={approve.isPending}
        title={words.question(plural(review.records_missing, 'record'))}
        body={words.body}
        confirm={words.confirm}
        isDangerous
        onConfirm={() => approve.mutate()}
      >
        {words.approve}
      </ConfirmedAction>
    </>
  );
}
