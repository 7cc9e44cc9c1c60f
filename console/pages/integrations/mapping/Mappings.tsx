/** Field mappings by record type. A preview shows how many records a change affects (rules.md 15). */
import { Group, Select, Stack } from '@mantine/core';
import { Plus } from 'lucide-react';
import { useState } from 'react';
import type { Schemas } from '../../../api/client';
import { ActionButton } from '../../../common/ActionButton';
import { Empty, ProblemView } from '../../../common/States';
import { useRefusal } from '../../../session/session';
import type { Mapping } from './mapping-props';
import { MappingOfType } from './MappingOfType';
import { MappingPreview, useMappingPreview } from './MappingPreview';

type Mappings = Schemas['Integration']['record_types'];

interface MappingsProps {
  integration: Schemas['Integration'];
  etag: string;
}

export function Mappings({ integration, etag }: MappingsProps) {
  const [mappings, setMappings] = useState<Mappings>(integration.record_types);
  const preview = useMappingPreview({ integration, etag, mappings });
  const refusal = useRefusal('admin');
  const isChanged = JSON.stringify(mappings) !== JSON.stringify(integration.record_types);
  const changeRefusal = isChanged ? undefined : 'There are no changes to save.';
  const setMapping = (type: string, mapping: Mapping): void => setMappings({ ...mappings, [type]: mapping });
  return (
    <Stack>
      {preview.error ? <ProblemView error={preview.error} /> : null}
      {Object.keys(mappings).length === 0 && (
        <Empty title="No record types are mapped">Add a record type, then map its fields.</Empty>
      )}
      {Object.entries(mappings).map(([type, mapping]) => (
        <MappingOfType
          key={type}
          type={type}
          mapping={mapping}
          recordTypes={Object.keys(mappings)}
          remoteType={integration.remote_record_types.find(({ name }) => name === type)}
          isReadOnly={refusal !== undefined}
          onChange={(next) => setMapping(type, next)}
        />
      ))}
      <Group justify="space-between" align="flex-end">
        <AddRecordType integration={integration} mappings={mappings} onAdd={setMapping} />
        <Group gap="xs">
          <ActionButton
            variant="default"
            refusal={changeRefusal}
            onClick={() => setMappings(integration.record_types)}
          >
            Undo changes
          </ActionButton>
          <ActionButton loading={preview.isPending} refusal={refusal ?? changeRefusal} onClick={preview.load}>
            Preview changes
          </ActionButton>
        </Group>
      </Group>
      <MappingPreview
        preview={preview.result}
        integration={integration}
        etag={etag}
        mappings={mappings}
        onClose={preview.close}
      />
    </Stack>
  );
}

interface AddRecordTypeProps {
  integration: Schemas['Integration'];
  mappings: Mappings;
  onAdd: (type: string, mapping: Mapping) => void;
}

function AddRecordType({ integration, mappings, onAdd }: AddRecordTypeProps) {
  const [type, setType] = useState<string | null>(null);
  const refusal = useRefusal('admin');
  const unmapped = integration.remote_record_types
    .map(({ name }) => name)
    .filter((name) => !(name in mappings));
  const add = (): void => {
    if (type !== null) onAdd(type, { fields: [], direction: 'push', on_delete: 'leave' });
    setType(null);
  };
  return (
    <Group align="flex-end" gap="xs">
      <Select
        label="Record type"
        placeholder={unmapped.length === 0 ? 'All record types are mapped' : 'Select'}
        data={unmapped}
        value={type}
        onChange={setType}
        disabled={unmapped.length === 0}
      />
      <ActionButton
        variant="default"
        leftSection={<Plus size={14} aria-hidden />}
        refusal={refusal ?? (type === null ? 'Select a record type first.' : undefined)}
        onClick={add}
      >
        Add record type
      </ActionButton>
    </Group>
  );
}
