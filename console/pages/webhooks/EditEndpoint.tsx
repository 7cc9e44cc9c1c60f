import { Modal, Text } from '@mantine/core';
import { Pencil } from 'lucide-react';
import { useState } from 'react';
import { answerOf, api, type Schemas } from '../../api/client';
import { ActionButton } from '../../common/ActionButton';
import { useAction } from '../../common/use-action';
import { useRefusal } from '../../session/session';
import { EndpointForm, type EndpointSettings } from './EndpointForm';

interface Version {
  endpoint: Schemas['WebhookEndpoint'];
  etag: string;
}

/** Changes an endpoint from the version at which the form was opened; somebody else's change in between is refused, not overwritten. */
export function EditEndpoint(shown: Version) {
  const refusal = useRefusal('admin');
  const [edited, setEdited] = useState<Version>();
  const close = (): void => setEdited(undefined);
  const open = (): void => {
    save.reset(); // what was refused the last time is not what is there now
    setEdited(shown);
  };
  const save = useAction({
    run: ({ settings, of: { endpoint, etag } }: { settings: EndpointSettings; of: Version }) =>
      answerOf(
        api.PATCH('/v1/webhook-endpoints/{endpoint_id}', {
          params: { path: { endpoint_id: endpoint.id }, header: { 'If-Match': etag } },
          body: settings,
        }),
      ),
    isQuiet: true,
    done: 'Saved.',
    changes: ['webhooks'],
    onDone: close,
  });
  return (
    <>
      <ActionButton
        variant="default"
        leftSection={<Pencil size={16} aria-hidden />}
        refusal={refusal}
        onClick={open}
      >
        Edit
      </ActionButton>
      <Modal opened={edited !== undefined} onClose={close} title="Edit the webhook endpoint" size="lg">
        <Text size="sm" c="dimmed" mb="sm">
          Events and integrations count for what happens from now on; the address and the rate for all that is
          still to be sent.
        </Text>
        {edited !== undefined && (
          <EndpointForm
            endpoint={edited.endpoint}
            submitLabel="Save"
            isPending={save.isPending}
            error={save.error}
            onSubmit={(settings) => save.mutate({ settings, of: edited })}
            onClose={close}
          />
        )}
      </Modal>
    </>
  );
}
