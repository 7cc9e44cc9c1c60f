import { Anchor, Badge, Group, Paper, Stack, Text } from '@mantine/core';
import { CircleAlert, Info, TriangleAlert } from 'lucide-react';
import { answerOf, api, type Schemas } from '../../api/client';
import { Instant } from '../../common/Time';
import { useAction } from '../../common/use-action';
import { useViewed } from './use-viewed';

type Notification = Schemas['Notification'];
const LOOKS = {
  info: { icon: Info, label: 'Information' },
  warning: { icon: TriangleAlert, label: 'Warning' },
  error: { icon: CircleAlert, label: 'Problem' },
} as const;
const DECISIONS: Record<string, string> = {
  viewed: 'not e-mailed, because you viewed it',
  snapshot_invalid: 'not e-mailed, because the overview was no longer valid',
  email_off: 'not e-mailed, because e-mails are off',
  address_refused: 'not e-mailed, because your address was rejected',
};

export function NotificationEntry({ notification }: { notification: Notification }) {
  const { id, title, explanation, detail, severity, path, created_at: at } = notification;
  const isUnread = notification.viewed_at === null;
  const { icon: Icon, label } = LOOKS[severity];
  const view = useView(id);
  const ref = useViewed<HTMLLIElement>(isUnread, () => view.mutate('seen'));
  return (
    <Paper withBorder p="md" component="li" ref={ref}>
      <Group wrap="nowrap" align="flex-start">
        <Icon size={20} aria-label={label} style={{ flexShrink: 0 }} />
        <Stack gap={4} flex={1} miw={0} style={{ overflowWrap: 'anywhere' }}>
          <Group justify="space-between" gap="xs">
            <Group gap="xs">
              <Text fw={isUnread ? 700 : 500}>{title}</Text>
              {isUnread && <Badge color="blue">New</Badge>}
            </Group>
            <Text size="sm" c="dimmed" component="div">
              <Instant at={at} relative />
            </Text>
          </Group>
          <Text size="sm">{explanation}</Text>
          {detail !== '' && detail !== explanation && (
            <Text size="sm" c="dimmed">
              {detail}
            </Text>
          )}
          <Group gap="md">
            {/* The path comes from the API and can name any page, so it is not a typed link. */}
            <Anchor size="sm" href={path} onClick={() => isUnread && view.mutate('opened')}>
              Open
            </Anchor>
            <Outcome notification={notification} />
          </Group>
        </Stack>
      </Group>
    </Paper>
  );
}

function useView(id: string) {
  return useAction({
    run: (how: 'seen' | 'opened') =>
      answerOf(
        api.POST('/v1/notifications/{notification_id}/viewed', {
          params: { path: { notification_id: id } },
          body: { how },
        }),
      ),
    changes: ['notifications'],
    isQuiet: true,
  });
}

/** Whether the cause is resolved, and whether an e-mail was sent. */
function Outcome({
  notification: { resolved_at: resolvedAt, severity, email },
}: {
  notification: Notification;
}) {
  return (
    <Text size="xs" c="dimmed" component="div">
      {resolvedAt !== null && severity !== 'info' && (
        <>
          resolved <Instant at={resolvedAt} relative />{' '}
        </>
      )}
      {email?.sent_at ? (
        <>
          e-mailed <Instant at={email.sent_at} />, because it was not viewed
        </>
      ) : (
        (DECISIONS[email?.decision ?? ''] ?? '')
      )}
    </Text>
  );
}
