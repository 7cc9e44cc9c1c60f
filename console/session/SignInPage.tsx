import { Button, PasswordInput, Stack, Text, TextInput } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi, useRouter } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { ProblemView } from '../common/States';
import { useAction } from '../common/use-action';
import { Door } from './SignInLayout';
import { signIn, waysToSignInQuery } from './session';

const route = getRouteApi('/sign-in');

export function SignInPage() {
  const { to, error } = route.useSearch();
  const { data: ways } = useQuery(waysToSignInQuery);
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
          {enter.error ? (
            <ProblemView error={enter.error} />
          ) : (
            error !== undefined && (
              <Text size="sm" role="alert" c="var(--mantine-color-error)">
                Your company&apos;s provider did not sign you in here: it names an address that nobody here
                has, or that it has not verified.
              </Text>
            )
          )}
          <TextInput
            label="E-mail"
            type="email"
            autoComplete="username"
            required
            value={email}
            onChange={(event) => setEmail(event.currentTarget.value)}
          />
          <PasswordInput
            label="Password"
            autoComplete="current-password"
            required
            value={password}
            onChange={(event) => setPassword(event.currentTarget.value)}
          />
          <Button type="submit" loading={enter.isPending} fullWidth>
            Sign in
          </Button>
          {ways?.oidc && (
            <Button component="a" href="/console/v1/oidc" variant="default" fullWidth>
              Sign in with your company&apos;s provider
            </Button>
          )}
          <Text size="sm" c="dimmed">
            No password yet, or forgotten? An admin of your company can send you a link to set one.
          </Text>
        </Stack>
      </form>
    </Door>
  );
}
