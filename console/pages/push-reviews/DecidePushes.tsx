import { Group } from '@mantine/core';
import { Send, X } from 'lucide-react';
import { answerOf, api, type Schemas } from '../../api/client';
import { ActionButton } from '../../common/ActionButton';
import { ConfirmedAction } from '../../common/ConfirmedAction';
import { plural } from '../../common/formatting';
import { useAction } from '../../common/use-action';
import { useRefusal } from '../../session/session';
import { atLeast } from './review-title';

const changes = ['push-reviews', 'notifications', 'records', 'record', 'pushes'];
type Decision = 'approve' | 'discard';
type Review = Schemas['PushReview'];

/** For all records of a review, or for those of `recordIds`. */
function useDecision(review: Review, recordIds?: string[]) {
  const roleRefusal = useRefusal('admin');
  const action = useAction({
    run: (decision: Decision) =>
      answerOf(
        api.POST(`/v1/push-reviews/{push_review_id}/${decision}`, {
          params: { path: { push_review_id: review.id } },
          body: recordIds === undefined ? {} : { record_ids: recordIds },
        }),
      ),
    done: (_answer, decision) => (decision === 'approve' ? 'Pushes approved.' : 'Pushes discarded.'),
    changes,
  });
  const refusal = roleRefusal ?? (review.state === 'pending' ? undefined : `Already ${review.state}.`);
  return { refusal, loading: action.isPending, decide: (decision: Decision) => action.mutate(decision) };
}

export function DecidePushes({ review }: { review: Review }) {
  const { decide, ...shared } = useDecision(review);
  const waiting = atLeast(review, plural(review.records_waiting, 'push', 'pushes'));
  return (
    <>
      <ConfirmedAction
        {...shared}
        variant="default"
        leftSection={<X size={16} aria-hidden />}
        title={`Discard ${waiting}?`}
        body="Nothing is sent. The records in the app stay as they are, until a later change is pushed."
        confirm="Discard pushes"
        isDangerous
        onConfirm={() => decide('discard')}
      >
        Discard all
      </ConfirmedAction>
      <ConfirmedAction
        {...shared}
        leftSection={<Send size={16} aria-hidden />}
        title={`Approve ${waiting}?`}
        body="The pushes leave at once, with the values that the records have then."
        confirm="Approve pushes"
        onConfirm={() => decide('approve')}
      >
        Approve all
      </ConfirmedAction>
    </>
  );
}

/** Decides about one record; the others still wait. */
export function DecideOnePush({ review, recordId }: { review: Review; recordId: string }) {
  const { decide, ...shared } = useDecision(review, [recordId]);
  return (
    <Group gap="xs">
      <ActionButton {...shared} size="xs" onClick={() => decide('approve')}>
        Approve
      </ActionButton>
      <ActionButton {...shared} size="xs" variant="default" onClick={() => decide('discard')}>
        Discard
      </ActionButton>
    </Group>
  );
}
