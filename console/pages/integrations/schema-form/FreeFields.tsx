import { Button, Group, PasswordInput, Stack, TextInput } from '@mantine/core';
import { useState } from 'react';
import { ActionButton } from '../../../common/ActionButton';
import type { SchemaFormProps } from './schema-form-props';

type FreeFieldsProps = Omit<SchemaFormProps, 'schema'>;

/** Fields with free names: a row for each, and an input that adds one. */
export function FreeFields({ drafts, onChange, errors, isSecret }: FreeFieldsProps) {
  const Input = isSecret ? PasswordInput : TextInput;
  const remove = (name: string): void =>
    onChange(Object.fromEntries(Object.entries(drafts).filter(([other]) => other !== name)));
  return (
    <Stack gap="sm">
      {Object.keys(drafts).map((name) => (
        <Group key={name} align="flex-end" gap="xs" wrap="nowrap">
          <Input
            label={name}
            flex={1}
            autoComplete="off"
            error={errors[name]}
            value={drafts[name] ?? ''}
            onChange={(event) => onChange({ ...drafts, [name]: event.currentTarget.value })}
          />
          <Button variant="default" onClick={() => remove(name)}>
            Remove
          </Button>
        </Group>
      ))}
      <AddField drafts={drafts} onChange={onChange} />
    </Stack>
  );
}

function AddField({ drafts, onChange }: Pick<FreeFieldsProps, 'drafts' | 'onChange'>) {
  const [name, setName] = useState('');
  const trimmed = name.trim();
  const refusal =
    trimmed === '' ? 'Enter a name first.' : trimmed in drafts ? 'This name already exists.' : undefined;
  const add = (): void => {
    onChange({ ...drafts, [trimmed]: '' });
    setName('');
  };
  return (
    <Group align="flex-end" gap="xs">
      <TextInput
        label="Name of the credential"
        placeholder="token"
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
      />
      <ActionButton variant="default" refusal={refusal} onClick={add}>
        Add credential
      </ActionButton>
    </Group>
  );
}
