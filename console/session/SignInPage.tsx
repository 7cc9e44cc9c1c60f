import { Button, PasswordInput, Stack, Text, TextInput } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { getRouteApi, useRouter } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { ProblemView } from '../common/States';
import { useAction } from '../common/use-action';
import { Door } from './Door';
import { signIn } from './session';

const route = getRouteApi('/sign-in');

export function SignInPage() {
  const { to } = route.useSearch();
  const router = useRouter();
  const queryClient = useQueryClient();
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  const enter = useAction({
    run: signIn,
    isQuiet: true,
    async onDone() {
      queryClient.clear();
      // Only to pages of this console: an address from a link is not to be trusted.
      const target = to?.startsWith('/') && !to.startsWith('//') ? to : '/';
      await router.navigate({ href: router.buildLocation({ href: target } as never).href, replace: true });
    },
  });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    enter.mutate({ email, password });
  };
  return (
    <Door title="Sign in">
      <form onSubmit={submit}>
        <Stack>
          {enter.error && <ProblemView error={enter.error} />}
          <TextInput label="E-mail" type="email" autoComplete="username" required value={email} onChange={(event) => setEmail(event.currentTarget.value)} />
          <PasswordInput
            label="Password"
            autoComplete="current-password"
            required
            value={password}
            onChange={(event) => setPassword(event.currentTarget.value)}
            visibilityToggleButtonProps={{ 'aria-label': 'Show or hide the password', tabIndex: 0 }}
          />
          <Button type="submit" loading={enter.isPending} fullWidth>
            Sign in
          </Button>
          <Text size="sm" c="dimmed">
            No password yet, or forgotten? An admin of your company can send you a link to set one.
          </Text>
        </Stack>
      </form>
    </Door>
  );
}
