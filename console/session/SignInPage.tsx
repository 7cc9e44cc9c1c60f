import { Button, PasswordInput, Stack, Text, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { ProblemView } from '../common/States';
import { useAction } from '../common/use-action';
import { signIn, waysToSignInQuery } from './session';
import { InsecureConnection } from './InsecureConnection';
import { SignInLayout } from './SignInLayout';
import { useReturn } from './use-return';

const route = getRouteApi('/sign-in');

export function SignInPage() {
  const { data: ways } = useQuery(waysToSignInQuery);
  return (
    <SignInLayout title="Sign in">
      <Stack>
        <InsecureConnection />
        <SignInForm />
        {ways?.oidc && (
          <Button component="a" href="/console/v1/oidc" variant="default" fullWidth>
            Sign in with single sign-on
          </Button>
        )}
        <Text size="sm" c="dimmed">
          No password, or forgotten it? An admin of your company can send you a link to set one.
        </Text>
      </Stack>
    </SignInLayout>
  );
}

function SignInForm() {
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  const submitSignIn = useSignIn();
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    submitSignIn.mutate({ email, password });
  };
  return (
    <form onSubmit={submit}>
      <Stack>
        {submitSignIn.error ? <ProblemView error={submitSignIn.error} /> : <SingleSignOnError />}
        <TextInput
          label="E-mail"
          inputMode="email"
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
        <Button type="submit" loading={submitSignIn.isPending} fullWidth>
          Sign in
        </Button>
      </Stack>
    </form>
  );
}

function useSignIn() {
  const { to } = route.useSearch();
  const goBack = useReturn('/');
  return useAction({ run: signIn, isQuiet: true, onDone: () => goBack(to) });
}

const OTHER_IDENTITY =
  "The single sign-on failed: the user with your e-mail address is linked to another account at your company's " +
  'provider. An admin can release the link on the page Users. The next single sign-on then links your account.';
const UNKNOWN_ADDRESS =
  "The single sign-on failed: no user here has the e-mail address that your company's provider reported, or " +
  'the provider has not verified it.';

function SingleSignOnError() {
  const { error } = route.useSearch();
  if (error === undefined) return null;
  return (
    <Text size="sm" role="alert" c="var(--mantine-color-error)">
      {error === 'other_identity' ? OTHER_IDENTITY : UNKNOWN_ADDRESS}
    </Text>
  );
}
