import { Badge, Group, Text, Tooltip } from '@mantine/core';
import { CloudUpload, Download } from 'lucide-react';
import type { Schemas } from '../../api/client';
import { statusLabel } from '../../common/StatusBadge';

type Integration = Schemas['Integration'];
type RecordSync = Schemas['RecordSyncOfRecord'];

interface FieldSyncsProps {
  name: string;
  record: Schemas['Record'];
  integrations: readonly Integration[];
}

/** The apps that a field is pushed to or imported from. */
export function FieldSyncs({ name, record, integrations }: FieldSyncsProps) {
  const importing = integrations.filter((one) => {
    const mapping = one.record_types[record.record_type];
    const isImported = mapping !== undefined && mapping.direction !== 'push';
    return isImported && mapping.fields?.some((field) => field.name === name);
  });
  const pushing = record.syncs.filter(({ fields }) => fields.some((field) => field.name === name));
  if (importing.length + pushing.length === 0)
    return (
      <Text size="sm" c="dimmed">
        Not synced
      </Text>
    );
  return (
    <Group gap={6}>
      {pushing.map((sync) => (
        <PushBadge key={sync.integration_id} name={name} sync={sync} />
      ))}
      {importing.map((one) => (
        <Tooltip key={one.id} label={`Imported from ${one.app} (${one.account_name}).`}>
          <Badge color="gray" tabIndex={0} leftSection={<Download size={13} aria-hidden />}>
            {one.app}
          </Badge>
        </Tooltip>
      ))}
    </Group>
  );
}

function PushBadge({ name, sync }: { name: string; sync: RecordSync }) {
  const targets = sync.fields.filter((field) => field.name === name).map((field) => field.to);
  const status = sync.errors.some(({ field }) => field === name) ? 'sync_failed' : sync.status;
  const state = status === null ? 'Not pushed' : `${statusLabel(status)}${sync.is_paused ? ', paused' : ''}`;
  return (
    <Tooltip label={`Pushed to ${sync.app} (${sync.account_name}) as ${targets.join(', ')}. ${state}.`}>
      <Badge
        color={status === 'sync_failed' ? 'red' : 'gray'}
        tabIndex={0}
        leftSection={<CloudUpload size={13} aria-hidden />}
      >
        {sync.app}
      </Badge>
    </Tooltip>
  );
}
