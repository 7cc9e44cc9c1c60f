import { Button, PasswordInput, Stack, Text } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { ProblemView } from '../common/States';
import { showToast } from '../common/toasts';
import { useAction } from '../common/use-action';
import { Door } from './SignInLayout';
import { setPassword } from './session';
import { RouterLink } from '../common/RouterLink';

const LENGTH_MIN = 12;
/** The token stands behind the `#`, so that no server and no log ever sees it. */
const readToken = (): string | undefined =>
  new URLSearchParams(window.location.hash.slice(1)).get('token') ?? undefined;

export function SetPasswordPage() {
  const [token] = useState(readToken);
  const navigate = useNavigate();
  const [password, choose] = useState('');
  const [again, setAgain] = useState('');
  const change = useAction({
    run: setPassword,
    isQuiet: true,
    async onDone() {
      showToast({ kind: 'done', title: 'Your password is set. Sign in with it.' });
      await navigate({ to: '/sign-in' });
    },
  });
  if (token === undefined)
    return (
      <Door
        title="Set a password"
        hint="This link is not complete. Open the one in the e-mail again, or ask an admin of your company for a new one."
      >
        <RouterLink to="/sign-in">To the sign-in</RouterLink>
      </Door>
    );
  const differs = again !== '' && again !== password;
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (!differs) change.mutate({ token, password });
  };
  return (
    <Door title="Set a password">
      <form onSubmit={submit}>
        <Stack>
          {change.error && <ProblemView error={change.error} />}
          <PasswordInput
            label="New password"
            description={`At least ${LENGTH_MIN} characters. A few words that nobody would guess are best.`}
            autoComplete="new-password"
            minLength={LENGTH_MIN}
            required
            value={password}
            onChange={(event) => choose(event.currentTarget.value)}
          />
          <PasswordInput
            label="The same once more"
            autoComplete="new-password"
            required
            value={again}
            onChange={(event) => setAgain(event.currentTarget.value)}
            error={differs ? 'The two differ.' : undefined}
          />
          <Button type="submit" loading={change.isPending} fullWidth>
            Set the password
          </Button>
          <Text size="sm" c="dimmed">
            Links of this kind work once.
          </Text>
        </Stack>
      </form>
    </Door>
  );
}
