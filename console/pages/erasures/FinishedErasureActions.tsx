import { Button } from '@mantine/core';
import { Download, Undo2 } from 'lucide-react';
import { answerOf, api, type Schemas } from '../../api/client';
import { ConfirmedAction } from '../../common/ConfirmedAction';
import { useAction } from '../../common/use-action';
import { useRefusal } from '../../session/session';

/** The receipt as a file, and the end of the block. */
export function FinishedErasureActions({
  erasure: { id, lifted_at: liftedAt },
}: {
  erasure: Schemas['Erasure'];
}) {
  const roleRefusal = useRefusal('admin');
  const lift = useAction({
    run: () => answerOf(api.POST('/v1/erasures/{erasure_id}/lift', { params: { path: { erasure_id: id } } })),
    done: 'The block of this erasure is lifted.',
    changes: ['erasures'],
  });
  return (
    <>
      <Button
        component="a"
        href={`/console/v1/erasures/${id}`}
        download={`erasure-receipt-${id}.json`}
        variant="default"
        leftSection={<Download size={16} aria-hidden />}
      >
        Download receipt
      </Button>
      <ConfirmedAction
        variant="default"
        leftSection={<Undo2 size={16} aria-hidden />}
        refusal={roleRefusal ?? (liftedAt === null ? undefined : 'The block was already lifted.')}
        loading={lift.isPending}
        title="Let the erased records come back?"
        body={
          'The records can be created again, and the next full sync imports them from apps that still have ' +
          'them, unless another erasure blocks them. What was erased is not restored. The receipt stays.'
        }
        confirm="Lift block"
        onConfirm={() => lift.mutate()}
      >
        Lift block
      </ConfirmedAction>
    </>
  );
}
