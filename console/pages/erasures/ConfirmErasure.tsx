import { List, Modal, Text } from '@mantine/core';
import { Eraser } from 'lucide-react';
import { useState } from 'react';
import { answerOf, api, type Schemas } from '../../api/client';
import { ActionButton } from '../../common/ActionButton';
import { ConfirmByTyping } from './ConfirmByTyping';
import { plural } from '../../common/formatting';
import { useAction } from '../../common/use-action';
import { useRefusal } from '../../session/session';
import { useIntegrationNames } from '../integrations/use-integration-names';
import { actionLabel, type ErasureActions, isNothingFound } from './erasure-actions';

interface ConfirmErasureProps {
  erasure: Schemas['Erasure'];
  actions: ErasureActions;
}

/** A button, and a dialogue in which the number of records has to be typed. */
export function ConfirmErasure(props: ConfirmErasureProps) {
  const [isOpen, setOpen] = useState(false);
  const { erasure } = props;
  const refusal = useRefusal('admin') ?? (isNothingFound(erasure) ? 'Nothing was found.' : undefined);
  const close = (): void => setOpen(false);
  return (
    <>
      <ActionButton
        color="red"
        leftSection={<Eraser size={16} aria-hidden />}
        refusal={refusal}
        onClick={() => setOpen(true)}
      >
        Erase
      </ActionButton>
      <Modal opened={isOpen} onClose={close} title={`Erase ${plural(erasure.records, 'record')}?`}>
        <Confirmation {...props} onClose={close} />
      </Modal>
    </>
  );
}

function Confirmation({ erasure, actions, onClose }: ConfirmErasureProps & { onClose: () => void }) {
  const [typed, setTyped] = useState('');
  const { id, records, integrations } = erasure;
  const confirm = useAction({
    run: () =>
      answerOf(
        api.POST('/v1/erasures/{erasure_id}/confirm', {
          params: { path: { erasure_id: id } },
          body: {
            records,
            integrations: integrations.map(({ integration_id: integrationId }) => ({
              integration_id: integrationId,
              action: actions[integrationId] ?? 'keep',
            })),
          },
        }),
      ),
    isQuiet: true,
    done: 'The erasure has begun.',
    changes: ['erasures', 'records', 'record'],
    onDone: onClose,
  });
  return (
    <ConfirmByTyping
      action={confirm}
      confirm="Erase records"
      expected={String(records)}
      what="number of records"
      inputMode="numeric"
      typed={typed}
      isTyped={typed.trim() === String(records)}
      onType={setTyped}
      onClose={onClose}
    >
      <Consequences erasure={erasure} actions={actions} />
    </ConfirmByTyping>
  );
}

function Consequences({ erasure: { records, integrations }, actions }: ConfirmErasureProps) {
  const { nameOf } = useIntegrationNames();
  return (
    <>
      <Text>
        {records === 0
          ? 'No record has the address. It is erased from messages in Syncline. This cannot be undone.'
          : 'The records and everything that names them are erased in Syncline. This cannot be undone. ' +
            'Syncs do not bring them back.'}
      </Text>
      {integrations.length > 0 && (
        <List size="sm">
          {integrations.map(({ integration_id: id, records: atApp }) => (
            <List.Item key={id}>
              {nameOf(id)}: {actionLabel(actions[id] ?? 'keep').toLowerCase()} {plural(atApp, 'record')}
            </List.Item>
          ))}
        </List>
      )}
    </>
  );
}
