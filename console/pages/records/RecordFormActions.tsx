import { Button, Group, TextInput } from '@mantine/core';
import { Plus } from 'lucide-react';
import { useState } from 'react';
import { ActionButton } from '../../common/ActionButton';
import type { RecordForm } from './use-record-form';

/** Below the fields while they are edited: add a field, cancel, save. */
export function RecordFormActions({ form }: { form: RecordForm }) {
  return (
    <Group mt="md" align="flex-end" justify="space-between">
      <AddField form={form} />
      <Group gap="xs">
        <Button variant="default" onClick={form.close}>
          Cancel
        </Button>
        <ActionButton
          type="submit"
          loading={form.isSaving}
          refusal={form.hasChanges ? undefined : 'There are no changes to save.'}
        >
          Save
        </ActionButton>
      </Group>
    </Group>
  );
}

function AddField({ form }: { form: RecordForm }) {
  const [name, setName] = useState('');
  const trimmed = name.trim();
  const refusal =
    trimmed === ''
      ? 'Enter a field name first.'
      : form.names.includes(trimmed)
        ? 'This field already exists.'
        : undefined;
  const add = (): void => {
    form.edit(trimmed, '');
    setName('');
  };
  return (
    <Group align="flex-end" gap="xs">
      <TextInput
        label="New field"
        placeholder="field_name"
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
      />
      <ActionButton
        variant="default"
        leftSection={<Plus size={14} aria-hidden />}
        refusal={refusal}
        onClick={add}
      >
        Add field
      </ActionButton>
    </Group>
  );
}
