import { Button, PasswordInput, Stack, Text } from '@mantine/core';
import { getRouteApi } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { RouterLink } from '../common/RouterLink';
import { ProblemView } from '../common/States';
import { useAction } from '../common/use-action';
import { InsecureConnection } from './InsecureConnection';
import { signInAsPlatform } from './platform-session';
import { SignInLayout } from './SignInLayout';
import { useReturn } from './use-return';

const route = getRouteApi('/platform/sign-in');

export function PlatformSignInPage() {
  return (
    <SignInLayout title="Sign in as operator" hint="For the team that runs Syncline.">
      <Stack>
        <InsecureConnection />
        <PlatformKeyForm />
        <Text size="sm" c="dimmed">
          Do you use Syncline at a company?{' '}
          <RouterLink to="/sign-in" underline="always">
            Sign in with your e-mail address
          </RouterLink>
        </Text>
      </Stack>
    </SignInLayout>
  );
}

function PlatformKeyForm() {
  const { to } = route.useSearch();
  const [key, setKey] = useState('');
  const goBack = useReturn('/platform');
  const signIn = useAction({ run: signInAsPlatform, isQuiet: true, onDone: () => goBack(to) });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    signIn.mutate(key.trim());
  };
  return (
    <form onSubmit={submit} autoComplete="off">
      <Stack>
        {signIn.error && <ProblemView error={signIn.error} />}
        <PasswordInput
          label="Platform key"
          description="The value of PLATFORM_KEY. This browser does not keep it."
          autoComplete="off"
          spellCheck={false}
          required
          value={key}
          onChange={(event) => setKey(event.currentTarget.value)}
        />
        <Button type="submit" loading={signIn.isPending} fullWidth>
          Sign in
        </Button>
      </Stack>
    </form>
  );
}
