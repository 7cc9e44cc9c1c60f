import { Alert, Button, PasswordInput, Stack, Text, TextInput } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi, useRouter } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { ProblemView } from '../common/States';
import { useAction } from '../common/use-action';
import { signIn, waysToSignInQuery } from './session';
import { SignInLayout } from './SignInLayout';

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

/** Browsers keep the session cookie of a page without TLS on the local machine only. */
function InsecureConnection() {
  if (window.isSecureContext) return null;
  return (
    <Alert color="orange" variant="light">
      This page was opened without encryption (http), so your browser does not keep you signed in. Open
      Syncline at its https address. If there is none, ask the operator of Syncline to set up TLS.
    </Alert>
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
  const router = useRouter();
  const queryClient = useQueryClient();
  return useAction({
    run: signIn,
    isQuiet: true,
    async onDone() {
      queryClient.clear();
      // Only pages of this console: the address comes from a link and could lead elsewhere.
      const target = to?.startsWith('/') && !to.startsWith('//') ? to : '/';
      await router.navigate({ href: router.buildLocation({ href: target } as never).href, replace: true });
    },
  });
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
