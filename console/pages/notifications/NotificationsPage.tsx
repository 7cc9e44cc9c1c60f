import { Anchor, Badge, Button, Group, Paper, SegmentedControl, Stack, Text } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { CheckCheck, CircleAlert, Info, TriangleAlert } from 'lucide-react';
import { answerOf, api, type Schemas } from '../../api/client';
import { notificationsQuery } from '../../api/queries';
import { ActionButton } from '../../common/ActionButton';
import { CopyAsCurl } from '../../common/CopyAsCurl';
import { Page } from '../../common/Page';
import { RouterLink } from '../../common/RouterLink';
import { Empty, Read } from '../../common/States';
import { Instant } from '../../common/Time';
import { useAction } from '../../common/use-action';
import { useSeen } from './use-viewed';

type Notification = Schemas['Notification'];
const route = getRouteApi('/shell/notifications');
const LOOKS = {
  info: { icon: Info, label: 'News' },
  warning: { icon: TriangleAlert, label: 'Warning' },
  error: { icon: CircleAlert, label: 'Problem' },
} as const;
const DECISIONS: Record<string, string> = {
  viewed: 'not e-mailed, because you viewed it',
  snapshot_invalid: 'not e-mailed, because the overview was no longer valid',
  email_off: 'not e-mailed: e-mails are off',
  address_refused: 'not e-mailed: your address was refused',
};

export function NotificationsPage() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const notifications = useInfiniteQuery(notificationsQuery(search));
  const all = notifications.data?.pages.flatMap((page) => page.data) ?? [];
  const newest = all[0];
  const viewAll = useAction({
    run: (upTo: string) => answerOf(api.POST('/v1/notifications/viewed', { body: { up_to: upTo } })),
    done: 'All are marked as viewed.',
    changes: ['notifications'],
  });
  return (
    <Page
      title="Notifications"
      subtitle={
        <>
          What you started and what needs an admin. Sent by e-mail only where it is not viewed here in time;{' '}
          <RouterLink to="/settings" underline="always">
            settings
          </RouterLink>
          .
        </>
      }
      actions={
        <>
          <CopyAsCurl path="/notifications" query={search} />
          <ActionButton
            variant="default"
            leftSection={<CheckCheck size={16} aria-hidden />}
            loading={viewAll.isPending}
            refusal={
              newest === undefined || all.every(({ viewed_at: at }) => at !== null)
                ? 'All are viewed already.'
                : undefined
            }
            onClick={() => newest && viewAll.mutate(newest.id)}
          >
            Mark all as viewed
          </ActionButton>
        </>
      }
    >
      <Group>
        <SegmentedControl
          aria-label="Which notifications"
          data={[
            { value: 'all', label: 'All' },
            { value: 'false', label: 'Unread' },
            { value: 'true', label: 'Viewed' },
          ]}
          value={search.is_viewed ?? 'all'}
          onChange={(value) =>
            void navigate({ search: value === 'all' ? {} : { is_viewed: value as 'true' }, replace: true })
          }
        />
      </Group>
      <Read query={notifications}>
        {() =>
          all.length === 0 ? (
            <Empty title="Nothing to see">
              What you start and does not end within a minute, and what needs your attention, comes here.
            </Empty>
          ) : (
            <Stack component="ul" p={0} m={0} gap="xs" style={{ listStyle: 'none' }}>
              {all.map((notification) => (
                <Entry key={notification.id} notification={notification} />
              ))}
              {notifications.hasNextPage && (
                <Button
                  variant="default"
                  loading={notifications.isFetchingNextPage}
                  onClick={() => void notifications.fetchNextPage()}
                >
                  Show more
                </Button>
              )}
            </Stack>
          )
        }
      </Read>
    </Page>
  );
}

function Entry({ notification }: { notification: Notification }) {
  const {
    id,
    title,
    explanation,
    detail,
    severity,
    path,
    created_at: at,
    resolved_at: resolvedAt,
    viewed_at: viewedAt,
    email,
  } = notification;
  const isUnread = viewedAt === null;
  const { icon: Icon, label } = LOOKS[severity];
  const view = useAction({
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
  const ref = useSeen<HTMLLIElement>(isUnread, () => view.mutate('seen'));
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
            {/* A whole address from the API: it is of this console, whatever page it names. */}
            <Anchor size="sm" href={path} onClick={() => isUnread && view.mutate('opened')}>
              Open
            </Anchor>
            <Text size="xs" c="dimmed" component="div">
              {resolvedAt !== null && severity !== 'info' && (
                <>
                  settled <Instant at={resolvedAt} relative />{' '}
                </>
              )}
              {email?.sent_at ? (
                <>
                  e-mailed <Instant at={email.sent_at} /> because it was not viewed
                </>
              ) : (
                (DECISIONS[email?.decision ?? ''] ?? '')
              )}
            </Text>
          </Group>
        </Stack>
      </Group>
    </Paper>
  );
}
