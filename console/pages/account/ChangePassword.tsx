import { Group, PasswordInput, Stack } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { answerOf, consoleApi } from '../../api/client';
import { ActionButton } from '../../common/ActionButton';
import { Section } from '../../common/Section';
import { ProblemView } from '../../common/States';
import { useAction } from '../../common/use-action';

export function ChangePassword() {
  const [current, setCurrent] = useState('');
  const [password, setPassword] = useState('');
  const change = useAction({
    run: () =>
      answerOf(consoleApi.POST('/console/v1/me/password', { body: { current_password: current, password } })),
    isQuiet: true,
    done: 'Password changed.',
    changes: ['own-sessions', 'me'],
    onDone() {
      setCurrent('');
      setPassword('');
    },
  });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    change.mutate();
  };
  return (
    <Section title="Change password">
      <form onSubmit={submit}>
        <Stack maw={400}>
          {change.error && <ProblemView error={change.error} />}
          <PasswordInput
            label="Current password"
            autoComplete="current-password"
            required
            value={current}
            onChange={(event) => setCurrent(event.currentTarget.value)}
          />
          <PasswordInput
            label="New password"
            description="At least 12 characters."
            autoComplete="new-password"
            minLength={12}
            required
            value={password}
            onChange={(event) => setPassword(event.currentTarget.value)}
          />
          <Group>
            <ActionButton type="submit" loading={change.isPending}>
              Change password
            </ActionButton>
          </Group>
        </Stack>
      </form>
    </Section>
  );
}
