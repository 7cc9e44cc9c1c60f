import { Button, PasswordInput, Stack, Text } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { RouterLink } from '../common/RouterLink';
import { ProblemView } from '../common/States';
import { showToast } from '../common/toasts';
import { useAction } from '../common/use-action';
import { setPassword } from './session';
import { SignInLayout } from './SignInLayout';

const LENGTH_MIN = 12;
/** The token comes after the `#`, which browsers do not send to servers. */
const readToken = (): string | undefined =>
  new URLSearchParams(window.location.hash.slice(1)).get('token') ?? undefined;

export function SetPasswordPage() {
  const [token] = useState(readToken);
  if (token !== undefined)
    return (
      <SignInLayout title="Set a password">
        <PasswordForm token={token} />
      </SignInLayout>
    );
  return (
    <SignInLayout
      title="Set a password"
      hint={
        'This link is incomplete. Copy the whole link from the message again, ' +
        'or ask an admin of your company for a new one.'
      }
    >
      <RouterLink to="/sign-in">Go to sign-in</RouterLink>
    </SignInLayout>
  );
}

function PasswordForm({ token }: { token: string }) {
  const navigate = useNavigate();
  const [password, setNewPassword] = useState('');
  const [confirmation, setConfirmation] = useState('');
  const save = useAction({
    run: setPassword,
    isQuiet: true,
    async onDone() {
      showToast({ kind: 'done', title: 'Password set. Sign in with it.' });
      await navigate({ to: '/sign-in' });
    },
  });
  const differs = confirmation !== '' && confirmation !== password;
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (!differs) save.mutate({ token, password });
  };
  return (
    <form onSubmit={submit}>
      <Stack>
        {save.error && <ProblemView error={save.error} />}
        <PasswordInput
          label="New password"
          description={`At least ${LENGTH_MIN} characters. Several unrelated words work best.`}
          autoComplete="new-password"
          minLength={LENGTH_MIN}
          required
          value={password}
          onChange={(event) => setNewPassword(event.currentTarget.value)}
        />
        <PasswordInput
          label="Confirm password"
          autoComplete="new-password"
          required
          value={confirmation}
          onChange={(event) => setConfirmation(event.currentTarget.value)}
          error={differs ? 'Passwords do not match.' : undefined}
        />
        <Button type="submit" loading={save.isPending} fullWidth>
          Set password
        </Button>
        <Text size="sm" c="dimmed">
          This link works once.
        </Text>
      </Stack>
    </form>
  );
}
