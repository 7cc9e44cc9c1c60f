import { Button, Group, Modal, Stack, Text } from '@mantine/core';
import { useState } from 'react';
import { answerOf, api, type Schemas } from '../../../api/client';
import { ActionButton } from '../../../common/ActionButton';
import { plural } from '../../../common/formatting';
import { ProblemView } from '../../../common/States';
import { useAction } from '../../../common/use-action';
import { useIntegrationChange } from '../use-change';
import { TriedRecords } from './TriedRecords';

interface ChangedMappings {
  integration: Schemas['Integration'];
  etag: string;
  mappings: Schemas['Integration']['record_types'];
}

/** Asks the API what the changed mappings affect, without changing anything. */
export function useMappingPreview({ integration, etag, mappings }: ChangedMappings) {
  const [result, setResult] = useState<Schemas['MappingPreview']>();
  const request = useAction({
    run: () =>
      answerOf(
        api.PATCH('/v1/integrations/{integration_id}', {
          params: {
            path: { integration_id: integration.id },
            query: { dry_run: 'true' },
            header: { 'If-Match': etag },
          },
          body: { record_types: mappings },
        }),
      ),
    isQuiet: true,
    onDone: (response) => setResult(response.preview ?? undefined),
  });
  return {
    result,
    error: request.error,
    isPending: request.isPending,
    load: () => request.mutate(),
    close: () => setResult(undefined),
  };
}

interface MappingPreviewProps extends ChangedMappings {
  preview: Schemas['MappingPreview'] | undefined;
  onClose: () => void;
}

const EFFECTS: Record<Schemas['MappingPreview']['effects'][number]['effect'], (records: string) => string> = {
  create: (records) => `${records} would be created in the app`,
  overwrite: (records) => `Values of ${records} would be replaced in the app`,
  deactivate: (records) => `${records} would be deactivated in the app`,
  delete: (records) => `${records} would be deleted in the app`,
};

export function MappingPreview({ preview, integration, etag, mappings, onClose }: MappingPreviewProps) {
  const save = useIntegrationChange({ integration, etag, onDone: onClose });
  return (
    <Modal opened={preview !== undefined} onClose={onClose} size="xl" title="Change the mapping?">
      <Stack>
        {save.error && <ProblemView error={save.error} />}
        <Text>
          {plural(preview?.records_touched ?? 0, 'record')} of{' '}
          {plural(preview?.records_examined ?? 0, 'checked record')} would be pushed again
          {preview?.is_complete === false ? '. There are more records than were checked' : ''}. Pending
          changes keep their grace period.
        </Text>
        {preview?.effects.map(({ record_type, effect, records, waits_for_approval }) => (
          <Text key={`${record_type} ${effect}`}>
            {EFFECTS[effect](plural(records, 'record'))} ({record_type}).
            {waits_for_approval ? ' Nothing is sent until an admin approves it.' : ''}
          </Text>
        ))}
        {preview !== undefined && <TriedRecords integrationId={integration.id} mappings={mappings} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <ActionButton loading={save.isPending} onClick={() => save.mutate({ record_types: mappings })}>
            Change mapping
          </ActionButton>
        </Group>
      </Stack>
    </Modal>
  );
}
