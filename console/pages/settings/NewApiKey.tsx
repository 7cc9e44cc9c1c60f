import { Group, NumberInput, Stack } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { answerOf, api } from '../../api/client';
import { ActionButton } from '../../common/ActionButton';
import { ShownOnce } from '../../common/ShownOnce';
import { ProblemView } from '../../common/States';
import { useAction } from '../../common/use-action';
import type { Role } from '../../session/session';
import { NameInput } from './NameInput';
import { RoleInput } from './RoleInput';

export function NewApiKey({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState('');
  const [role, setRole] = useState<Role>('operator');
  const [days, setDays] = useState<number | string>(365);
  const create = useAction({
    run: () => answerOf(api.POST('/v1/api-keys', { body: { name, role, expires_in_days: Number(days) } })),
    isQuiet: true,
    changes: ['api-keys'],
  });
  if (create.data !== undefined)
    return (
      <ShownOnce
        secret={create.data.key}
        warning="Copy the key now. Only its hash is stored, so it cannot be shown again."
        onClose={onClose}
      />
    );
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    create.mutate();
  };
  return (
    <form onSubmit={submit}>
      <Stack>
        {create.error && <ProblemView error={create.error} />}
        <NameInput name={name} description="The program that will use the key." onChange={setName} />
        <RoleInput role={role} onChange={setRole} />
        <NumberInput label="Days until expiry" min={1} max={3_650} required value={days} onChange={setDays} />
        <Group justify="flex-end">
          <ActionButton type="submit" loading={create.isPending}>
            Create API key
          </ActionButton>
        </Group>
      </Stack>
    </form>
  );
}
