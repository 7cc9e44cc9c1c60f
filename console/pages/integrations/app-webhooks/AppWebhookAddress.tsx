import { Modal, Text } from '@mantine/core';
import { useState } from 'react';
import { answerOf, api, type Schemas } from '../../../api/client';
import { ActionButton } from '../../../common/ActionButton';
import { ConfirmedAction } from '../../../common/ConfirmedAction';
import { ShownOnce } from '../../../common/ShownOnce';
import { useAction } from '../../../common/use-action';
import { useRefusal } from '../../../session/session';

interface AppWebhookAddressProps {
  integration: Pick<Schemas['Integration'], 'id' | 'app'>;
  hasAddress: boolean;
  /** Syncline sends the address to the app, so the console does not show it. */
  isSubscribed: boolean;
}

/** Makes the address, or replaces it. It is shown once. */
export function AppWebhookAddress({
  integration: { id, app },
  hasAddress,
  isSubscribed,
}: AppWebhookAddressProps) {
  const [address, setAddress] = useState<string>();
  const close = (): void => setAddress(undefined);
  const make = useAction({
    run: () =>
      answerOf(
        api.POST('/v1/integrations/{integration_id}/incoming-webhooks/address', {
          params: { path: { integration_id: id } },
        }),
      ),
    changes: ['integrations'],
    onDone: (made) => setAddress(isSubscribed ? undefined : made.address),
  });
  const button = { refusal: useRefusal('admin'), loading: make.isPending };
  return (
    <>
      {hasAddress ? (
        <ConfirmedAction
          {...button}
          variant="default"
          title="Replace the address?"
          body={
            isSubscribed
              ? `The present address stops working at once. A run then subscribes with the new address.`
              : `The present address stops working at once: enter the new one in ${app} right away. The secret stays.`
          }
          confirm="Replace address"
          isDangerous
          onConfirm={() => make.mutate()}
        >
          Replace address
        </ConfirmedAction>
      ) : (
        <ActionButton {...button} onClick={() => make.mutate()}>
          Make address
        </ActionButton>
      )}
      <Modal
        opened={address !== undefined}
        onClose={close}
        title={`Address for webhooks of ${app}`}
        closeOnClickOutside={false}
      >
        <ShownOnce
          secret={address ?? ''}
          warning="Copy the address now, as it is not shown again. If you lose it, replace it."
          onClose={close}
        >
          <Text size="sm">Enter it in the settings of {app}, where webhooks are sent to.</Text>
        </ShownOnce>
      </Modal>
    </>
  );
}
