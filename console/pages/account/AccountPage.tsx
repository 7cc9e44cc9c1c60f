import { Group, PasswordInput, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { answerOf, consoleApi } from '../../api/client';
import { ActionButton } from '../../common/ActionButton';
import { Page } from '../../common/Page';
import { Section } from '../../common/Section';
import { ProblemView, Read } from '../../common/States';
import { Instant } from '../../common/Time';
import { useAction } from '../../common/use-action';
import { useSession } from '../../session/session';

const BROWSERS: [RegExp, string][] = [
  [/Edg/, 'Edge'],
  [/OPR/, 'Opera'],
  [/Firefox/, 'Firefox'],
  [/Chrom/, 'Chrome'],
  [/Safari/, 'Safari'],
];
const SYSTEMS: [RegExp, string][] = [
  [/Android/, 'Android'],
  [/iPhone|iPad/, 'iOS'],
  [/Windows/, 'Windows'],
  [/Mac OS/, 'macOS'],
  [/Linux/, 'Linux'],
];

/** `Chrome on Linux`; what is not known stays as the browser says it. */
function toBrowserName(userAgent: string | null): string {
  if (userAgent === null) return 'Unknown browser';
  const [browser, system] = [BROWSERS, SYSTEMS].map(
    (all) => all.find(([pattern]) => pattern.test(userAgent))?.[1],
  );
  return browser === undefined || system === undefined ? userAgent : `${browser} on ${system}`;
}

/** One's own password, and where one is signed in. */
export function AccountPage() {
  const { person, role } = useSession();
  const sessions = useQuery({
    queryKey: ['own-sessions'],
    queryFn: async () => (await answerOf(consoleApi.GET('/console/v1/me/sessions'))).data,
  });
  const end = useAction({
    run: (id: string) =>
      answerOf(
        consoleApi.DELETE('/console/v1/me/sessions/{session_id}', { params: { path: { session_id: id } } }),
      ),
    done: 'That session has ended.',
    changes: ['own-sessions', 'me'],
  });
  return (
    <Page title={person.name} subtitle={`${person.email} · ${role}`}>
      <Section
        title="Where you are signed in"
        hint="End those that you do not know, and change your password."
      >
        <Read query={sessions} rows={3}>
          {(all) => (
            <Stack component="ul" p={0} m={0} gap="xs" style={{ listStyle: 'none' }}>
              {all.map((session) => (
                <Group key={session.id} component="li" justify="space-between">
                  <div>
                    <Text size="sm">
                      <span title={session.user_agent ?? undefined}>{toBrowserName(session.user_agent)}</span>{' '}
                      {session.is_current ? '(this one)' : ''}
                    </Text>
                    <Text size="xs" c="dimmed" component="div">
                      from {session.ip ?? 'an unknown address'}, since <Instant at={session.signed_in_at} />
                    </Text>
                  </div>
                  <ActionButton size="xs" variant="default" onClick={() => end.mutate(session.id)}>
                    End it
                  </ActionButton>
                </Group>
              ))}
            </Stack>
          )}
        </Read>
      </Section>
      <OwnPassword />
    </Page>
  );
}

function OwnPassword() {
  const [current, setCurrent] = useState('');
  const [password, setPassword] = useState('');
  const change = useAction({
    run: () =>
      answerOf(consoleApi.POST('/console/v1/me/password', { body: { current_password: current, password } })),
    isQuiet: true,
    done: 'Your password is changed.',
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
    <Section title="Another password">
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
              Change the password
            </ActionButton>
          </Group>
        </Stack>
      </form>
    </Section>
  );
}
