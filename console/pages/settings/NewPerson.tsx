import { Group, Stack } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { answerOf, api, type Schemas } from '../../api/client';
import { ActionButton } from '../../common/ActionButton';
import { ProblemView } from '../../common/States';
import { useAction } from '../../common/use-action';
import type { Role } from '../../session/session';
import { EmailInput } from './EmailInput';
import { NameInput } from './NameInput';
import { RoleInput } from './RoleInput';

export function NewPerson({ onDone }: { onDone: (person: Schemas['PersonWithLink']) => void }) {
  const [name, setName] = useState('');
  const [email, setEmail] = useState('');
  const [role, setRole] = useState<Role>('operator');
  const add = useAction({
    run: () => answerOf(api.POST('/v1/people', { body: { name, email, role } })),
    isQuiet: true,
    changes: ['people'],
    onDone,
  });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    add.mutate();
  };
  return (
    <form onSubmit={submit}>
      <Stack>
        {add.error && <ProblemView error={add.error} />}
        <NameInput name={name} onChange={setName} />
        <EmailInput email={email} onChange={setEmail} />
        <RoleInput role={role} onChange={setRole} />
        <Group justify="flex-end">
          <ActionButton type="submit" loading={add.isPending}>
            Add user
          </ActionButton>
        </Group>
      </Stack>
    </form>
  );
}
