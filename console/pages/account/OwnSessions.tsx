import { Group, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { answerOf, consoleApi } from '../../api/client';
import { ownSessionsQuery } from '../../api/queries';
import { ActionButton } from '../../common/ActionButton';
import { Section } from '../../common/Section';
import { Read } from '../../common/States';
import { Instant } from '../../common/Time';
import { useAction } from '../../common/use-action';
import { toBrowserName } from './browser-name';

export function OwnSessions() {
  const sessions = useQuery(ownSessionsQuery);
  const end = useAction({
    run: (id: string) =>
      answerOf(
        consoleApi.DELETE('/console/v1/me/sessions/{session_id}', { params: { path: { session_id: id } } }),
      ),
    done: 'Session ended.',
    changes: ['own-sessions', 'me'],
  });
  return (
    <Section title="Sessions" hint="End any session you do not recognize, and change your password.">
      <Read query={sessions} rows={3}>
        {(all) => (
          <Stack component="ul" p={0} m={0} gap="xs" style={{ listStyle: 'none' }}>
            {all.map((session) => (
              <Group key={session.id} component="li" justify="space-between">
                <div>
                  <Text size="sm">
                    <span title={session.user_agent ?? undefined}>{toBrowserName(session.user_agent)}</span>
                    {session.is_current ? ' (this session)' : ''}
                  </Text>
                  <Text size="xs" c="dimmed" component="div">
                    from {session.ip ?? 'an unknown address'}, since <Instant at={session.signed_in_at} />
                  </Text>
                </div>
                <ActionButton size="xs" variant="default" onClick={() => end.mutate(session.id)}>
                  End session
                </ActionButton>
              </Group>
            ))}
          </Stack>
        )}
      </Read>
    </Section>
  );
}
