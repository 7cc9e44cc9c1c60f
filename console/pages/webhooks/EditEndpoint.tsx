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

/** Changes the version that the form was opened with. The API refuses if it has changed since (412). */
export function EditEndpoint(shown: Version) {
  const refusal = useRefusal('admin');
  const [edited, setEdited] = useState<Version>();
  const close = (): void => setEdited(undefined);
  const open = (): void => {
    save.reset();
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
    done: 'Endpoint saved.',
    changes: ['webhooks', 'sync-summary'],
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
      <Modal opened={edited !== undefined} onClose={close} title="Edit webhook endpoint" size="lg">
        <Text size="sm" c="dimmed" mb="sm">
          Events and integrations apply to new events; the URL and the rate also apply to pending deliveries.
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
